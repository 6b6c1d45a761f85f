"""`./run bench exports`: one made-up city to every format, by ours and by `ogr2ogr`, from the same PostGIS.

Each export runs in a process of its own; the database server's work is in neither's processor time. *Ours* reads as a
worker does; *writer* is ours from a Parquet file, so without the database. Both make a ZIP of a Shapefile.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from benchmarks.children import run_child
from benchmarks.exports_database import SAME_ROWS, filled_database
from benchmarks.made_city import city_batches
from benchmarks.report import OURS, Row, publish, row_of
from processing.exports.formats import FORMATS

ROWS, QUICK_ROWS = 1_000_000, 200_000
SLOW = {"pmtiles": 20_000}
"""Formats that are measured on fewer rows at most: tiles take minutes."""
PEER = "ogr2ogr"
PEER_FORMATS = {
    "geojson": ("GeoJSON", "geojson"),
    "geojsonseq": ("GeoJSONSeq", "geojsonl"),
    "csv": ("CSV", "csv"),
    "kml": ("KML", "kml"),
    "shapefile": ("ESRI Shapefile", "shz"),
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
    with tempfile.TemporaryDirectory(prefix="bench-exports-", dir=options.folder) as folder:
        path = Path(folder)
        for count in sorted({_rows_of(format, options.rows) for format in options.formats}):
            source = write_source(path / "source.parquet", count)
            with filled_database(count, path / "data") as url:
                for format in options.formats:
                    if _rows_of(format, options.rows) == count:
                        rows += _format_rows(Case(format, count, source, url, path))
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


@dataclass(frozen=True)
class Case:
    """One format, and where its rows are."""

    format: str
    count: int
    source: Path
    url: str
    folder: Path


def _rows_of(format: str, rows: int) -> int:
    return min(rows, SLOW.get(format, rows))


def _format_rows(case: Case) -> list[Row]:
    name = f"{case.format}, {case.count:,} rows"
    rows: list[Row] = []
    took = {OURS: _ours(case, case.url), "writer": _ours(case, str(case.source))}
    if case.format in PEER_FORMATS and shutil.which(PEER):
        took[PEER] = _peer(case)
    for subject, measured in took.items():
        rows += [row_of(subject, name, metric, unit, [measured[key]]) for metric, unit, key in METRICS]
        if subject != OURS:
            for metric, key in (("processor time", "cpu_s"), ("wall clock", "wall_s")):
                rows.append(row_of(f"{subject} / ours", name, metric, "times", [measured[key] / took[OURS][key]]))
    return rows


def _ours(case: Case, source: str) -> dict[str, float]:
    took: dict[str, float] = run_child(sys.executable, "benchmarks.exports_ours", case.format, source, str(case.folder))
    if took["rows"] != case.count:
        raise RuntimeError(f"{case.format}: {took['rows']} of {case.count} rows were written")
    return took


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


def _peer(case: Case) -> dict[str, float]:
    """Run ogr2ogr once; its processor time and peak memory are those that the system counted."""
    driver, suffix = PEER_FORMATS[case.format]
    target = case.folder / f"peer.{suffix}"
    options = [*PEER_OPTIONS.get(case.format, []), "-nln", "footprints", "-sql", SAME_ROWS]
    command = [PEER, "-f", driver, *options, str(target), f"PG:{case.url}"]
    took: dict[str, float] = run_child(sys.executable, "benchmarks.timed_command", *command)
    return took | {"size_mb": target.stat().st_size / 1e6}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
