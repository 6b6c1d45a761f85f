"""What the upload page reads and asks for, through the services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.session import Session
from processing.params import ExtractionParams
from processing.regularization.parameters import RegularizationParams
from webapp.services import jobs, scenes

if TYPE_CHECKING:
    from webapp.services.views import JobView, SceneView

AS_DETECTED = "as_detected"


@dataclass(frozen=True)
class UploadStore:
    """The services, asked as one person."""

    session: Session

    def scenes(self) -> list[SceneView]:
        """Return the person's scenes, newest first."""
        return scenes.list_scenes(self.session.resources, self.session.principal)

    def scene(self, scene_id: str) -> SceneView:
        """Return one scene."""
        return scenes.get_scene(self.session.resources, self.session.principal, scene_id)

    def delete(self, scene_id: str) -> list[SceneView]:
        """Remove a scene with all that came of it, and return those that are left."""
        scenes.delete_scene(self.session.resources, self.session.principal, scene_id)
        return self.scenes()

    def extract(self, scene_id: str, outlines: str) -> JobView:
        """Submit an extraction of the whole scene; `outlines` is a method of regularization, or `AS_DETECTED`."""
        return jobs.submit_extraction(
            self.session.resources, self.session.principal, scene_id, params_of(outlines)
        )


def params_of(outlines: str) -> ExtractionParams:
    """Return the parameters for a choice of outlines."""
    if outlines == AS_DETECTED:
        return ExtractionParams(regularize=False)
    return ExtractionParams(regularization=RegularizationParams(method=outlines))
