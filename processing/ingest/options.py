"""What a caller may say about a file of footprints, and how much one file may ask for."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IngestBudget:
    """Limits that stop a file before it takes memory or disk from others."""

    rows_max: int = 50_000_000
    corners_max: int = 100_000
    """Of one footprint; no building has more."""
    unpacked_bytes_max: int = 5 * 2**30
    """A Shapefile's .shp and .dbf end at 2 GB each."""
    line_bytes_max: int = 16 * 2**20
    """Of one line of a GeoJSON text sequence."""
    columns_max: int = 2_000
    """As many as SQLite takes; reading what has more costs by their square."""
    batch_rows: int = 16_384
    batch_bytes: int = 64 * 2**20
    """Unpacked, of one batch of a format that says how large its rows are."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Names of the columns that hold what we have a place for; None: look for the usual names."""

    confidence: str | None = None
    source_id: str | None = None
    source_name: str | None = None


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What the file does not say itself."""

    name: str | None = None
    """What people call the file; its name on disk where None."""
    crs: str | None = None
    """Used where the file names none: what pyproj takes, for example `EPSG:2272`."""
    layer: str | None = None
    """Which one, where the file holds several."""
    columns: ColumnChoice = field(default_factory=ColumnChoice)
    budget: IngestBudget = field(default_factory=IngestBudget)
