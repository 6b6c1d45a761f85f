"""What an open map page has read last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

    @property
    def origins(self) -> list[str]:
        """The ids that can be chosen, in the order in which they are offered."""
        return [*(self.scenes or {}), *self.imports, *self.states]
