"""What a request with an API key may reach. Sessions are not limited: a person may do all that their role may."""

from auth.principals import Principal, Scope
from webapp.errors import Forbidden

READS = ("GET", "HEAD")
OWN_FACE = "/api/v1/auth/me"
ACCOUNT_PREFIX = "/api/v1/auth/"
ADMIN_PREFIXES = ("/api/v1/admin", "/metrics")
MACHINE_PREFIXES = ("/api/", "/tiles/", "/ogc", "/metrics")


def check_scope(principal: Principal, method: str, path: str) -> None:
    """Raise `Forbidden` where a key does not reach. A key never changes the account that it belongs to."""
    if not principal.key_id:
        return
    if not path.startswith(MACHINE_PREFIXES):
        raise Forbidden(detail="API keys are for the API, not for pages")
    if path.startswith(ACCOUNT_PREFIX) and (path, method) != (OWN_FACE, "GET"):
        raise Forbidden(detail="API keys cannot change the account; sign in")
    needed = Scope.READ if method in READS else Scope.WRITE
    if needed not in principal.scopes:
        raise Forbidden(detail=f"this API key lacks the scope {needed}")
    if path.startswith(ADMIN_PREFIXES) and Scope.ADMIN not in principal.scopes:
        raise Forbidden(detail="this API key lacks the scope admin")
