"""Walk several segments at once in Morton order, a bounded number of rows at a time."""

from collections.abc import Iterator, Sequence

from processing.footprint_index.columns import Columns
from processing.footprint_index.morton import first_at_least, morton_codes

_LAST_CODE = 2**64 - 1


def morton_ranges(segments: Sequence[Columns], rows: int) -> Iterator[list[slice]]:
    """Yield, again and again, the next rows of each segment: about `rows` together, all before those that follow.

    Rows with one and the same place always come together.
    """
    at = [0] * len(segments)
    ends = [len(columns.x) for columns in segments]
    while at != ends:
        limit = _limit(segments, at, max(1, rows // max(1, sum(a < b for a, b in zip(at, ends, strict=True)))))
        stops = [
            end if limit is None else max(start, first_at_least(columns.x, columns.y, limit))
            for columns, start, end in zip(segments, at, ends, strict=True)
        ]
        yield [slice(start, stop) for start, stop in zip(at, stops, strict=True)]
        at = stops


def _limit(segments: Sequence[Columns], at: list[int], step: int) -> int | None:
    """Return the first code that does not belong to the next piece; None where the piece is the last."""
    codes = []
    for columns, start in zip(segments, at, strict=True):
        row = start + step - 1
        if row < len(columns.x) - 1:
            codes.append(int(morton_codes(columns.x[row : row + 1], columns.y[row : row + 1])[0]))
    limit = min(codes) if codes else _LAST_CODE
    return None if limit == _LAST_CODE else limit + 1
