"""What the services give out: plain frozen values. Times are timezone-aware datetimes (UTC)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class UserView:
    """An account."""

    id: int
    username: str
    email: str | None
    role: str


@dataclass(frozen=True, slots=True)
class ApiKeyView:
    """An API key, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A place where somebody is signed in. kind: browser or api."""

    id: str
    kind: str
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class SceneView:
    """A georeferenced raster. `bounds_deg`: west, south, east, north; west > east over the antimeridian."""

    id: str
    name: str
    width_px: int
    height_px: int
    band_count: int
    dtype: str
    epsg: int | None
    gsd_m: float
    bounds_deg: tuple[float, float, float, float]
    size_bytes: int
    created_at: datetime
    outline_geojson: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as a person sees it. `eta_s` is None until it can be told; `owner` is a user name.

    `kind`: extraction, of a scene; import, of a file, whose rows are counted as windows; or state, of all scenes of a
    US state, each of which is a part.
    """

    id: str
    scene_id: str | None
    scene_name: str | None
    owner: str
    state: str
    percent_completed: float
    windows_done: int
    windows_total: int
    eta_s: float | None
    footprint_count: int
    attempt: int
    error_code: str | None
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool
    params: dict[str, Any]
    aoi_geojson: dict[str, Any] | None
    gsd_m: float | None = None
    """The ground sampling distance that the job works with."""
    weights_name: str | None = None
    """Name and version of the weights that found the footprints; None until a worker has begun."""
    weights_sha256: str | None = None
    kind: str = "extraction"
    file_name: str | None = None
    us_state: str | None = None
    """Name of the state that all imagery is looked at of."""
    parent_id: str | None = None
    """The job of a whole state that this one is a part of."""
    parts_total: int = 0
    parts_ended: int = 0
    request_id: str | None = None
    """Of the request that asked for the job."""

    @property
    def source(self) -> str:
        """What people call the scene, the file or the state."""
        return self.scene_name or self.file_name or self.us_state or self.id

    @property
    def is_state(self) -> bool:
        """Tell whether it looks at all imagery of a state."""
        return self.kind == "state"

    @property
    def is_import(self) -> bool:
        """Tell whether footprints come from a file."""
        return self.kind == "import"

    @property
    def is_finished(self) -> bool:
        """Tell whether the state will never change again."""
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class ImportView:
    """An import. `report` is that of `docs/ingest.md`: of the check until the job has succeeded, then of the import."""

    job: JobView
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MessageView:
    """A line of a job's log. `level`: info, warning or error."""

    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class FootprintView:
    """One footprint. `geojson` is its geometry in EPSG:4326.

    An imported one has the name of its file instead of a scene, and maybe no confidence.
    """

    id: int
    job_id: str
    scene_id: str | None
    scene_name: str | None
    area_m2: float
    confidence: float | None
    reg_method: str
    created_at: datetime
    geojson: dict[str, Any]
    review_state: str = "unreviewed"
    gsd_m: float | None = None
    weights_name: str | None = None
    weights_sha256: str | None = None
    file_name: str | None = None
    source_id: str | None = None
    source_name: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    """The other columns of its file."""


def to_datetime(epoch_s: float) -> datetime:
    """Turn epoch seconds into a datetime in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC)


def to_datetime_or_none(epoch_s: float | None) -> datetime | None:
    """Turn epoch seconds into a datetime in UTC, None into None."""
    return None if epoch_s is None else to_datetime(epoch_s)
