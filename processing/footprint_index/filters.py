"""Which footprints to show, count or export, and the same as numbers for compiled loops."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.errors import ParameterInvalid
from processing.footprint_index.columns import BLOCK, CONFIDENCE_STEPS, NO_CONFIDENCE, Columns
from processing.footprint_index.compiling import compiled, read_only
from processing.footprint_index.region import MIXED, OUTSIDE, block_classes, holds, region_edges

NOT_BEFORE_S, NOT_LATER_S = 0, 2**40


@dataclass(frozen=True)
class FootprintFilters:
    """Conditions that all must hold; None asks for nothing. Ranges hold their lower end and not their upper end.

    Confidence is compared in steps of 0.0001, and a max_confidence of 1 lets 1 itself pass; any limit but 0 and 1
    leaves out what has no confidence. Areas are compared as 32-bit floats. jobs, scenes: names as in the batch. region:
    a polygon in EPSG:4326 whose edges are straight on a Web Mercator map; a footprint belongs to it when the centre of
    its bounding box does.
    """

    min_confidence: float | None = None
    max_confidence: float | None = None
    min_area_m2: float | None = None
    max_area_m2: float | None = None
    jobs: frozenset[str] | None = None
    scenes: frozenset[str] | None = None
    created_from_s: float | None = None
    created_to_s: float | None = None
    review: frozenset[int] | None = None
    region: BaseGeometry | None = None

    def __post_init__(self) -> None:
        """Refuse what is not a number. Raises `ParameterInvalid`."""
        for name in ("confidence", "area_m2"):
            for end in ("min", "max"):
                value = getattr(self, f"{end}_{name}")
                if value is not None and math.isnan(value):
                    raise ParameterInvalid(parameter=f"{end}_{name}", value=value, rule="it must be a number")
        if self.region is not None and (self.region.is_empty or not self.region.is_valid or self.region.area == 0):
            raise ParameterInvalid(parameter="region", value=self.region.geom_type, rule="it must be a valid polygon")

    @property
    def is_open(self) -> bool:
        """Whether every footprint passes."""
        return all(value is None for value in vars(self).values())


NO_FILTER = FootprintFilters()


class RowTest(NamedTuple):
    """Filters for the rows of one segment."""

    tests: bool
    """False where every row passes, but for the dead ones."""
    confidence: tuple[int, int]
    area_m2: tuple[float, float]
    created_s: tuple[int, int]
    sources: NDArray[np.bool_]
    """By ordinal; empty where any will do."""
    review: NDArray[np.bool_]
    """(256,)"""
    edges: NDArray[np.float64]
    block_class: NDArray[np.uint8]
    """(B,) of `region`; empty where there is no region."""


def row_test(filters: FootprintFilters, sources: Sequence[tuple[str, str]], columns: Columns) -> RowTest:
    """Return the test for the rows of a segment, given the (job, scene) of each source ordinal."""
    edges = region_edges(filters.region)
    return RowTest(
        tests=not filters.is_open,
        confidence=_confidence_steps(filters.min_confidence, filters.max_confidence),
        area_m2=(_as_kept(filters.min_area_m2, -1.0), _as_kept(filters.max_area_m2, math.inf)),
        created_s=(_whole(filters.created_from_s, NOT_BEFORE_S), _whole(filters.created_to_s, NOT_LATER_S)),
        sources=read_only(_source_passes(filters, sources)),
        review=read_only(np.array([filters.review is None or state in filters.review for state in range(256)])),
        edges=edges,
        block_class=block_classes(columns.block_centre, edges),
    )


def _confidence_steps(low: float | None, high: float | None) -> tuple[int, int]:
    first = 0 if low is None else _steps_up(low)
    if high is not None and high < 1:
        return first, _steps_up(high)
    return first, NO_CONFIDENCE if first else NO_CONFIDENCE + 1


def _steps_up(confidence: float) -> int:
    """The first whole step that is not below a confidence; a product may be a little off, hence the division."""
    near = round(min(max(confidence, 0.0), 2.0) * CONFIDENCE_STEPS)
    return near if near / CONFIDENCE_STEPS >= confidence else near + 1


def _as_kept(area_m2: float | None, otherwise: float) -> float:
    """Round as the areas themselves are rounded, so that what is not below a limit stays so."""
    return otherwise if area_m2 is None else float(np.float32(area_m2))


def _whole(value: float | None, otherwise: int) -> int:
    return otherwise if value is None else math.ceil(min(max(value, 0.0), NOT_LATER_S))


def _source_passes(filters: FootprintFilters, sources: Sequence[tuple[str, str]]) -> NDArray[np.bool_]:
    if filters.jobs is None and filters.scenes is None:
        return np.zeros(0, np.bool_)
    jobs, scenes = filters.jobs, filters.scenes
    passes = [(jobs is None or job in jobs) and (scenes is None or scene in scenes) for job, scene in sources]
    return np.array([*passes, False], np.bool_)


@compiled
def passes(columns: Any, test: Any, row: Any) -> Any:
    """Tell whether a row is alive and meets all conditions."""
    if columns.dead.size > 0 and (columns.dead[row >> 3] >> (row & 7)) & 1 == 1:
        return False
    if not test.tests:
        return True
    if columns.confidence[row] < test.confidence[0] or columns.confidence[row] >= test.confidence[1]:
        return False
    if columns.area_m2[row] < test.area_m2[0] or columns.area_m2[row] >= test.area_m2[1]:
        return False
    if columns.created_s[row] < test.created_s[0] or columns.created_s[row] >= test.created_s[1]:
        return False
    if not test.review[columns.review[row]]:
        return False
    if test.sources.size > 0 and not test.sources[columns.sources[row]]:
        return False
    if test.block_class.size == 0:
        return True
    inside = test.block_class[row // BLOCK]
    if inside == MIXED:
        return holds(test.edges, np.float64(columns.x[row]), np.float64(columns.y[row]))
    return inside != OUTSIDE
