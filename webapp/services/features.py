"""Pages of features, and single ones: the footprints of a collection that meet what is asked."""

from dataclasses import dataclass

import pyarrow as pa

from auth.principals import Principal
from models.queries.footprint_conditions import Condition, Joined
from models.queries.footprints import read_one
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services import footprint_pages
from webapp.services.footprint_pages import LIMIT_MAX, PageQuestion
from webapp.services.footprints import FootprintQuery, job_family


@dataclass(frozen=True)
class FeatureQuestion:
    """Which features of a job, or of all for None; all conditions must hold. `limit` above the largest is that."""

    job_id: str | None
    conditions: tuple[Condition, ...] = ()
    sort: str = "id"
    limit: int = 1000
    cursor: str | None = None

    def page(self) -> PageQuestion:
        """Return it as a question for a page of footprints."""
        condition = Joined(True, self.conditions) if self.conditions else None
        query, limit = FootprintQuery(job_id=self.job_id), min(self.limit, LIMIT_MAX)
        return PageQuestion(query, None, self.sort, limit, self.cursor, condition)


@dataclass(frozen=True)
class FeaturePage:
    """Features with WKB in `geometry`; `matched`: how many there are in all pages, None where nobody has counted."""

    batch: pa.RecordBatch
    next_cursor: str | None
    matched: int | None


def list_features(resources: Resources, principal: Principal, asked: FeatureQuestion) -> FeaturePage:
    """Return a page. All that match are counted for the first one; later ones tell it while it still holds.

    Raises `CursorInvalid`, `RequestInvalid`.
    """
    question = asked.page()
    page = footprint_pages.list_page(resources, principal, question)
    if asked.cursor is not None:
        matched = footprint_pages.known_count(resources, principal, question)
    elif page.next_cursor is None:
        matched = len(page.batch)
    else:
        matched = footprint_pages.count(resources, principal, question)
    return FeaturePage(page.batch, page.next_cursor, matched)


def get_feature(resources: Resources, principal: Principal, job_id: str | None, feature_id: int) -> pa.RecordBatch:
    """Return one feature, as a batch of one row. Raises `NotFound`."""
    jobs = None if job_id is None else job_family(resources, principal, job_id)
    with resources.database.read(principal) as session:
        batch = read_one(session, principal.owner_filter, feature_id)
    if not len(batch) or (jobs is not None and batch.column("job_id")[0].as_py() not in jobs):
        raise NotFound(kind="feature", id=feature_id)
    return batch
