"""A ZIP with one Shapefile: names of ten characters, texts of 254 bytes, an end before 2 GB."""

import json
import shutil
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyproj import CRS

from processing.errors import ExportTooLarge
from processing.exports.arrow_batches import attribute_record, attribute_schema
from processing.exports.batches import FootprintBatch
from processing.exports.dbf_table import NO_COLUMNS, DbfTable
from processing.exports.ogr_files import LAYER
from processing.exports.packing import new_archive, new_member
from processing.exports.shp_records import ShapeRecords

NAME_LENGTH = 10
TEXT_BYTES = 254
LIMIT_BYTES = 2**31 - 1
COPIED_BYTES = 2**18
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
    source = iter(batches)
    first = next(source, None)
    given = pa.schema([]) if first is None else attribute_schema(first)
    names = short_names(given.names)
    shortened: dict[str, int] = dict.fromkeys(names, 0)
    fitting = pa.schema([_dbf_field(field, names) for field in given]) if names else NO_COLUMNS
    shapefile = path.with_name(f"{LAYER}.shp")
    table = DbfTable(fitting, path.with_suffix(".rows"))
    with shapefile.open("xb") as shp, shapefile.with_suffix(".shx").open("xb") as shx:
        records = ShapeRecords(shp, shx)
        for batch in chain([] if first is None else [first], source):
            records.add(batch.shapes)
            table.add(_fit(attribute_record(batch, given), table.schema, shortened))
            if max(records.size_bytes, table.size_bytes) > LIMIT_BYTES:
                raise ExportTooLarge(format="Shapefile", limit_gb=LIMIT_BYTES / 1e9)
        records.finish()
    table.write(shapefile.with_suffix(".dbf"))
    shapefile.with_suffix(".prj").write_text(CRS.from_epsg(4326).to_wkt("WKT1_ESRI"))
    shapefile.with_suffix(".cpg").write_text("UTF-8")
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
    kind = field.type
    if pa.types.is_boolean(kind):
        kind = pa.int32()
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        kind = pa.string()
    return pa.field(names[field.name], kind)


def _fit(record: pa.RecordBatch, schema: pa.Schema, shortened: dict[str, int]) -> pa.RecordBatch:
    """Bring attributes into the table's types; without any, number the rows."""
    if not record.num_columns:
        return pa.record_batch([pa.array(range(record.num_rows), pa.int32())], schema=schema)
    columns = []
    for name, column, field in zip(record.schema.names, record.columns, schema, strict=True):
        fitting = column.cast(field.type)
        if pa.types.is_string(field.type):
            too_long = pc.greater(pc.binary_length(fitting), TEXT_BYTES)
            shortened[name] += pc.sum(too_long).as_py() or 0
            fitting = _cut(fitting) if pc.any(too_long).as_py() else fitting
        columns.append(fitting)
    return pa.record_batch(columns, schema=schema)


def _cut(column: pa.Array) -> pa.Array:
    texts = [
        None if text is None else text.encode()[:TEXT_BYTES].decode(errors="ignore") for text in column.to_pylist()
    ]
    return pa.array(texts, pa.string())


def _zip(path: Path, shapefile: Path, manifest: dict[str, object]) -> None:
    with new_archive(path) as archive:
        for suffix in PARTS:
            part = shapefile.with_suffix(suffix)
            with part.open("rb") as file, new_member(archive, part.name) as member:
                shutil.copyfileobj(file, member, COPIED_BYTES)
            part.unlink()
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
