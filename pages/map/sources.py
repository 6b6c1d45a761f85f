"""Where footprints come from, as a choice: whole scenes, single extractions of a scene, imported files, states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages import job_text

if TYPE_CHECKING:
    from webapp.services.views import JobView, SceneView


@dataclass(frozen=True)
class Source:
    """`key`: `scene:ID` or `job:ID`."""

    key: str
    label: str

    @property
    def is_scene(self) -> bool:
        """Whether it is a scene, with all that was extracted from it."""
        return self.key.startswith("scene:")

    @property
    def short_id(self) -> str:
        """Enough of the id to tell it from others."""
        return self.key.partition(":")[2][:4]


def sources_of(
    pairs: Iterable[tuple[str, str]], scenes: Iterable[SceneView], jobs: Iterable[JobView]
) -> list[Source]:
    """Return the choices, given the (job, scene) that there are footprints of; a scene may be empty or None.

    A scene comes before its extractions, which are only offered where it has several. What is neither among the scenes
    nor among the jobs is gone, or so old that it is not offered.
    """
    held = {job_id for job_id, _ in pairs}
    by_scene: dict[str | None, list[JobView]] = {}
    for job in jobs:
        if job.id in held or (job.is_state and job.footprint_count):
            by_scene.setdefault(job.scene_id or None, []).append(job)
    held_scenes = {scene_id for _, scene_id in pairs}
    found = []
    for scene in scenes:
        own = by_scene.get(scene.id, [])
        if scene.id in held_scenes:
            found.append(Source(f"scene:{scene.id}", scene.name))
        if len(own) > 1:
            found += [Source(f"job:{job.id}", f"{scene.name} · {job_text.choice_label(job)}") for job in own]
    found += [Source(f"job:{job.id}", job.source) for job in by_scene.get(None, [])]
    return found


def unlike(found: list[Source]) -> dict[str, str]:
    """Return the keys by label; what has the same label is told apart by its id."""
    labels = [source.label for source in found]
    return {
        source.label if labels.count(source.label) == 1 else f"{source.label} ({source.short_id})": source.key
        for source in found
    }
