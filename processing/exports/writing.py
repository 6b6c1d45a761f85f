"""Footprints in, bytes out: one function for downloads, the command line and anything else."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from processing.errors import OutputNotWritable
from processing.exports.batches import FootprintBatch, Footprints, to_batches
from processing.exports.csv_text import write_csv
from processing.exports.flatgeobuf import write_fgb
from processing.exports.formats import format_named, key_of_suffix
from processing.exports.geojson import write_geojson, write_geojsonseq
from processing.exports.geoparquet import write_geoparquet
from processing.exports.kml import write_kml
from processing.exports.kmz import write_kmz
from processing.exports.ogr_files import write_gpkg
from processing.exports.pmtiles import write_pmtiles
from processing.exports.progress import ExportWatch
from processing.exports.shapefile import write_shapefile

CHUNK_BYTES = 2**18


STREAMED: dict[str, Callable[[Iterable[FootprintBatch], str], Iterator[bytes]]] = {
    "geojson": write_geojson,
    "geojsonseq": write_geojsonseq,
    "csv": write_csv,
    "kml": write_kml,
}
WHOLE_FILES: dict[str, Callable[[Path, Iterable[FootprintBatch], str], None]] = {
    "kmz": write_kmz,
    "shapefile": lambda path, batches, _: write_shapefile(path, batches),
    "gpkg": lambda path, batches, _: write_gpkg(path, batches),
    "parquet": lambda path, batches, _: write_geoparquet(path, batches),
    "fgb": lambda path, batches, _: write_fgb(path, batches),
    "pmtiles": write_pmtiles,
}


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What was written."""

    rows: int
    size_bytes: int
    sha256: str


def write_stream(
    format: str,
    batches: Iterable[Footprints],
    *,
    title: str,
    scratch: Path | None = None,
    watch: ExportWatch | None = None,
) -> Iterator[bytes]:
    """Turn batches of footprints (EPSG:4326) into the bytes of one file.

    `format` is a key of `FORMATS`. Memory holds one batch at a time. Formats that cannot be streamed are built in a
    temporary folder (below `scratch`, if given), which is gone when the reader has finished or left.
    Raises `ParameterInvalid` for an unknown format at once, `ExportTooLarge`, `OutputNotWritable` and `Cancelled` while
    writing.
    """
    known = format_named(format)
    prepared = to_batches((watch or ExportWatch()).follow(batches))
    if format in STREAMED:
        return STREAMED[format](prepared, title)
    return _through_file(format, prepared, title, known.suffix, scratch)


def _through_file(
    format: str, batches: Iterable[FootprintBatch], title: str, suffix: str, scratch: Path | None
) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix=".export-", dir=scratch) as folder:
        path = Path(folder) / f"export{suffix}"
        _build(format, path, batches, title)
        yield from _read(path)


def _build(format: str, path: Path, batches: Iterable[FootprintBatch], title: str) -> None:
    try:
        WHOLE_FILES[format](path, batches, title)
    except OSError as error:
        raise OutputNotWritable(name=path.name, detail=_reason(error)) from error


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def write_file(
    path: Path,
    batches: Iterable[Footprints],
    *,
    title: str,
    format: str | None = None,
    watch: ExportWatch | None = None,
) -> WrittenFile:
    """Write footprints to a file whose suffix names the format, if `format` does not.

    The file appears whole or not at all. Raises `OutputUnsupported`, `OutputNotWritable`, `ExportTooLarge`,
    `Cancelled`, and what the batches raise.
    """
    format = format or key_of_suffix(path.name)
    check_writable(path)
    rows = _Rows()
    followed = ExportWatch(on_rows=rows.count).follow(batches)
    try:
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder:
            partial = Path(folder) / f"export{format_named(format).suffix}"
            sha256 = _fill(format, partial, (watch or ExportWatch()).follow(followed), title)
            size_bytes = partial.stat().st_size
            partial.chmod(0o644)
            partial.replace(path)
            _sync_folder(path.parent)
    except OSError as error:
        raise OutputNotWritable(name=str(path), detail=_reason(error)) from error
    return WrittenFile(rows.total, size_bytes, sha256)


class _Rows:
    """How many rows have come by."""

    total = 0

    def count(self, total: int) -> None:
        self.total = total


def _fill(format: str, partial: Path, batches: Iterable[Footprints], title: str) -> str:
    """Write the file, see it safe on disk, and return its SHA-256."""
    digest = hashlib.sha256()
    prepared = to_batches(batches)
    if format in STREAMED:
        with partial.open("xb") as file:
            for chunk in STREAMED[format](prepared, title):
                digest.update(chunk)
                file.write(chunk)
    else:
        _build(format, partial, prepared, title)
        for chunk in _read(partial):
            digest.update(chunk)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_writable(path: Path) -> None:
    """Refuse an output that has no folder or no rights, before hours of work. Raises `OutputNotWritable`."""
    if not path.parent.is_dir():
        raise OutputNotWritable(name=str(path), detail=f"the folder {path.parent} does not exist")
    if path.is_dir():
        raise OutputNotWritable(name=str(path), detail="it is a folder")
    if not os.access(path.parent, os.W_OK):
        raise OutputNotWritable(name=str(path), detail=f"the folder {path.parent} may not be written to")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
