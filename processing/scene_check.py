"""Inspect a scene in a child process with limits, so that no file can take its parent down.

`python -m processing.scene_check` reads one JSON object from stdin and writes one to stdout.
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
from processing.errors import ProcessingError, RasterUnreadable
from processing.raster_file import SceneBudget
from processing.scene import SceneInfo, inspect_scene

CHILD_MEMORY_BYTES = 4 * 2**30
"""Address space, not resident memory: libraries reserve far more than they touch."""
CHILD_CPU_S = 120
CHILD_WALL_S = 180
ROOT = Path(__file__).resolve().parent.parent


def check_scene(path: Path, *, name: str, budget: SceneBudget) -> SceneInfo:
    """Return what `inspect_scene` finds, computed in a child with memory and time limits.

    Raises what `inspect_scene` raises; a child that dies or hangs means that the file cannot be read.
    """
    request = json.dumps({"path": str(path.resolve()), "name": name, "budget": asdict(budget)})
    try:
        child = subprocess.run(
            [sys.executable, "-m", "processing.scene_check"],
            input=request,
            capture_output=True,
            text=True,
            timeout=CHILD_WALL_S,
            cwd=ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RasterUnreadable(name=name, detail=f"Reading it took longer than {CHILD_WALL_S} s.") from error
    return _read_answer(child, name)


def _read_answer(child: "subprocess.CompletedProcess[str]", name: str) -> SceneInfo:
    answer: dict[str, Any] | None = None
    with suppress(ValueError):
        answer = json.loads(child.stdout.splitlines()[-1]) if child.stdout.strip() else None
    if answer is None:
        raise RasterUnreadable(name=name, detail=f"Reading it ended with {_describe_exit(child.returncode)}.")
    if "scene" in answer:
        return SceneInfo.from_json(answer["scene"])
    kind = getattr(errors, answer["code"], None)
    if not (isinstance(kind, type) and issubclass(kind, ProcessingError)):
        raise RasterUnreadable(name=name, detail="Reading it failed.")
    raise kind(**answer["parameters"])


def _describe_exit(returncode: int) -> str:
    if returncode < 0:
        return f"signal {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"


def _limit_this_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY_BYTES, CHILD_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_CPU_S, CHILD_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    budget = SceneBudget(**request["budget"])
    try:
        info = inspect_scene(Path(request["path"]), name=request["name"], budget=budget)
    except ProcessingError as error:
        return {"code": error.code, "parameters": error.parameters}
    except MemoryError:
        return {
            "code": RasterUnreadable.code,
            "parameters": {"name": request["name"], "detail": "Reading it needs more memory than a scene may use."},
        }
    return {"scene": info.to_json()}


def main() -> None:
    """Answer one request; everything that GDAL prints goes elsewhere than the answer."""
    request = json.loads(sys.stdin.read())
    _limit_this_process()
    sys.stdout.write("\n" + json.dumps(_answer(request)) + "\n")


if __name__ == "__main__":
    main()
