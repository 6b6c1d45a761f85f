"""Downloads: footprints of a job, of a region, or of both, as a stream of bytes in one of the formats."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auth.principals import Principal
from processing.exports.batches import Footprints
from processing.exports.formats import FORMATS, ExportFormat
from processing.exports.writing import write_stream
from webapp.errors import FormatUnknown, RequestInvalid
from webapp.resources import Resources
from webapp.services import footprint_maps, footprints, jobs
from webapp.services.footprint_maps import WORLD_M, BoundsM, MapQuery
from webapp.services.footprints import FootprintQuery

TITLE_MAX_LENGTH = 60


@dataclass(frozen=True)
class ExportStream:
    """A download. `filename` is plain ASCII without separators."""

    filename: str
    media_type: str
    chunks: Iterator[bytes] = field(repr=False)


@dataclass(frozen=True)
class ViewScope:
    """Exactly what the map shows and counts in a view. `bounds_m`: metres of EPSG:3857."""

    query: MapQuery
    bounds_m: BoundsM = WORLD_M


def open_export(resources: Resources, principal: Principal, query: FootprintQuery, format: str) -> ExportStream:
    """Begin a download of what a query means; nothing found gives a valid empty file.

    The first bytes are made before this returns, so that what can go wrong does so before the answer begins.
    Raises `FormatUnknown`, `NotFound` for a job that is not theirs, `BboxInvalid`, `RequestInvalid`.
    """
    require_limits(query)
    title = title_of(resources, principal, query.job_id)
    return _stream(resources, require_format(format), title, footprints.iter_batches(resources, principal, query))


def open_view_export(resources: Resources, principal: Principal, scope: ViewScope, format: str) -> ExportStream:
    """Begin a download of a view. Raises as `open_export`, `IndexNotReady`."""
    query, bounds_m = scope.query, scope.bounds_m
    chosen, title = require_format(format), title_of(resources, principal, query.footprints.job_id)
    chunks = footprint_maps.ids(resources, principal, query, bounds_m)
    return _stream(resources, chosen, title, footprints.iter_chosen(resources, principal, chunks))


def require_limits(query: FootprintQuery) -> None:
    """Refuse to export everything by accident. Raises `RequestInvalid`."""
    if query.job_id is None and query.bbox_deg is None:
        raise RequestInvalid(detail="give job_id, bbox or view")


def title_of(resources: Resources, principal: Principal, job_id: str | None) -> str:
    """Return what an export is called. Raises `NotFound` for a job that is not theirs."""
    if job_id is None:
        return "buildings"
    job = jobs.get_job(resources, principal, job_id)
    return f"{job.source.rsplit('.', 1)[0]} {job.id[:8]}"


def _stream(resources: Resources, chosen: ExportFormat, title: str, batches: Iterator[Footprints]) -> ExportStream:
    scratch = resources.settings.data_dir / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    # Some formats write their first bytes before they look at the first footprint: so that one is read first.
    first_rows_read = _begun(batches)
    chunks = _begun(write_stream(chosen.name, first_rows_read, title=title, scratch=scratch))
    return ExportStream(plain_stem(title) + chosen.suffix, chosen.media_type, chunks)


def _begun[T](items: Iterator[T]) -> Iterator[T]:
    """Make the first item now; the others follow as they are asked for."""
    first = list(itertools.islice(items, 1))

    def all_of_them() -> Iterator[T]:
        try:
            yield from first
            yield from items
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    return all_of_them()


def plain_stem(title: str) -> str:
    """Return a file name's stem that every system and every HTTP header takes."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-").lower()[:TITLE_MAX_LENGTH].strip("-")
    return stem or "buildings"


def require_format(name: str) -> ExportFormat:
    """Return a format by its key. Raises `FormatUnknown`."""
    if name not in FORMATS:
        raise FormatUnknown(format=name, allowed=", ".join(FORMATS))
    return FORMATS[name]
