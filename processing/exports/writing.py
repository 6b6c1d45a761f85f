"""Footprints in, bytes out: one function for downloads, the command line and anything else."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from geopandas import GeoDataFrame
from pyogrio.errors import DataSourceError

from processing.errors import OutputNotWritable
from processing.exports.csv_text import write_csv
from processing.exports.formats import format_named, key_of_suffix
from processing.exports.geojson import write_geojson, write_geojsonseq
from processing.exports.geoparquet import write_geoparquet
from processing.exports.kml import write_kml
from processing.exports.ogr_files import write_fgb, write_gpkg, write_shapefile

CHUNK_BYTES = 2**18

STREAMED: dict[str, Callable[[Iterable[GeoDataFrame], str], Iterator[bytes]]] = {
    "geojson": write_geojson,
    "geojsonseq": write_geojsonseq,
    "csv": write_csv,
    "kml": write_kml,
}
WHOLE_FILES: dict[str, Callable[[Path, Iterable[GeoDataFrame]], None]] = {
    "shapefile": write_shapefile,
    "gpkg": write_gpkg,
    "parquet": write_geoparquet,
    "fgb": write_fgb,
}


def write_stream(
    format: str, batches: Iterable[GeoDataFrame], *, title: str, scratch: Path | None = None
) -> Iterator[bytes]:
    """Turn batches of footprints (EPSG:4326) into the bytes of one file.

    `format` is a key of `FORMATS`. Memory holds one batch at a time. Formats that cannot be streamed are built in a
    temporary folder (below `scratch`, if given), which is gone when the reader has finished or left.
    Raises `ParameterInvalid` for an unknown format at once, `ExportTooLarge` and `OutputNotWritable` while writing.
    """
    known = format_named(format)
    if format in STREAMED:
        return STREAMED[format](batches, title)
    return _through_file(WHOLE_FILES[format], batches, known.suffix, scratch)


def _through_file(
    write: Callable[[Path, Iterable[GeoDataFrame]], None],
    batches: Iterable[GeoDataFrame],
    suffix: str,
    scratch: Path | None,
) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix=".export-", dir=scratch) as folder:
        path = Path(folder) / f"export{suffix}"
        try:
            write(path, batches)
        except (OSError, DataSourceError) as error:
            raise OutputNotWritable(name=path.name, detail=_reason(error)) from error
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def write_file(path: Path, batches: Iterable[GeoDataFrame], *, title: str) -> None:
    """Write footprints to a file whose suffix names the format. The file appears whole or not at all.

    Raises `OutputUnsupported`, `OutputNotWritable`, `ExportTooLarge`, and what the batches raise.
    """
    format = key_of_suffix(path.name)
    check_writable(path)
    partial: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(prefix=".partial-", dir=path.parent, delete=False) as file:
            partial = Path(file.name)
            for chunk in write_stream(format, batches, title=title, scratch=path.parent):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise OutputNotWritable(name=str(path), detail=_reason(error)) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


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
