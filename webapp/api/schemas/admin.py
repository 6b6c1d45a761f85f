"""Bodies of the administrators' routes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from auth.principals import Role, Tier


class PersonOut(BaseModel):
    """An account. `own_tier` is set where its limits are not those of its role."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    email: str | None
    role: str
    tier: str
    own_tier: str | None
    is_active: bool
    created_at: datetime
    seen_at: datetime | None
    jobs: int
    stored_bytes: int


class PeopleOut(BaseModel):
    """Accounts by number. `next_after` goes into `after` of the next request; null at the end."""

    users: list[PersonOut]
    next_after: int | None


class PeopleQuery(BaseModel):
    """Which accounts to list."""

    model_config = ConfigDict(extra="forbid")

    containing: str = Field("", max_length=100)
    limit: int = Field(100, ge=1, le=500)
    after: int = Field(0, ge=0, le=2**31 - 1)


class PersonIn(BaseModel):
    """What to change of an account; what is left out stays. `default_tier`: the limits of its role again."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    tier: Tier | None = None
    default_tier: StrictBool = False
    is_active: StrictBool | None = None

    @model_validator(mode="after")
    def _one_tier(self) -> "PersonIn":
        if self.default_tier and self.tier is not None:
            raise ValueError("tier and default_tier exclude each other")
        return self


class NewPersonIn(BaseModel):
    """An account to be made; its password is made up and told once."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(max_length=200)
    email: str | None = Field(None, max_length=254)
    role: Role = Role.USER


class PasswordOut(BaseModel):
    """A password that was made up, shown this once."""

    user_id: int
    password: str


class CheckOut(BaseModel):
    """One part of the installation."""

    model_config = ConfigDict(from_attributes=True)

    ok: bool
    detail: str


class HealthOut(BaseModel):
    """All parts by name."""

    model_config = ConfigDict(from_attributes=True)

    ok: bool
    checks: dict[str, CheckOut]


class StatusOut(BaseModel):
    """Whether the server can do its work: `ok` or `unavailable`; and all parts by name."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, CheckOut]


class LivenessOut(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class DashboardOut(BaseModel):
    """What the installation holds and does. `jobs`: how many in each state."""

    model_config = ConfigDict(from_attributes=True)

    users: int
    users_active: int
    footprints: int
    files: int
    stored_bytes: int
    jobs: dict[str, int]
    workers: int
    health: HealthOut


class CleanupIn(BaseModel):
    """What to clear up: jobs that ended longer ago (default: as the settings say), and files without a row.

    With `preview`, nothing is removed.
    """

    model_config = ConfigDict(extra="forbid")

    older_than_days: float | None = Field(None, gt=0, le=36_500)
    preview: StrictBool = True


class CleanupOut(BaseModel):
    """What was removed, or would be; footprints are those of the jobs, exports those whose time is over."""

    preview: bool
    jobs: int
    footprints: int
    exports: int
    files: int
    uploads: int


class AuditOut(BaseModel):
    """Who did what."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor_id: int | None
    actor_name: str
    key_id: str | None
    action: str
    target_kind: str
    target_id: str
    target_name: str | None
    address: str
    detail: dict[str, Any]


class AuditLogOut(BaseModel):
    """Lines, newest first. `next_before` goes into `before` of the next request; null at the end."""

    entries: list[AuditOut]
    next_before: int | None


class AuditQuery(BaseModel):
    """Which lines; `action` may be the beginning of one, as `api_key.`."""

    model_config = ConfigDict(extra="forbid")

    actor_id: int | None = Field(None, ge=0, le=2**31 - 1)
    actor_name: str = Field("", max_length=64)
    action: str = Field("", max_length=64)
    target_kind: str = Field("", max_length=32)
    target_id: str = Field("", max_length=64)
    limit: int = Field(100, ge=1, le=500)
    before: int | None = Field(None, ge=0, le=2**63 - 1)
