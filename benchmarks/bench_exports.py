"""`./run bench exports`: one made-up city to every format, by ours and by `ogr2ogr` from a FlatGeobuf of the same rows.

Each export runs in a process of its own. Ours reads GeoParquet (which `ogr2ogr` often cannot), `ogr2ogr` reads
FlatGeobuf (which costs less to read). `ogr2ogr` leaves a Shapefile unpacked; ours is a ZIP.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from benchmarks.children import run_child
from benchmarks.made_city import city_batches
from benchmarks.report import OURS, Row, publish, row_of
from processing.exports.formats import FORMATS
from processing.exports.writing import write_file

ROWS, QUICK_ROWS = 1_000_000, 20_000
SLOW = {"pmtiles": 200_000}
"""Formats that are measured on fewer rows at most: tiles take minutes."""
PEER = "ogr2ogr"
PEER_FORMATS = {
    "geojson": ("GeoJSON", "geojson"),
    "geojsonseq": ("GeoJSONSeq", "geojsonl"),
    "csv": ("CSV", "csv"),
    "kml": ("KML", "kml"),
    "shapefile": ("ESRI Shapefile", "shp"),
    "gpkg": ("GPKG", "gpkg"),
    "fgb": ("FlatGeobuf", "fgb"),
}
PEER_OPTIONS = {"csv": ["-lco", "GEOMETRY=AS_WKT"], "geojsonseq": ["-lco", "RS=YES"]}
SOURCE_ROWS = 5000
METRICS = (
    ("processor time", "s", "cpu_s"),
    ("wall clock", "s", "wall_s"),
    ("peak memory", "MB", "peak_mb"),
    ("size", "MB", "size_mb"),
)


def main(arguments: Sequence[str] = ()) -> int:
    """Write all formats and print what each takes, ours against the peer's."""
    options = _options(arguments)
    rows: list[Row] = []
    for format in options.formats:
        count = min(options.rows, SLOW.get(format, options.rows))
        with tempfile.TemporaryDirectory(prefix="bench-exports-", dir=options.folder) as folder:
            rows += _format_rows(format, count, Path(folder))
    publish("exports", rows, options.json)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run bench exports")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} footprints")
    parser.add_argument("--rows", type=int, help=f"how many footprints ({ROWS:,})")
    parser.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    parser.add_argument("--folder", type=Path, help="where the files are written meanwhile")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    return options


def _format_rows(format: str, count: int, folder: Path) -> list[Row]:
    source = write_source(folder / "source.parquet", count)
    ours = run_child(sys.executable, "benchmarks.exports_ours", format, str(source), str(folder))
    if ours["rows"] != count:
        raise RuntimeError(f"{format}: {ours['rows']} of {count} rows were written")
    case = f"{format}, {count:,} rows"
    rows = [row_of(OURS, case, metric, unit, [ours[key]]) for metric, unit, key in METRICS]
    rows.append(row_of(OURS, case, "memory grown", "MB", [ours["peak_mb"] - ours["before_mb"]]))
    if format in PEER_FORMATS and shutil.which(PEER):
        theirs = _peer(format, count, folder)
        rows += [row_of(PEER, case, metric, unit, [theirs[key]]) for metric, unit, key in METRICS]
        rows.append(row_of("ogr2ogr / ours", case, "processor time", "times", [theirs["cpu_s"] / ours["cpu_s"]]))
        rows.append(row_of("ogr2ogr / ours", case, "wall clock", "times", [theirs["wall_s"] / ours["wall_s"]]))
    return rows


def write_source(path: Path, count: int) -> Path:
    """Write the city as plain GeoParquet-like rows in small row groups, so that reading it takes little memory."""
    writer: pq.ParquetWriter | None = None
    for frame in city_batches(count, SOURCE_ROWS):
        table = pa.Table.from_pandas(frame.drop(columns="geometry"), preserve_index=False)
        table = table.append_column("geometry", pa.array(shapely.to_wkb(frame.geometry.to_numpy()), pa.binary()))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="lz4", use_dictionary=False)
        writer.write_table(table.cast(writer.schema))
    if writer is not None:
        writer.close()
    return path


def _peer(format: str, count: int, folder: Path) -> dict[str, float]:
    """Run ogr2ogr once; its processor time and peak memory are those that the system counted."""
    source = folder / "peer_source.fgb"
    write_file(source, city_batches(count, SOURCE_ROWS), title="city")
    driver, suffix = PEER_FORMATS[format]
    target = folder / f"peer.{suffix}"
    command = [PEER, "-f", driver, *PEER_OPTIONS.get(format, []), str(target), str(source)]
    took: dict[str, float] = run_child(sys.executable, "benchmarks.timed_command", *command)
    size = sum(part.stat().st_size for part in folder.glob("peer.*"))
    return took | {"size_mb": size / 1e6}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
