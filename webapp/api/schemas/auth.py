"""Bodies of the authentication routes."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from auth.principals import Scope


class Strict(BaseModel):
    """A body in which nothing unknown stands."""

    model_config = ConfigDict(extra="forbid")


class LoginIn(Strict):
    """Name and password."""

    username: str = Field(max_length=200)
    password: str = Field(max_length=1024)


class RefreshIn(Strict):
    """The refresh token of an earlier answer."""

    refresh_token: str = Field(max_length=4096)


class TokensOut(BaseModel):
    """Tokens; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"
    expires_in: int


class MeOut(BaseModel):
    """Who the request comes from."""

    user_id: int
    username: str
    role: str
    tier: str
    api_key_id: str | None
    scopes: list[str]


class RegisterIn(Strict):
    """A wish for an account."""

    username: str = Field(max_length=200)
    email: str = Field(max_length=254)
    password: str = Field(max_length=1024)


class LinkIn(Strict):
    """The secret of a link in a mail."""

    token: str = Field(max_length=200)


class EmailIn(Strict):
    """An address."""

    email: str = Field(max_length=254)


class ResetIn(LinkIn):
    """The secret of a link in a mail, and the new password."""

    new_password: str = Field(max_length=1024)


class PasswordIn(Strict):
    """The password that holds now, and the one to come."""

    current_password: str = Field(max_length=1024)
    new_password: str = Field(max_length=1024)


class AccountOut(BaseModel):
    """An account."""

    user_id: int
    username: str
    email: str | None
    role: str


class SentOut(BaseModel):
    """A mail is on its way, if there is somebody to send it to."""

    detail: str


class ApiKeyIn(Strict):
    """A key to be made. Without `expires_in_days` it works until it is revoked."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    scopes: list[Scope] = Field(default=[Scope.READ, Scope.WRITE], min_length=1, max_length=3)
    expires_in_days: float | None = Field(default=None, gt=0, le=3650)


class ApiKeyOut(BaseModel):
    """A key, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewApiKeyOut(ApiKeyOut):
    """A new key; `api_key` is shown this once."""

    api_key: str


class ApiKeysOut(BaseModel):
    """Keys, newest first."""

    api_keys: list[ApiKeyOut]


class SessionOut(BaseModel):
    """A place where somebody is signed in."""

    id: str
    kind: str
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_current: bool


class SessionsOut(BaseModel):
    """Open sessions, the one used last first."""

    sessions: list[SessionOut]
