"""Footprints as points for far-out tiles. The points of a job are read once for each state of it, not for each tile."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from auth.principals import Principal
from models.bbox import Bbox
from models.queries.footprint_points import read_points
from models.queries.footprints import FootprintFilter
from webapp.resources import Resources
from webapp.services.footprints import FootprintQuery

MOST_KEPT_POINTS = 4_000_000


@dataclass(frozen=True)
class Points:
    """values: (N, 4) float64: longitude and latitude in degrees, area in m², confidence."""

    values: NDArray[np.float64]

    @property
    def columns(self) -> NDArray[np.float64]:
        """(4, N)."""
        return self.values.T

    def above(self, min_confidence: float | None) -> Self:
        """Return those that are sure enough."""
        return self if min_confidence is None else type(self)(self.values[self.values[:, 3] >= min_confidence])


@dataclass(frozen=True)
class JobPoints:
    """The points of a job at one revision: it changes whenever the job's footprints do."""

    job_id: str
    revision: str


_kept: OrderedDict[JobPoints, Points] = OrderedDict()
_lock = threading.Lock()
_reading = threading.Lock()


def points_of_job(resources: Resources, principal: Principal, wanted: JobPoints) -> Points:
    """Return all points of a job that the caller has found to be theirs."""
    with _reading:  # neighbouring tiles are asked for together: the first one reads, the others wait for it
        with _lock:
            if wanted in _kept:
                _kept.move_to_end(wanted)
                return _kept[wanted]
        with resources.database.read() as session:
            points = Points(
                read_points(session, FootprintFilter(owner_id=principal.owner_filter, job_id=wanted.job_id))
            )
        with _lock:
            _kept[wanted] = points
            while len(_kept) > 1 and sum(len(kept.values) for kept in _kept.values()) > MOST_KEPT_POINTS:
                _kept.popitem(last=False)
        return points


def points_in_box(resources: Resources, principal: Principal, query: FootprintQuery) -> Points:
    """Return the points of the query, whose box must be given."""
    wanted = FootprintFilter(
        owner_id=principal.owner_filter,
        job_id=query.job_id,
        scene_id=query.scene_id,
        bbox=None if query.bbox_deg is None else Bbox.from_bounds(query.bbox_deg),
        min_confidence=query.min_confidence,
    )
    with resources.database.read() as session:
        return Points(read_points(session, wanted))
