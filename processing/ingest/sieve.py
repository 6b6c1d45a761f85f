"""The rows of a batch that are still in play."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from processing.ingest.report import Change, IngestReport, Refusal

Mask = NDArray[np.bool_]


class Sieve:
    """Shapes with their row numbers and positions in the batch; what a rule refuses goes to the report and is gone."""

    def __init__(self, shapes: NDArray[np.object_], first_row: int, report: IngestReport) -> None:
        self.shapes = shapes
        self.positions = np.arange(len(shapes))
        self.rows = np.arange(first_row, first_row + len(shapes), dtype=np.int64)
        self.areas_m2 = np.zeros(len(shapes))
        self._report = report
        self._notes: list[tuple[NDArray[np.int64], Change, Callable[[int], str]]] = []

    def refuse(self, mask: Mask, reason: Refusal, detail: Callable[[int], str]) -> None:
        """Take out the rows under the (N,) mask; `detail(i)` words why, i an index into `shapes` as it was."""
        hit = np.flatnonzero(mask)
        if not len(hit):
            return
        self._report.refuse(self.rows[hit], reason, lambda index: detail(int(hit[index])))
        kept = ~mask
        self.shapes, self.positions = self.shapes[kept], self.positions[kept]
        self.rows, self.areas_m2 = self.rows[kept], self.areas_m2[kept]

    def note(self, mask: Mask, what: Change, detail: Callable[[int], str]) -> None:
        """Remember the rows under the (N,) mask as changed; they count if no later rule refuses them."""
        hit = np.flatnonzero(mask)
        if len(hit):
            self._notes.append((self.rows[hit], what, lambda index: detail(int(hit[index]))))

    def report_changes(self) -> None:
        """Count what was noted of the rows that are still here."""
        for rows, what, detail in self._notes:
            still = np.flatnonzero(np.isin(rows, self.rows))
            if len(still):
                self._report.change(rows[still], what, _of(detail, still))
        self._notes.clear()


def _of(detail: Callable[[int], str], chosen: NDArray[np.int64]) -> Callable[[int], str]:
    """Word the example of a chosen row by the words for all."""
    return lambda at: detail(int(chosen[at]))
