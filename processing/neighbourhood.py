"""A spatial hash: who lies near a rectangle, in time that does not grow with the scene."""

from collections import defaultdict

from processing.rects import Rect

CELL_PX = 96


class Neighbourhood[T]:
    """Rectangles with something attached, found again by the rectangles that they meet."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], dict[int, tuple[Rect, T]]] = defaultdict(dict)

    def add(self, rect: Rect, item: T) -> None:
        """Put an item in."""
        for cell in _cells_of(rect):
            self._cells[cell][id(item)] = (rect, item)

    def remove(self, rect: Rect, item: T) -> None:
        """Take an item out; `rect` must be the one that it was put in with."""
        for cell in _cells_of(rect):
            members = self._cells[cell]
            del members[id(item)]
            if not members:
                del self._cells[cell]

    def meeting(self, rect: Rect) -> list[T]:
        """Return the items whose rectangles share pixels with `rect`."""
        found: dict[int, T] = {}
        for cell in _cells_of(rect):
            for number, (other, item) in self._cells.get(cell, {}).items():
                if rect[0] < other[2] and other[0] < rect[2] and rect[1] < other[3] and other[1] < rect[3]:
                    found[number] = item
        return list(found.values())


def _cells_of(rect: Rect) -> list[tuple[int, int]]:
    columns = range(rect[0] // CELL_PX, (rect[2] - 1) // CELL_PX + 1)
    return [(column, row) for row in range(rect[1] // CELL_PX, (rect[3] - 1) // CELL_PX + 1) for column in columns]
