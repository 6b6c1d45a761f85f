"""Check a file of footprints in a child process with limits, so that no file can take its parent down.

`python -m processing.ingest.file_check` reads one JSON object from stdin and writes one to stdout.
"""

import json
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing import errors
from processing.errors import ProcessingError, VectorUnreadable
from processing.ingest.options import ColumnChoice, IngestBudget, IngestOptions
from processing.ingest.reading import check_file
from processing.ingest.report import IngestReport, report_from_json
from processing.ingest.vector_source import scratch_folder

CHILD_MEMORY_BYTES = 6 * 2**30
"""Address space, not resident memory: libraries reserve far more than they touch."""
CHILD_CPU_S = 1800
CHILD_WALL_S = 3600
ROOT = Path(__file__).resolve().parents[2]


def check_in_child(path: Path, options: IngestOptions | None = None, *, scratch: Path | None = None) -> IngestReport:
    """Return what `check_file` finds, computed in a child with limits on memory, time and what it writes.

    Raises what `check_file` raises; a child that dies or hangs means that the file cannot be read.
    """
    options = options or IngestOptions()
    name = options.name or path.name
    with scratch_folder(scratch) as folder:  # the parent's, so that it goes even where the child is killed
        request = {"path": str(path.resolve()), "scratch": str(folder), "options": asdict(options)}
        try:
            child = subprocess.run(
                [sys.executable, "-m", "processing.ingest.file_check"],
                input=json.dumps(request),
                capture_output=True,
                text=True,
                timeout=CHILD_WALL_S,
                cwd=ROOT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise VectorUnreadable(name=name, detail=f"reading it took longer than {CHILD_WALL_S} s") from error
    return _read_answer(child, name)


def _read_answer(child: "subprocess.CompletedProcess[str]", name: str) -> IngestReport:
    answer: dict[str, Any] | None = None
    with suppress(ValueError):
        answer = json.loads(child.stdout.splitlines()[-1]) if child.stdout.strip() else None
    if answer is None:
        code = child.returncode
        end = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise VectorUnreadable(name=name, detail=f"reading it ended with {end}")
    if "report" in answer:
        return report_from_json(answer["report"])
    kind = getattr(errors, answer["code"], None)
    if not (isinstance(kind, type) and issubclass(kind, ProcessingError)):
        raise VectorUnreadable(name=name, detail="reading it failed")
    raise kind(**answer["parameters"])


def _limit_this_process(file_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY_BYTES, CHILD_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_CPU_S, CHILD_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))


def _answer(request: dict[str, Any], options: IngestOptions) -> dict[str, Any]:
    path = Path(request["path"])
    try:
        report = check_file(path, options, scratch=Path(request["scratch"]))
    except ProcessingError as error:
        return {"code": error.code, "parameters": error.parameters}
    except (MemoryError, RecursionError):
        detail = "reading it needs more memory than one file may use"
        return {"code": VectorUnreadable.code, "parameters": {"name": options.name or path.name, "detail": detail}}
    return {"report": report.to_json()}


def _options(values: dict[str, Any]) -> IngestOptions:
    columns, budget = ColumnChoice(**values.pop("columns")), IngestBudget(**values.pop("budget"))
    return IngestOptions(columns=columns, budget=budget, **values)


def main() -> None:
    """Answer one request; everything that GDAL prints goes elsewhere than the answer."""
    request = json.loads(sys.stdin.read())
    options = _options(request["options"])
    _limit_this_process(options.budget.unpacked_bytes_max)
    sys.stdout.write("\n" + json.dumps(_answer(request, options)) + "\n")


if __name__ == "__main__":
    main()
