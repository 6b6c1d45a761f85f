"""What people say of footprints: right, wrong, or nothing yet."""

from sqlalchemy import select, true

from auth.principals import Principal
from models.footprint import BuildingFootprint, ReviewState, is_published
from models.footprint_writes import review_footprint
from webapp.errors import NotFound, RequestInvalid
from webapp.resources import Resources


def review(resources: Resources, principal: Principal, footprint_id: int, state: str) -> None:
    """Note that a footprint is `accepted`, `rejected` or `unreviewed` again. Raises `NotFound`, `RequestInvalid`."""
    table = BuildingFootprint
    owned = true() if principal.owner_filter is None else table.owner_id == principal.owner_filter
    with resources.database.write(principal) as session:
        if session.scalar(select(table.id).where(table.id == footprint_id, owned, is_published())) is None:
            raise NotFound(kind="building", id=footprint_id)
        review_footprint(session, footprint_id, _state(state))


def _state(name: str) -> ReviewState:
    try:
        return ReviewState(name)
    except ValueError as error:
        allowed = ", ".join(str(state) for state in ReviewState)
        raise RequestInvalid(detail=f"review_state must be one of {allowed}") from error
