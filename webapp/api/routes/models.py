"""Detector weights over HTTP."""

from fastapi import APIRouter

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.models import ModelDetailOut, ModelOut, ModelsOut
from webapp.services import models

router = APIRouter(prefix="/api/v1/models", tags=["models"])


@router.get("")
def list_models(resources: CurrentResources, principal: CurrentPrincipal) -> ModelsOut:
    """List the weights that a job may choose, the default first."""
    return ModelsOut(models=[ModelOut.model_validate(view) for view in models.list_models(resources, principal)])


@router.get("/{name}")
def get_model(name: str, resources: CurrentResources, principal: CurrentPrincipal) -> ModelDetailOut:
    """Describe weights with their whole model card; `a+b` describes several as one detector."""
    return ModelDetailOut.model_validate(models.get_model(resources, principal, name))
