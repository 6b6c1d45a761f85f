"""Join what the windows saw into buildings, once and whole, in memory that does not grow with the scene.

A building climbs a ladder: seen → joined → doubted → judged → traced → aligned → settled. It takes a step only when
all its neighbours stand on the same rung, and joining waits until every window that could add a view is done. Each step
looks at direct neighbours only, so that the result depends neither on the order of the windows nor on how they are
grouped into parts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.matching import Instance, instances_of, same_building
from processing.neighbourhood import Neighbourhood
from processing.overlaps import denied, survives, trimmed
from processing.polygonize import outline_of
from processing.rects import Rect, dilate
from processing.regularization.neighbours import align, part
from processing.regularization.parameters import RegularizationParams
from processing.regularization.regularize import Regularized, keep_raw, regularize
from processing.union_find import UnionFind
from processing.views import MaskShape, View
from processing.window_set import WindowSet
from processing.windows import WorkingGrid

REACH_PX = 16
"""No outline reaches further than this beyond its mask's rectangle; the search for neighbours relies on it."""


class Rung(IntEnum):
    """How far a building has come."""

    SEEN = 0
    JOINED = 1
    DOUBTED = 2
    JUDGED = 3
    TRACED = 4
    ALIGNED = 5
    SETTLED = 6


@dataclass(frozen=True, slots=True)
class PlaneFootprint:
    """A finished building in the world's working pixels."""

    key: str
    outline: BaseGeometry
    raw_outline: BaseGeometry
    confidence: float
    method: str
    iou: float
    status: str


class _Building:
    """An instance on its way up; views on the lowest rung are kept beside it, not in it."""

    __slots__ = (
        "aligned",
        "denied",
        "final",
        "fitted",
        "forgotten",
        "instance",
        "key",
        "raw",
        "rect",
        "rung",
        "survives",
    )

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.rect = dilate(instance.shape.rect, REACH_PX)
        self.rung = Rung.JOINED
        self.denied = False
        self.survives = True
        self.forgotten = False
        self.key = ""
        self.raw: BaseGeometry | None = None
        self.fitted: Regularized | None = None
        self.aligned: Regularized | None = None
        self.final: Regularized | None = None


