"""Check a file of footprints in a child process with limits and walls."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing.errors import VectorUnreadable
from processing.ingest.options import ColumnChoice, IngestBudget, IngestOptions
from processing.ingest.report import IngestReport, report_from_json
from processing.ingest.vector_source import scratch_folder
from processing.lean_imports import refuse_data_frames
from processing.limited_child import ChildFailed, ChildLimits, Question, limit_this_process, run_limited

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
        question = Question("processing.ingest.file_check", request, reads=[path], changes=[folder])
        try:
            found = run_limited(question, CHILD_WALL_S)
        except ChildFailed as error:
            raise VectorUnreadable(name=name, detail=f"reading it {error}") from error
    return report_from_json(found["report"])


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """In the child: check the file. Raises what `check_file` raises."""
    refuse_data_frames()
    from processing.ingest.reading import check_file  # after that, or it costs two seconds to load

    path, options = Path(request["path"]), _options(request["options"])
    limit_this_process(ChildLimits(CHILD_MEMORY_BYTES, CHILD_CPU_S, options.budget.unpacked_bytes_max))
    try:
        report = check_file(path, options, scratch=Path(request["scratch"]))
    except (MemoryError, RecursionError) as error:
        detail = "reading it needs more memory than one file may use"
        raise VectorUnreadable(name=options.name or path.name, detail=detail) from error
    return {"report": report.to_json()}


def _options(values: dict[str, Any]) -> IngestOptions:
    columns, budget = ColumnChoice(**values["columns"]), IngestBudget(**values["budget"])
    return IngestOptions(**{**values, "columns": columns, "budget": budget})

