"""What passes between a worker and the tables of jobs and exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from models.footprint_writes import FootprintSource

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job, and what the work needs. `lease_epoch` fences every write."""

    job_id: str
    lease_epoch: int
    attempt: int
    max_attempts: int
    source: FootprintSource
    params: Mapping[str, Any]
    aoi_geojson: Mapping[str, Any] | None
    scene_info: Mapping[str, Any] | None
    """None: the job is an import."""
    storage_key: str
    file_name: str
    request_id: str | None = None
    """Of the request that asked for the job."""

    @property
    def is_import(self) -> bool:
        """Tell whether the file holds footprints, and not a picture."""
        return self.scene_info is None


@dataclass(frozen=True, slots=True)
class Beat:
    """What the row says: whether a person wants the work to stop, and whether it is ours no more."""

    cancel_requested: bool
    lost: bool

    @property
    def must_stop(self) -> bool:
        """Tell whether to leave off."""
        return self.cancel_requested or self.lost


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job or an export ended badly: a stable code and a sentence for its owner."""

    code: str
    message: str


class FinishedPart(Protocol):
    """A part of a job that is done, as `processing.pipeline.PartResult` has it."""

    @property
    def part(self) -> int:
        """Number of the part."""
        ...

    @property
    def payload(self) -> bytes:
        """Its raw detections."""
        ...

    @property
    def windows_done(self) -> int:
        """Windows of the whole job that are done with this part."""
        ...

    @property
    def windows_total(self) -> int:
        """Windows of the whole job."""
        ...

    @property
    def footprints(self) -> "gpd.GeoDataFrame":
        """The footprints that can no longer change."""
        ...
