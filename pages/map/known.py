"""What an open map page has read last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pages import job_text

if TYPE_CHECKING:
    from pages.map.store import Origins
    from webapp.services.views import ImportView, JobView, SceneView


@dataclass
class Known:
    """Scenes, imports, states and jobs by id. `scenes` is None until they were read."""

    scenes: dict[str, SceneView] | None = None
    imports: dict[str, ImportView] = field(default_factory=dict)
    states: dict[str, JobView] = field(default_factory=dict)
    """Jobs of whole states."""
    jobs: dict[str, JobView] = field(default_factory=dict)
    jobs_of: str | None = None
    """The scene, import or state whose jobs these are."""

    def take(self, found: Origins) -> bool:
        """Take what can be chosen from now; tell whether that is something else than before."""
        before = self.scenes, self.imports.keys(), self.states.keys()
        self.scenes = {scene.id: scene for scene in found.scenes}
        self.imports = {one.job.id: one for one in found.imports}
        self.states = {job.id: job for job in found.states}
        return before != (self.scenes, self.imports.keys(), self.states.keys())

    @property
    def origins(self) -> list[str]:
        """The ids that can be chosen, in the order in which they are offered."""
        return [*(self.scenes or {}), *self.imports, *self.states]

    def job_choice(self, *wanted: str | None) -> str | None:
        """Return the first job that is wanted and there; else the newest one with something to show, or any."""
        for job_id in wanted:
            if job_id in self.jobs:
                return job_id
        worth_showing = [job for job in self.jobs.values() if job_text.is_active(job) or job.state == "succeeded"]
        return next((job.id for job in (*worth_showing, *self.jobs.values())), None)
