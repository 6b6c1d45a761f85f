"""Check a file of footprints in a child process with limits: `python -m processing.ingest.file_check` is the child."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing.errors import VectorUnreadable
from processing.ingest.options import ColumnChoice, IngestBudget, IngestOptions
from processing.ingest.report import IngestReport, report_from_json
from processing.ingest.vector_source import scratch_folder
from processing.lean_imports import refuse_data_frames
from processing.limited_child import ChildFailed, ChildLimits, answer_once, limit_this_process, run_limited

CHILD_MEMORY_BYTES = 6 * 2**30
CHILD_CPU_S = 1800
CHILD_WALL_S = 3600


def check_in_child(path: Path, options: IngestOptions | None = None, *, scratch: Path | None = None) -> IngestReport:
    """Return what `check_file` finds, computed in a child with limits on memory, time and what it writes.

    Raises what `check_file` raises; a child that dies or hangs means that the file cannot be read.
    """
    options = options or IngestOptions()
    name = options.name or path.name
    with scratch_folder(scratch) as folder:  # the parent's, so that it goes even where the child is killed
        request = {"path": str(path.resolve()), "scratch": str(folder), "options": asdict(options)}
        try:
            answer = run_limited("processing.ingest.file_check", request, CHILD_WALL_S)
        except ChildFailed as error:
            raise VectorUnreadable(name=name, detail=f"reading it {error}") from error
    return report_from_json(answer["report"])


def _check(request: dict[str, Any]) -> dict[str, Any]:
    from processing.ingest.reading import check_file  # after `main` has refused what costs two seconds to load

    path, options = Path(request["path"]), _options(request["options"])
    try:
        report = check_file(path, options, scratch=Path(request["scratch"]))
    except (MemoryError, RecursionError) as error:
        detail = "reading it needs more memory than one file may use"
        raise VectorUnreadable(name=options.name or path.name, detail=detail) from error
    return {"report": report.to_json()}


def _options(values: dict[str, Any]) -> IngestOptions:
    columns, budget = ColumnChoice(**values["columns"]), IngestBudget(**values["budget"])
    return IngestOptions(**{**values, "columns": columns, "budget": budget})


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.read())
    refuse_data_frames()
    written_bytes = _options(request["options"]).budget.unpacked_bytes_max
    limit_this_process(ChildLimits(CHILD_MEMORY_BYTES, CHILD_CPU_S, written_bytes))
    answer_once(request, _check)


if __name__ == "__main__":
    main()
