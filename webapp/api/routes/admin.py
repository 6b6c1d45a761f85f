"""For administrators: accounts, clearing up, health, and who did what."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from models.queries.audit import AuditFilter
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.admin import (
    AuditLogOut,
    AuditOut,
    AuditQuery,
    CleanupIn,
    CleanupOut,
    DashboardOut,
    HealthOut,
    NewPersonIn,
    PasswordOut,
    PeopleOut,
    PeopleQuery,
    PersonIn,
    PersonOut,
)
from webapp.services import administration, people
from webapp.services.maintenance import CleanupWish
from webapp.services.people import PersonChange

router = APIRouter(prefix="/api/v1/admin", tags=["admin"])
UserId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/dashboard")
def get_dashboard(resources: CurrentResources, principal: CurrentPrincipal) -> DashboardOut:
    """Return what the installation holds and does."""
    return DashboardOut.model_validate(administration.dashboard(resources, principal))


@router.get("/system/health")
def get_system_health(resources: CurrentResources, principal: CurrentPrincipal) -> HealthOut:
    """Look at every part of the installation now."""
    return HealthOut.model_validate(administration.dashboard(resources, principal).health)


@router.get("/users")
def list_users(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[PeopleQuery, Query()]
) -> PeopleOut:
    """List accounts."""
    found = people.list_people(resources, principal, query.containing, query.limit, query.after)
    next_after = found[-1].id if len(found) == query.limit else None
    return PeopleOut(users=[PersonOut.model_validate(one) for one in found], next_after=next_after)


@router.post("/users", status_code=201)
def create_user(resources: CurrentResources, principal: CurrentPrincipal, body: NewPersonIn) -> PasswordOut:
    """Make an account with a password that is made up and shown this once."""
    made = people.make_person(resources, principal, body.username, body.email, body.role)
    return PasswordOut(user_id=made.user_id, password=made.password)


@router.get("/users/{user_id}")
def get_user(resources: CurrentResources, principal: CurrentPrincipal, user_id: UserId) -> PersonOut:
    """Describe an account."""
    return PersonOut.model_validate(people.get_person(resources, principal, user_id))


@router.patch("/users/{user_id}")
def change_user(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, user_id: UserId, body: PersonIn
) -> PersonOut:
    """Change role or tier of an account, shut it out or let it in again."""
    changed = people.change_person(resources, principal, user_id, PersonChange(**body.model_dump()))
    request.app.state.identifier.forget_person(user_id)
    return PersonOut.model_validate(changed)


@router.post("/users/{user_id}/reset-password")
def reset_user_password(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, user_id: UserId
) -> PasswordOut:
    """Give an account a password that is made up and shown this once. All that is open in its name ends."""
    password = people.set_new_password(resources, principal, user_id)
    request.app.state.identifier.forget_person(user_id)
    return PasswordOut(user_id=user_id, password=password)


@router.post("/cleanup")
def clean_up(resources: CurrentResources, principal: CurrentPrincipal, body: CleanupIn) -> CleanupOut:
    """Remove old jobs with their footprints, and files that nothing points to; or tell what would go."""
    cleaned = administration.cleanup(resources, principal, CleanupWish(body.older_than_days), body.preview)
    return CleanupOut(
        preview=body.preview,
        jobs=cleaned.jobs,
        footprints=cleaned.footprints,
        exports=cleaned.exports,
        files=cleaned.files,
        uploads=cleaned.uploads,
    )


@router.get("/audit-log")
def get_audit_log(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[AuditQuery, Query()]
) -> AuditLogOut:
    """Return who did what, newest first."""
    wanted = AuditFilter(**query.model_dump(exclude={"limit", "before"}))
    found = administration.audit_log(resources, principal, wanted, query.limit, query.before)
    next_before = found[-1].id if len(found) == query.limit else None
    return AuditLogOut(entries=[AuditOut.model_validate(one) for one in found], next_before=next_before)
