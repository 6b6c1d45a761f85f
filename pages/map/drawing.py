"""Drawing a region: which clicks make which shape, with undo. Pure state in map metres; no widget is known here."""

from dataclasses import dataclass
from enum import StrEnum

from shapely import MultiPoint, Polygon, box

type Point = tuple[float, float]
"""(x_m, y_m) in EPSG:3857."""

SNAP_PX = 12


class Mode(StrEnum):
    """What a click on the map does."""

    LOOK = "look"
    POLYGON = "polygon"
    BOX = "box"


class RegionRefused(ValueError):
    """The drawn shape is not a region; the text is the sentence that the person reads."""


@dataclass(frozen=True)
class Drawing:
    """A drawing in progress and the region it led to. Each step returns a new one, so that a history is a list."""

    mode: Mode = Mode.LOOK
    vertices: tuple[Point, ...] = ()
    region: Polygon | None = None

    def start(self, mode: Mode) -> "Drawing":
        """Begin a shape; the region stays until the new one is finished."""
        return Drawing(mode, (), self.region)

    def stop(self) -> "Drawing":
        """Leave drawing without a new region."""
        return Drawing(Mode.LOOK, (), self.region)

    def add_vertex(self, point: Point, snap_m: float) -> "Drawing":
        """Add a corner. A click on the first corner finishes; one on the last corner changes nothing."""
        if len(self.vertices) >= 3 and _near(point, self.vertices[0], snap_m):
            return self.finish()
        if self.vertices and _near(point, self.vertices[-1], snap_m / 3):
            return self
        return Drawing(self.mode, (*self.vertices, point), self.region)

    def double_click(self, point: Point, snap_m: float) -> "Drawing":
        """Finish at the last corner; a quick second click elsewhere is a corner like any other."""
        if self.vertices and _near(point, self.vertices[-1], snap_m):
            return self.finish()
        return self.add_vertex(point, snap_m)

    def finish(self) -> "Drawing":
        """Close the polygon. Raises `RegionRefused` with the reason when it is none."""
        return Drawing(Mode.LOOK, (), polygon_of(self.vertices))

    def finish_box(self, first: Point, opposite: Point, min_side_m: float) -> "Drawing":
        """Take the rectangle between two corners. Raises `RegionRefused` when it is only a line or a point."""
        if abs(first[0] - opposite[0]) < min_side_m or abs(first[1] - opposite[1]) < min_side_m:
            raise RegionRefused("The box is too small. Press, drag to the opposite corner, then let go.")
        sides = sorted((first[0], opposite[0])), sorted((first[1], opposite[1]))
        return Drawing(Mode.LOOK, (), box(sides[0][0], sides[1][0], sides[0][1], sides[1][1]))


class History:
    """The drawing and the steps before it."""

    def __init__(self) -> None:
        self.now = Drawing()
        self._before: list[Drawing] = []

    @property
    def can_undo(self) -> bool:
        """Whether a step can be taken back."""
        return bool(self._before)

    def record(self, drawing: Drawing) -> None:
        """Take a step; one that changes nothing is not remembered."""
        if drawing != self.now:
            self._before.append(self.now)
            self.now = drawing

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        if self._before:
            self.now = self._before.pop()

    def clear(self) -> None:
        """Remove region and corners; this can be undone as well."""
        self.record(Drawing())


def polygon_of(vertices: tuple[Point, ...]) -> Polygon:
    """Return the polygon with these corners. Raises `RegionRefused` for fewer than three or crossing edges."""
    if len(vertices) < 3:
        raise RegionRefused(f"A region needs at least 3 corners; this one has {len(vertices)}. Click to add more.")
    polygon = Polygon(vertices)
    if MultiPoint(vertices).convex_hull.area == 0:
        raise RegionRefused("Its corners lie on one line. Undo the last corner and enclose an area.")
    if not polygon.is_valid:
        raise RegionRefused("Its edges cross each other. Undo the last corner and go around the region in order.")
    return polygon


def _near(a: Point, b: Point, distance_m: float) -> bool:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 <= distance_m**2
