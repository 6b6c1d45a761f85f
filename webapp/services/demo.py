"""The scene that shows a newcomer buildings: registered and extracted once, however often it is asked for."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from auth.principals import SYSTEM, Principal, Role
from models.user import User
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services import jobs, scenes
from webapp.services.models import recommended_params
from webapp.services.uploads import begin_upload
from webapp.services.views import JobView, SceneView

CHUNK_BYTES = 1 << 20
GOOD_STATES = ("queued", "running", "succeeded")


def first_administrator(resources: Resources) -> Principal:
    """Return the administrator whom the demonstration belongs to. Raises `NotFound`."""
    wanted = select(User.id, User.username).where(User.role == str(Role.ADMIN), User.is_active)
    with resources.database.read(SYSTEM) as session:
        row = session.execute(wanted.order_by(User.id).limit(1)).one_or_none()
    if row is None:
        raise NotFound(kind="administrator", id="yet")
    return Principal(user_id=row.id, username=row.username, role=Role.ADMIN)


def find_demo_scene(resources: Resources, principal: Principal, name: str) -> SceneView | None:
    """Return the scene of this name, if it was registered before."""
    return next((scene for scene in scenes.list_scenes(resources, principal) if scene.name == name), None)


def register_demo_scene(resources: Resources, principal: Principal, path: Path, name: str) -> SceneView:
    """Take in a file as if it had been uploaded. Raises what an upload raises."""
    with begin_upload(resources, principal, name, path.stat().st_size) as upload:
        for chunk in _chunks(path):
            upload.write(chunk)
        received = upload.finish()
    return scenes.register_scene(resources, principal, received)


def demo_job(resources: Resources, principal: Principal, scene: SceneView) -> JobView:
    """Return the scene's job: one that is under way or went well, else a new one."""
    for job in jobs.list_jobs(resources, principal, limit=jobs.LIST_LIMIT_MAX):
        if job.scene_id == scene.id and job.state in GOOD_STATES and job.aoi_geojson is None:
            return job
    return jobs.submit_extraction(resources, principal, scene.id, recommended_params(resources, {}))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
