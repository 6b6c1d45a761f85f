"""The file's columns as our attributes; what has no place of its own is kept as JSON text."""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.errors import ColumnMissing
from processing.ingest.options import ColumnChoice
from processing.ingest.report import Change, IngestReport

USUAL_NAMES = {
    "confidence": ("confidence", "score", "probability", "confidence_score", "conf"),
    "source_id": ("source_id", "footprint_key", "building_id", "osm_id", "full_plus_code", "id", "objectid", "fid"),
    "source_name": ("source_name", "source", "dataset", "provider"),
}
ATTRIBUTES_MAX_CHARACTERS = 65_536


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Our attributes' columns (None: the file has none) and the others, in the file's order."""

    confidence: str | None
    source_id: str | None
    source_name: str | None

    def named(self) -> dict[str, str | None]:
        """Our attribute to the file's column."""
        return {"confidence": self.confidence, "source_id": self.source_id, "source_name": self.source_name}

    def extra(self, columns: tuple[str, ...]) -> list[str]:
        """The columns that go into the JSON text."""
        return [column for column in columns if column not in self.named().values()]


@dataclass(frozen=True, slots=True)
class MappedColumns:
    """(N,) values of each attribute. `confidence` is NaN, the others None, where there is none."""

    confidence: NDArray[np.float64]
    source_id: NDArray[np.object_]
    source_name: NDArray[np.object_]
    attributes: NDArray[np.object_]
    """JSON objects as text; None where nothing is left over."""


def map_columns(columns: tuple[str, ...], choice: ColumnChoice, *, name: str) -> ColumnMap:
    """Find the columns, by the caller's choice or by their usual names. Raises `ColumnMissing`."""
    by_lower = {column.lower(): column for column in reversed(columns)}
    found: dict[str, str | None] = {}
    for ours, usual in USUAL_NAMES.items():
        chosen = getattr(choice, ours)
        if chosen is not None and chosen not in columns:
            raise ColumnMissing(name=name, column=chosen, columns=", ".join(columns) or "none")
        found[ours] = chosen or next((by_lower[other] for other in usual if other in by_lower), None)
    return ColumnMap(**found)


def take_columns(
    attributes: list[dict[str, Any]], rows: NDArray[np.int64], columns: ColumnMap, report: IngestReport
) -> MappedColumns:
    """Sort (N,) rows' attributes into their places; a confidence that is none stays among the other attributes."""
    values = [dict(row) for row in attributes]
    confidence = np.array([_take_confidence(row, columns.confidence) for row in values], np.float64)
    left = np.array(
        [columns.confidence is not None and row.get(columns.confidence) is not None for row in values], bool
    )
    _note(report, rows, left, Change.CONFIDENCE_NOT_USED, f"{columns.confidence} is not between 0 and 1")
    ids = [_text(row.pop(columns.source_id, None)) if columns.source_id else None for row in values]
    names = [_text(row.pop(columns.source_name, None)) if columns.source_name else None for row in values]
    texts = [_json_text(row) for row in values]
    long = np.array([text is not None and len(text) > ATTRIBUTES_MAX_CHARACTERS for text in texts], bool)
    _note(report, rows, long, Change.ATTRIBUTES_TOO_LONG, f"more than {ATTRIBUTES_MAX_CHARACTERS} characters; left out")
    kept = [None if too_long else text for text, too_long in zip(texts, long, strict=True)]
    return MappedColumns(confidence, np.array(ids, object), np.array(names, object), np.array(kept, object))


def _take_confidence(row: dict[str, Any], column: str | None) -> float:
    value = None if column is None else row.get(column)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0:
        row.pop(column)  # type: ignore[arg-type]
        return float(value)
    return math.nan


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _json_text(row: dict[str, Any]) -> str | None:
    plain = {name: _plain(value) for name, value in row.items() if value is not None}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")) if plain else None


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _note(report: IngestReport, rows: NDArray[np.int64], mask: NDArray[np.bool_], what: Change, detail: str) -> None:
    if mask.any():
        report.change(rows[mask], what, lambda _: detail)
