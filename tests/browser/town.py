"""A town made in code: bright roofs on dark ground, whose number and places are known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auth.principals import Principal
from tests.processing.made_scenes import UTM_ORIGIN, paint, write_scene
from webapp.resources import Resources
from webapp.services.scenes import register_scene
from webapp.services.uploads import begin_upload
from webapp.services.views import SceneView

SHAPE_PX = (700, 900)
STEP_PX = 120


@dataclass(frozen=True)
class Town:
    """The file and its roofs, rectangles (x0, y0, x1, y1) in pixels."""

    path: Path
    roofs: list[tuple[int, int, int, int]]


def write_town(path: Path) -> Town:
    """Write a town of roofs on a grid, with sizes that differ."""
    rows, columns = SHAPE_PX
    corners = [(x, y) for y in range(30, rows - 60, STEP_PX) for x in range(30, columns - 60, STEP_PX)]
    roofs = [(x, y, x + 30 + (x // 5) % 25, y + 30 + (y // 7) % 25) for x, y in corners]
    picture = paint(SHAPE_PX, roofs)
    picture = picture + np.random.default_rng(3).integers(0, 10, SHAPE_PX, dtype=np.uint8)
    return Town(write_scene(path, picture, UTM_ORIGIN), roofs)


def upload(resources: Resources, person: Principal, path: Path) -> SceneView:
    """Upload a file through the services."""
    with begin_upload(resources, person, path.name) as begun:
        begun.write(path.read_bytes())
        return register_scene(resources, person, begun.finish())
