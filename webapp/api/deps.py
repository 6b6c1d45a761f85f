"""What routes ask for: who it is, and with which resources. A second wall behind the gate."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from auth.principals import Principal
from webapp.errors import NotSignedIn
from webapp.resources import Resources

bearer_in_docs = HTTPBearer(auto_error=False, description="Access token of /api/v1/auth/login")
key_in_docs = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="A key of /api/v1/auth/generate-api-key"
)


def _principal(request: Request) -> Principal:
    found = request.scope.get("state", {}).get("principal")
    if not isinstance(found, Principal):
        raise NotSignedIn()
    return found


def _resources(request: Request) -> Resources:
    found: Resources = request.app.state.resources
    return found


CurrentPrincipal = Annotated[Principal, Depends(_principal)]
CurrentResources = Annotated[Resources, Depends(_resources)]
