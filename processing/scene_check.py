"""Inspect a scene in a child process with limits and walls."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing.errors import RasterUnreadable
from processing.limited_child import ChildFailed, ChildLimits, Question, limit_this_process, run_limited
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
        found = run_limited(Question("processing.scene_check", request, reads=[path]), CHILD_WALL_S)
    except ChildFailed as error:
        raise RasterUnreadable(name=name, detail=f"Reading it {error}.") from error
    return SceneInfo.from_json(found["scene"])


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """In the child: inspect the scene. Raises what `inspect_scene` raises."""
    limit_this_process(LIMITS)
    budget = SceneBudget(**request["budget"])
    try:
        info = inspect_scene(Path(request["path"]), name=request["name"], budget=budget)
    except MemoryError as error:
        detail = "Reading it needs more memory than a scene may use."
        raise RasterUnreadable(name=request["name"], detail=detail) from error
    return {"scene": info.to_json()}
