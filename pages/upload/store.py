"""What the upload page reads and asks for, through the services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.session import Session
from webapp.services import imports, jobs, scenes
from webapp.services.models import recommended_params

if TYPE_CHECKING:
    from webapp.services.views import ImportView, JobView, SceneView

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

    def imports(self) -> list[ImportView]:
        """Return the person's imports, newest first."""
        return imports.list_imports(self.session.resources, self.session.principal)

    def found_import(self, import_id: str) -> ImportView:
        """Return one import."""
        return imports.get_import(self.session.resources, self.session.principal, import_id)

    def delete_import(self, import_id: str) -> list[ImportView]:
        """Remove an import with its footprints, and return those that are left."""
        imports.delete_import(self.session.resources, self.session.principal, import_id)
        return self.imports()

    def extract(self, scene_id: str, outlines: str) -> JobView:
        """Submit an extraction of the whole scene; `outlines` is a method of regularization, or `AS_DETECTED`."""
        resources = self.session.resources
        params = recommended_params(resources, values_of(outlines))
        return jobs.submit_extraction(resources, self.session.principal, scene_id, params)


def values_of(outlines: str) -> dict[str, object]:
    """Return the parameters that a choice of outlines sets."""
    return {"regularize": False} if outlines == AS_DETECTED else {"regularization": {"method": outlines}}
