"""API keys over HTTP."""

from fastapi import APIRouter, Request

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.auth import ApiKeyIn, ApiKeyOut, ApiKeysOut, NewApiKeyOut
from webapp.api.signing_in import sign_out
from webapp.services import api_keys
from webapp.services.views import ApiKeyView

router = APIRouter(prefix="/api/v1/auth", tags=["account"])


@router.post("/generate-api-key", status_code=201)
def generate_api_key(resources: CurrentResources, principal: CurrentPrincipal, body: ApiKeyIn) -> NewApiKeyOut:
    """Make a named key; send it as `X-API-Key`. It is shown this once."""
    made = api_keys.create_key(resources, principal, body.name, set(body.scopes), body.expires_in_days)
    return NewApiKeyOut(**_out(made.view).model_dump(), api_key=made.key)


@router.get("/api-keys")
def list_api_keys(resources: CurrentResources, principal: CurrentPrincipal) -> ApiKeysOut:
    """Return one's keys, without their secrets."""
    return ApiKeysOut(api_keys=[_out(view) for view in api_keys.list_keys(resources, principal)])


@router.delete("/api-keys/{key_id}", status_code=204)
def revoke_api_key(request: Request, resources: CurrentResources, principal: CurrentPrincipal, key_id: str) -> None:
    """End a key."""
    api_keys.revoke_key(resources, principal, key_id)
    sign_out(request, key_id)


def _out(view: ApiKeyView) -> ApiKeyOut:
    return ApiKeyOut.model_validate(view, from_attributes=True)
