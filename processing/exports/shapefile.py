"""A ZIP with one Shapefile: names of ten characters, texts of 254 bytes, an end before 2 GB."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import shapely

from processing.errors import ExportTooLarge
from processing.exports.arrow_batches import arrow_batches
from processing.exports.batches import GEOMETRY, FootprintBatch
from processing.exports.ogr_files import LAYER, write_layer

NAME_LENGTH = 10
TEXT_BYTES = 254
LIMIT_BYTES = 2**31 - 1
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
SHORT_NAMES = {
    "footprint_key": "fp_key",
    "confidence": "confidence",
    "weights_sha256": "weights_id",
    "source_name": "source",
    "attributes": "attributes",
}
"""Ours that are longer, or would lose their sense when cut; `docs/exports.md` has the whole table."""


def write_shapefile(path: Path, batches: Iterable[FootprintBatch]) -> None:
    """Write the ZIP with a manifest of what the format made shorter. Raises `ExportTooLarge` before a part's 2 GB."""
    schema, records = arrow_batches(batches, multi=True)
    names = short_names([field.name for field in schema if field.name != GEOMETRY])
    shortened: dict[str, int] = dict.fromkeys(names, 0)
    fitting = pa.schema([_dbf_field(field, names) for field in schema])
    shapefile = path.with_name(f"{LAYER}.shp")
    write_layer(
        shapefile,
        "ESRI Shapefile",
        fitting,
        _within_limit(_fit(record, fitting, shortened) for record in records),
        geometry_type="Polygon",
        encoding="UTF-8",
    )
    manifest = {"fields": names, "texts_cut_at_254_bytes": {name: count for name, count in shortened.items() if count}}
    _zip(path, shapefile, manifest)


def short_names(names: list[str]) -> dict[str, str]:
    """Return each column's name in the table: by `SHORT_NAMES`, else cut; what would then be the same gets a number."""
    taken: dict[str, str] = {}
    for name in names:
        stem = SHORT_NAMES.get(name, name)[:NAME_LENGTH]
        short, count = stem, 1
        while short.lower() in (other.lower() for other in taken.values()):
            ending = f"_{count}"
            short, count = stem[: NAME_LENGTH - len(ending)] + ending, count + 1
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
            too_long = pc.greater(pc.binary_length(column), TEXT_BYTES)
            shortened[old.name] += pc.sum(too_long).as_py() or 0
            column = _cut(column) if pc.any(too_long).as_py() else column
        columns.append(column)
    return pa.record_batch(columns, schema=schema)


def _cut(column: pa.Array) -> pa.Array:
    texts = [
        None if text is None else text.encode()[:TEXT_BYTES].decode(errors="ignore") for text in column.to_pylist()
    ]
    return pa.array(texts, pa.string())


def _within_limit(records: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pass records on while the .shp and, at worst, the .dbf stay below what their 32-bit offsets can hold."""
    shp_bytes, rows, widths = 100, 0, dict[str, int]()
    for record in records:
        shapes = shapely.from_wkb(record.column(GEOMETRY).to_numpy(zero_copy_only=False))
        parts = shapely.get_parts(shapes)
        rings = int(shapely.get_num_interior_rings(parts).sum()) + len(parts)
        shp_bytes += 52 * len(shapes) + 4 * rings + 16 * int(shapely.get_num_coordinates(shapes).sum())
        rows += record.num_rows
        for field in record.schema:
            widths[field.name] = max(widths.get(field.name, 0), _width(record.column(field.name)))
        if max(shp_bytes, rows * (1 + sum(widths.values()))) > LIMIT_BYTES:
            raise ExportTooLarge(format="Shapefile", limit_gb=LIMIT_BYTES / 1e9)
        yield record


NUMBER_BYTES = 24
TEXT_BYTES_FIRST = 80
"""GDAL begins a column of texts so wide, and widens it for all rows when a longer text comes."""


def _width(column: pa.Array) -> int:
    if pa.types.is_binary(column.type):
        return 0
    if not pa.types.is_string(column.type):
        return NUMBER_BYTES
    return max(TEXT_BYTES_FIRST, pc.max(pc.binary_length(column)).as_py() or 0)


def _zip(path: Path, shapefile: Path, manifest: dict[str, object]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for suffix in PARTS:
            part = shapefile.with_suffix(suffix)
            archive.write(part, part.name)
            part.unlink()
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
