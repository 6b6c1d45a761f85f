"""Formats that need a whole file before its first byte is right: GeoPackage, FlatGeobuf and Shapefile."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
import shapely
from geopandas import GeoDataFrame

from processing.errors import ExportTooLarge
from processing.exports.arrow_batches import GEOMETRY, arrow_batches

CRS_NAME = "EPSG:4326"
LAYER = "footprints"
SHAPEFILE_NAME_LENGTH = 10
SHAPEFILE_TEXT_BYTES = 254
SHAPEFILE_LIMIT_BYTES = 2**31 - 1
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def write_gpkg(path: Path, batches: Iterable[GeoDataFrame]) -> None:
    """Write one layer with a spatial index."""
    schema, records = arrow_batches(batches, multi=True)
    _write(path, "GPKG", schema, records)


def write_fgb(path: Path, batches: Iterable[GeoDataFrame]) -> None:
    """Write a FlatGeobuf with its packed Hilbert R-tree."""
    schema, records = arrow_batches(batches, multi=True)
    _write(path, "FlatGeobuf", schema, records)


def write_shapefile(path: Path, batches: Iterable[GeoDataFrame]) -> None:
    """Write a ZIP of the Shapefile's parts and a manifest of what the format made shorter.

    Raises `ExportTooLarge` before a part grows past 2 GB.
    """
    schema, records = arrow_batches(batches, multi=True)
    names = _short_names([field.name for field in schema if field.name != GEOMETRY])
    shortened: dict[str, int] = dict.fromkeys(names, 0)
    fitting = pa.schema([_dbf_field(field, names) for field in schema])
    shapefile = path.with_name(f"{LAYER}.shp")
    _write(
        shapefile,
        "ESRI Shapefile",
        fitting,
        _within_limit(_fit(record, fitting, shortened) for record in records),
        geometry_type="Polygon",
        encoding="UTF-8",
    )
    manifest = {"fields": names, "texts_cut_at_254_bytes": {name: count for name, count in shortened.items() if count}}
    _zip(path, shapefile, manifest)


def _write(path: Path, driver: str, schema: pa.Schema, records: Iterator[pa.RecordBatch], **options: Any) -> None:
    settings: dict[str, Any] = {"geometry_type": "MultiPolygon", "layer": LAYER} | options
    watched = _Watched(records)
    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, watched.pass_on()),
            path,
            driver=driver,
            geometry_name=GEOMETRY,
            crs=CRS_NAME,
            **settings,
        )
    except Exception:
        if watched.error is not None:
            raise watched.error from None
        raise
    if watched.error is not None:
        raise watched.error


class _Watched:
    """Remembers what went wrong in the source of the records: Arrow's stream between us and GDAL keeps only a text."""

    def __init__(self, records: Iterator[pa.RecordBatch]) -> None:
        self._records = records
        self.error: BaseException | None = None

    def pass_on(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._records
        except BaseException as error:
            self.error = error
            raise


def _short_names(names: list[str]) -> dict[str, str]:
    """Cut names to ten characters; names that would then be the same end in a number."""
    taken: dict[str, str] = {}
    for name in names:
        short, count = name[:SHAPEFILE_NAME_LENGTH], 1
        while short.lower() in (other.lower() for other in taken.values()):
            ending = f"_{count}"
            short, count = name[: SHAPEFILE_NAME_LENGTH - len(ending)] + ending, count + 1
        taken[name] = short
    return taken


def _dbf_field(field: pa.Field, names: dict[str, str]) -> pa.Field:
    if field.name == GEOMETRY:
        return field
    kind = field.type
    if pa.types.is_boolean(kind):
        kind = pa.int32()
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        kind = pa.string()
    return pa.field(names[field.name], kind)


def _fit(record: pa.RecordBatch, schema: pa.Schema, shortened: dict[str, int]) -> pa.RecordBatch:
    columns = []
    for old, field in zip(record.schema, schema, strict=True):
        column = record.column(old.name).cast(field.type) if old.name != GEOMETRY else record.column(GEOMETRY)
        if pa.types.is_string(field.type):
            too_long = pc.greater(pc.binary_length(column), SHAPEFILE_TEXT_BYTES)
            shortened[old.name] += pc.sum(too_long).as_py() or 0
            column = _cut(column) if pc.any(too_long).as_py() else column
        columns.append(column)
    return pa.record_batch(columns, schema=schema)


def _cut(column: pa.Array) -> pa.Array:
    texts = [
        None if text is None else text.encode()[:SHAPEFILE_TEXT_BYTES].decode(errors="ignore")
        for text in column.to_pylist()
    ]
    return pa.array(texts, pa.string())


def _within_limit(records: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pass records on while the .shp and, at worst, the .dbf stay below what their 32-bit offsets can hold."""
    shp_bytes, dbf_bytes = 100, 0
    for record in records:
        shapes = shapely.from_wkb(record.column(GEOMETRY).to_numpy(zero_copy_only=False))
        rings = int(shapely.get_num_interior_rings(shapely.get_parts(shapes)).sum()) + len(shapely.get_parts(shapes))
        shp_bytes += 52 * len(shapes) + 4 * rings + 16 * int(shapely.get_num_coordinates(shapes).sum())
        dbf_bytes += record.num_rows * 24 * record.num_columns
        if max(shp_bytes, dbf_bytes) > SHAPEFILE_LIMIT_BYTES:
            raise ExportTooLarge(format="Shapefile", limit_gb=SHAPEFILE_LIMIT_BYTES / 1e9)
        yield record


def _zip(path: Path, shapefile: Path, manifest: dict[str, object]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for suffix in SHAPEFILE_PARTS:
            part = shapefile.with_suffix(suffix)
            archive.write(part, part.name)
            part.unlink()
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
