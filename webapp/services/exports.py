"""Downloads: footprints of a job, of a region, or of both, as a stream of bytes in one of the formats."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auth.principals import Principal
from processing.exports.formats import FORMATS, ExportFormat
from processing.exports.writing import write_stream
from webapp.errors import FormatUnknown, RequestInvalid
from webapp.resources import Resources
from webapp.services import footprints, jobs
from webapp.services.footprints import FootprintQuery

TITLE_MAX_LENGTH = 60


@dataclass(frozen=True)
class ExportStream:
    """A download. `filename` is plain ASCII without separators."""

    filename: str
    media_type: str
    chunks: Iterator[bytes] = field(repr=False)


def open_export(resources: Resources, principal: Principal, query: FootprintQuery, format: str) -> ExportStream:
    """Begin a download; nothing found gives a valid empty file.

    The first bytes are made before this returns, so that what can go wrong does so before the answer begins.
    Raises `FormatUnknown`, `NotFound` for a job that is not theirs, `BboxInvalid`, `RequestInvalid`.
    """
    chosen = _format(format)
    if query.job_id is None and query.bbox_deg is None:
        raise RequestInvalid(detail="give job_id, bbox or both")
    title = "buildings"
    if query.job_id is not None:
        job = jobs.get_job(resources, principal, query.job_id)
        title = f"{job.scene_name.rsplit('.', 1)[0]} {job.id[:8]}"
    batches = footprints.iter_batches(resources, principal, query)
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


def _format(name: str) -> ExportFormat:
    if name not in FORMATS:
        raise FormatUnknown(format=name, allowed=", ".join(FORMATS))
    return FORMATS[name]
