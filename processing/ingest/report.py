"""What became of each row of a file: counts by reason, with examples. Nothing is left out without a count."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXAMPLES_MAX = 5
Rows = NDArray[np.int64]


class Refusal(StrEnum):
    """Why a row gives no footprint."""

    NO_GEOMETRY = "no_geometry"
    UNREADABLE = "unreadable"
    NOT_A_POLYGON = "not_a_polygon"
    TOO_MANY_CORNERS = "too_many_corners"
    OUTSIDE_CRS_AREA = "outside_crs_area"
    INVALID = "invalid"
    SLIVER = "sliver"
    DUPLICATE = "duplicate"


class Change(StrEnum):
    """What was done to a row whose footprint was kept."""

    REPAIRED = "repaired"
    Z_OR_M_DROPPED = "z_or_m_dropped"
    CUT_AT_ANTIMERIDIAN = "cut_at_antimeridian"
    KEPT_IN_SEVERAL_PARTS = "kept_in_several_parts"
    CONFIDENCE_NOT_USED = "confidence_not_used"
    ATTRIBUTES_TOO_LONG = "attributes_too_long"


@dataclass(frozen=True, slots=True)
class Example:
    """One row to look at. The first row is 1."""

    row: int
    detail: str


@dataclass(slots=True)
class Finding:
    """How many rows, and the first few of them."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class IngestReport:
    """The sum of a reading; `rows_read == kept + refused_total` at every moment between two batches."""

    name: str
    format: str
    crs: str
    crs_note: str | None
    columns: dict[str, str | None]
    """Our attribute to the file's column; None where it has none."""
    extra_columns: list[str]
    """Columns that go into `attributes`."""
    rows_read: int = 0
    kept: int = 0
    area_m2: float = 0.0
    """Of all that was kept."""
    bounds_deg: tuple[float, float, float, float] | None = None
    refused: dict[Refusal, Finding] = field(default_factory=dict)
    changed: dict[Change, Finding] = field(default_factory=dict)

    @property
    def refused_total(self) -> int:
        """Rows that gave no footprint."""
        return sum(finding.count for finding in self.refused.values())

    def refuse(self, rows: Rows, reason: Refusal, detail: Callable[[int], str]) -> None:
        """Count rows that give no footprint; `detail(i)` words the example of `rows[i]`."""
        _add(self.refused.setdefault(reason, Finding()), rows, detail)

    def change(self, rows: Rows, what: Change, detail: Callable[[int], str]) -> None:
        """Count rows whose footprint is not word for word what the file holds."""
        _add(self.changed.setdefault(what, Finding()), rows, detail)

    def keep(self, areas_m2: NDArray[np.float64], bounds_deg: NDArray[np.float64]) -> None:
        """Count footprints: their (N,) areas and (N, 4) bounds."""
        self.kept += len(areas_m2)
        self.area_m2 += float(areas_m2.sum())
        if len(bounds_deg):
            low, high = bounds_deg[:, :2].min(0), bounds_deg[:, 2:].max(0)
            if self.bounds_deg is not None:
                low, high = np.minimum(low, self.bounds_deg[:2]), np.maximum(high, self.bounds_deg[2:])
            self.bounds_deg = float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        bounds = None if self.bounds_deg is None else list(self.bounds_deg)
        return asdict(self) | {"bounds_deg": bounds, "refused_total": self.refused_total}


def report_from_json(values: dict[str, Any]) -> IngestReport:
    """Return the report that `to_json` wrote."""
    plain = {name: value for name, value in values.items() if name not in ("refused_total", "refused", "changed")}
    bounds = plain.pop("bounds_deg")
    return IngestReport(
        **plain,
        bounds_deg=None if bounds is None else tuple(bounds),
        refused={Refusal(reason): _finding(found) for reason, found in values["refused"].items()},
        changed={Change(what): _finding(found) for what, found in values["changed"].items()},
    )


def _finding(values: dict[str, Any]) -> Finding:
    return Finding(values["count"], [Example(**example) for example in values["examples"]])


def _add(finding: Finding, rows: Rows, detail: Callable[[int], str]) -> None:
    for index in range(min(len(rows), EXAMPLES_MAX - len(finding.examples))):
        finding.examples.append(Example(int(rows[index]), detail(index)))
    finding.count += len(rows)
