"""Bodies of the authentication routes."""

from pydantic import BaseModel, ConfigDict, Field


class LoginIn(BaseModel):
    """Name and password."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(max_length=200)
    password: str = Field(max_length=1024)


class RefreshIn(BaseModel):
    """The refresh token of an earlier answer."""

    model_config = ConfigDict(extra="forbid")

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