class Merger:
    """Takes the views of windows as they are done and gives back the buildings that can no longer change."""

    def __init__(
        self, grid: WorkingGrid, windows: Sequence[NDArray[np.int64]], regularization: RegularizationParams | None
    ) -> None:
        """`windows`, arrays (N, 2), are all that will ever be done; without `regularization` outlines stay as seen."""
        self._grid = grid
        self._awaited = WindowSet(windows)
        self._regularization = regularization
        self._groups: UnionFind[View] = UnionFind()
        self._views: Neighbourhood[View] = Neighbourhood()
        self._buildings: Neighbourhood[_Building] = Neighbourhood()
        self._climbing: list[_Building] = []
        self._settled: list[_Building] = []

    @property
    def waiting(self) -> int:
        """How many views and buildings are held back: it follows the front of the work, not the size of the scene."""
        return sum(map(len, self._groups.groups())) + len(self._climbing) + len(self._settled)

    def add(self, done: Iterable[tuple[int, int]], views: Iterable[View]) -> list[PlaneFootprint]:
        """Take the views of windows that are now done; return the buildings that became final."""
        for view in views:
            self._take(view)
        self._awaited.remove(done)
        self._join()
        finished: list[_Building] = []
        for rung in (Rung.JOINED, Rung.DOUBTED, Rung.JUDGED, Rung.TRACED, Rung.ALIGNED):
            finished = self._climb(rung)
        self._forget()
        return [footprint for footprint in map(_finish, finished) if footprint is not None]

    def _take(self, view: View) -> None:
        self._groups.add(view)
        for other in self._views.meeting(view.shape.rect):
            if view.window != other.window and same_building(view, other, self._grid):
                self._groups.join(view, other)
        self._views.add(view.shape.rect, view)

    def _join(self) -> None:
        """Turn groups into buildings once no window that is still awaited can add to them."""
        for group in self._groups.groups():
            if any(self._is_awaited(view.shape.rect) for view in group):
                continue
            self._groups.remove(group)
            for view in group:
                self._views.remove(view.shape.rect, view)
            for instance in instances_of(group, self._grid):
                building = _Building(instance)
                self._buildings.add(building.rect, building)
                self._climbing.append(building)

    def _is_awaited(self, rect: Rect) -> bool:
        # Twice the reach: a building still to come may stretch as far as this one.
        return any(map(self._awaited.holds, self._grid.windows_meeting(dilate(rect, 2 * REACH_PX))))

    def _climb(self, rung: Rung) -> list[_Building]:
        """Take all buildings on `rung` that may go up one step there; return them."""
        ready = [building for building in self._climbing if building.rung == rung and self._may_leave(building)]
        neighbours = [self._higher(building) for building in ready]
        if rung == Rung.JOINED:
            self._doubt(ready)
        elif rung == Rung.DOUBTED:
            for building, higher in zip(ready, neighbours, strict=True):
                others = [other.instance for other in higher if not other.denied]
                building.survives = not building.denied and survives(building.instance, others)
        elif rung == Rung.JUDGED:
            self._trace(ready, neighbours)
        elif rung == Rung.TRACED:
            self._align(ready, neighbours)
        else:
            self._settle(ready, neighbours)
        for building in ready:
            building.rung = Rung(rung + 1)
        return ready

    def _may_leave(self, building: _Building) -> bool:
        if self._views.meeting(dilate(building.rect, REACH_PX)):
            return False
        return all(other.rung >= building.rung for other in self._buildings.meeting(building.rect))

    def _higher(self, building: _Building) -> list[_Building]:
        """Return the neighbours of higher rank, the highest first."""
        rank = building.instance.rank
        found = [other for other in self._buildings.meeting(building.rect) if other.instance.rank > rank]
        return sorted(found, key=lambda other: other.instance.rank, reverse=True)

    def _doubt(self, ready: list[_Building]) -> None:
        for building in ready:
            around = [other.instance for other in self._buildings.meeting(building.rect) if other is not building]
            building.denied = denied(building.instance, around)

    def _trace(self, ready: list[_Building], neighbours: list[list[_Building]]) -> None:
        traced = []
        for building, higher in zip(ready, neighbours, strict=True):
            if building.survives:
                shape = trimmed(building.instance.shape, [other.instance for other in higher if other.survives])
                outline = outline_of(shape) if shape else None
                if shape and outline is not None:
                    building.key = _key_of(shape)
                    traced.append((building, outline))
        outlines = [outline for _, outline in traced]
        if self._regularization is None:
            results = [keep_raw(raw) for raw in outlines]
        else:
            results = regularize(outlines, self._grid.aspect, self._regularization)
        for (building, outline), result in zip(traced, results, strict=True):
            building.raw, building.fitted = outline, result

    def _align(self, ready: list[_Building], neighbours: list[list[_Building]]) -> None:
        for building, higher in zip(ready, neighbours, strict=True):
            building.aligned = building.fitted
            if building.fitted is not None and building.raw is not None and self._regularization is not None:
                others = [other.fitted for other in higher if other.fitted is not None]
                building.aligned = align(
                    building.fitted, building.raw, others, self._grid.aspect, self._regularization
                )

    def _settle(self, ready: list[_Building], neighbours: list[list[_Building]]) -> None:
        for building, higher in zip(ready, neighbours, strict=True):
            if building.aligned is not None and building.raw is not None:
                taken = [other.aligned.outline for other in higher if other.aligned is not None]
                building.final = part(building.aligned, building.raw, taken)

    def _forget(self) -> None:
        """Let go of settled buildings that no neighbour needs any more."""
        self._settled += [building for building in self._climbing if building.rung == Rung.SETTLED]
        self._climbing = [building for building in self._climbing if building.rung < Rung.SETTLED]
        kept = []
        for building in self._settled:
            if all(other.rung == Rung.SETTLED for other in self._buildings.meeting(building.rect)):
                building.forgotten = True
            else:
                kept.append(building)
        for building in self._settled:
            if building.forgotten:
                self._buildings.remove(building.rect, building)
        self._settled = kept


def _key_of(shape: MaskShape) -> str:
    """Name a building after its first pixel in the world: pixels belong to one building only."""
    row, column = divmod(int(shape.mask.argmax()), shape.probability.shape[1])
    return f"{shape.x0 + column}:{shape.y0 + row}"


def _finish(building: _Building) -> PlaneFootprint | None:
    final, raw = building.final, building.raw
    if final is None or raw is None:
        return None
    score = building.instance.score
    return PlaneFootprint(building.key, final.outline, raw, score, final.method, final.iou, final.status)
