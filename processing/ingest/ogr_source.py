"""GeoJSON, FlatGeobuf, GeoPackage and Shapefile through GDAL, as a stream of Arrow batches."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError

from processing.errors import CrsUnusable, LayerAmbiguous, ProcessingError, VectorTooLarge, VectorUnreadable
from processing.ingest.file_kinds import FileKind
from processing.ingest.options import IngestOptions
from processing.ingest.vector_source import SourceRows, VectorSource, attributes_of, refuse_wide, shapes_of_wkb

DRIVERS = {
    FileKind.GEOJSON: "GeoJSON",
    FileKind.FLATGEOBUF: "FlatGeobuf",
    FileKind.GEOPACKAGE: "GPKG",
    FileKind.ZIPPED_SHAPEFILE: "ESRI Shapefile",
}
GEOJSON_FEATURE_MB = 64
"""Of one feature, as GDAL estimates what it holds: room for twice as many corners as a footprint may
have. GDAL's own limit is 200."""
TOO_COMPLEX = "object too complex"
BROKEN = (DataSourceError, DataLayerError, pa.ArrowException, OSError, RuntimeError, UnicodeDecodeError, ValueError)


@contextmanager
def open_ogr(path: Path, kind: FileKind, *, name: str, options: IngestOptions) -> Iterator[VectorSource]:
    """Open one layer. Raises `VectorUnreadable`, `VectorTooLarge`, `LayerAmbiguous`, `CrsUnusable`."""
    # The prefix keeps every other driver away: some of those that take JSON run what it says.
    place = f"GeoJSON:{path}" if kind is FileKind.GEOJSON else str(path)
    pyogrio.set_gdal_config_options({"OGR_GEOJSON_MAX_OBJ_SIZE": GEOJSON_FEATURE_MB})
    layer = _layer(place, kind, name, options.layer)
    try:
        with _quiet():
            info = pyogrio.read_info(place, layer=layer)
            refuse_wide(len(info["fields"]), name, options.budget)
            opened = pyogrio.open_arrow(place, layer=layer, batch_size=options.budget.batch_rows, use_pyarrow=True)
            meta, reader = opened.__enter__()
    except BROKEN as error:
        raise _refusal(error, name) from error
    try:
        if info["driver"] != DRIVERS[kind]:
            raise VectorUnreadable(name=name, detail=f"it is no {kind} inside but {info['driver']}")
        geometry = meta["geometry_name"] or "wkb_geometry"
        announced = int(info["features"])
        yield VectorSource(
            crs=_crs(meta["crs"], name),
            columns=tuple(str(field) for field in meta["fields"]),
            rows=_rows(reader, geometry, name),
            rows_announced=announced if announced >= 0 else None,
        )
    finally:
        opened.__exit__(None, None, None)


def _layer(place: str, kind: FileKind, name: str, wanted: str | None) -> str | None:
    """Return the one layer with geometries; a Shapefile's was chosen when it was unpacked."""
    if kind is FileKind.ZIPPED_SHAPEFILE:
        return None
    try:
        with _quiet():
            layers = [str(layer) for layer, geometry in pyogrio.list_layers(place) if geometry is not None]
    except BROKEN as error:
        raise _refusal(error, name) from error
    if not layers:
        raise VectorUnreadable(name=name, detail="it has no layer with geometries")
    if wanted is None and len(layers) == 1:
        return layers[0]
    if wanted not in layers:
        raise LayerAmbiguous(name=name, layers=", ".join(layers))
    return wanted


def _crs(text: str | None, name: str) -> CRS | None:
    try:
        return None if not text else CRS.from_user_input(text)
    except CRSError as error:
        raise CrsUnusable(name=name, detail=str(error).splitlines()[0]) from error


def _rows(reader: Any, geometry: str, name: str) -> Iterator[SourceRows]:
    first_row = 1
    while True:
        try:
            with _quiet():
                batch = next(reader, None)
            if batch is None:
                return
            shapes, closed, present = shapes_of_wkb(batch.column(geometry))
            names = [column for column in batch.schema.names if column != geometry]
            attributes = attributes_of(batch, names)
        except StopIteration:
            return
        except BROKEN as error:
            raise _refusal(error, name, f"after row {first_row - 1}: ") from error
        yield SourceRows(first_row, shapes, closed, present, attributes)
        first_row += batch.num_rows


def _refusal(error: Exception, name: str, where: str = "") -> ProcessingError:
    if TOO_COMPLEX in str(error):
        return VectorTooLarge(name=name, limit=f"{GEOJSON_FEATURE_MB} MB of memory for one feature")
    return VectorUnreadable(name=name, detail=f"{where}{_first_line(error)}")


@contextmanager
def _quiet() -> Iterator[None]:
    """GDAL's remarks about geometries are not for the log: the rules find the same, with row numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
