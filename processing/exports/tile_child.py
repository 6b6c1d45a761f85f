"""The child in which GDAL makes tiles: it holds the interpreter for minutes, so it gets one of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from processing.errors import OutputNotWritable
from processing.exports.ogr_files import write_layer

ROOT = Path(__file__).resolve().parents[2]
DRIVER = "PMTiles"
MESSAGE_MAX = 300


def write_tiles(path: Path, schema: pa.Schema, records: Iterator[pa.RecordBatch], options: dict[str, str]) -> None:
    """Have a child write records as PMTiles. Raises `OutputNotWritable`, and what the records raise.

    Where this process is killed meanwhile, the child ends with the records and makes no tiles.
    """
    arguments = [f"{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "processing.exports.tile_child", str(path.resolve()), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            _send(child, schema, records)
            _, said = child.communicate()
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or [f"the writer ended with {child.returncode}"]
        raise OutputNotWritable(name=path.name, detail=lines[-1][:MESSAGE_MAX])


def _send(child: "subprocess.Popen[bytes]", schema: pa.Schema, records: Iterator[pa.RecordBatch]) -> None:
    """Send the records; a child that is gone says why by its end."""
    assert child.stdin is not None
    with suppress(BrokenPipeError), pa.ipc.new_stream(pa.PythonFile(child.stdin, "w"), schema) as stream:
        for record in records:
            stream.write_batch(record)


def _while_wanted(stream: pa.ipc.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    """Pass records on; leave before the long part of the work where whoever wanted it is gone."""
    parent = os.getppid()
    yield from stream
    if os.getppid() != parent:
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Write what comes in as an Arrow stream to the path that is named, with GDAL's options after it."""
    path, *options = arguments
    chosen = dict(option.split("=", 1) for option in options)
    with pa.ipc.open_stream(sys.stdin.buffer) as stream:
        write_layer(Path(path), DRIVER, stream.schema, _while_wanted(stream), dataset_options=chosen)


if __name__ == "__main__":
    main(sys.argv[1:])
