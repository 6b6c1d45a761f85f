"""One export in a process of its own: `python -m benchmarks.exports_ours FORMAT SOURCE FOLDER`.

SOURCE is a Parquet file, which measures the writer, or the address of a database, which measures the product's own way.
The process has loaded what a worker of exports loads, and has written one small file before, as a worker has.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from auth.principals import Principal, Role
from processing.exports.formats import FORMATS
from processing.exports.writing import write_file
from webapp import exporter
from webapp.resources import open_resources
from webapp.services import footprints
from webapp.services.footprints import FootprintQuery
from webapp.settings import load_settings

BATCH_ROWS = 10_000
FIRST_COLUMNS = ["id", "confidence", "footprint_key", "created_at", "geometry"]
__all__ = ["exporter"]


def main(format: str, source: str, folder: str) -> None:
    """Write once and print what it took; the source is read in batches inside what is measured."""
    path = Path(folder) / f"ours{FORMATS[format].suffix}"
    batches = _stored(source, Path(folder)) if "://" in source else _batches(Path(source))
    first_s = _first_file(format, Path(folder))
    before_mb = peak_mb()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    written = write_file(path, batches, title="city", format=format)
    result = {
        "wall_s": time.perf_counter() - wall_s,
        "cpu_s": time.process_time() - cpu_s,
        "peak_mb": peak_mb(),
        "before_mb": before_mb,
        "first_s": first_s,
        "rows": written.rows,
        "size_mb": written.size_bytes / 1e6,
    }
    print(json.dumps(result))


def _first_file(format: str, folder: Path) -> float:
    """Write one footprint; return the processor seconds of what each process does once."""
    wkb = shapely.to_wkb(shapely.box(0, 0, 1e-4, 1e-4))
    now = pa.array([datetime(2026, 11, 23, tzinfo=UTC)], pa.timestamp("ns", "UTC"))
    row = pa.record_batch([pa.array([1]), pa.array([0.5]), pa.array(["a"]), now, pa.array([wkb])], names=FIRST_COLUMNS)
    cpu_s = time.process_time()
    write_file(folder / f"first{FORMATS[format].suffix}", [row], title="first", format=format)
    return time.process_time() - cpu_s


def peak_mb() -> float:
    """Return this process's own peak; `getrusage` would begin at that of the process which started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _batches(source: Path) -> Iterator[pa.RecordBatch]:
    """A row group may be the whole file: without pre-buffering its pages come one after the other."""
    with pq.ParquetFile(source, pre_buffer=False, buffer_size=2**20) as file:
        columns = [name for name in file.schema_arrow.names if name != "bbox"]
        yield from file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False)


def _stored(url: str, folder: Path) -> Iterator[pa.RecordBatch]:
    """Read as a worker does, with the ids that were noted when the export was asked for."""
    resources = open_resources(load_settings(data_dir=folder, database_url=url))
    principal = Principal(0, "bench", Role.ADMIN)
    ids = list(footprints.iter_ids(resources, principal, FootprintQuery()))
    return footprints.iter_chosen(resources, principal, ids)


if __name__ == "__main__":
    main(*sys.argv[1:])
