"""Inspect a scene in a child process with limits: `python -m processing.scene_check` is the child."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing.errors import RasterUnreadable
from processing.limited_child import ChildFailed, ChildLimits, answer_once, limit_this_process, run_limited
from processing.raster_file import SceneBudget
from processing.scene import SceneInfo, inspect_scene

LIMITS = ChildLimits(memory_bytes=4 * 2**30, cpu_s=120, written_bytes=0)
CHILD_WALL_S = 180


def check_scene(path: Path, *, name: str, budget: SceneBudget) -> SceneInfo:
    """Return what `inspect_scene` finds, computed in a child with memory and time limits.

    Raises what `inspect_scene` raises; a child that dies or hangs means that the file cannot be read.
    """
    request = {"path": str(path.resolve()), "name": name, "budget": asdict(budget)}
    try:
        answer = run_limited("processing.scene_check", request, CHILD_WALL_S)
    except ChildFailed as error:
        raise RasterUnreadable(name=name, detail=f"Reading it {error}.") from error
    return SceneInfo.from_json(answer["scene"])


def _check(request: dict[str, Any]) -> dict[str, Any]:
    budget = SceneBudget(**request["budget"])
    try:
        info = inspect_scene(Path(request["path"]), name=request["name"], budget=budget)
    except MemoryError as error:
        detail = "Reading it needs more memory than a scene may use."
        raise RasterUnreadable(name=request["name"], detail=detail) from error
    return {"scene": info.to_json()}


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.read())
    limit_this_process(LIMITS)
    answer_once(request, _check)


if __name__ == "__main__":
    main()
