"""Values that calls are fed with, by the names of the parameters and operations that take them.

A new operation needs a line here only where its parameters have names of their own.
"""

from collections.abc import Callable
from typing import Any

import httpx
from sqlalchemy import delete, select

from auth.principals import SYSTEM, Principal, Scope
from models.api_key import ApiKey
from models.export import Export
from models.mail_token import MailPurpose
from models.upload import ResumableUpload, UploadPurpose
from models.user import LoginSession
from tests.contract.world import FOOTPRINTS_FILE, PASSWORD, World
from tests.support.jobs import add_import, add_scene, info_at, submit
from tests.support.stored import finished_job
from webapp.errors import AppError
from webapp.services import (
    api_keys,
    export_files,
    files,
    footprint_edits,
    footprints,
    jobs,
    resumable_uploads,
    scenes,
    sessions,
    uploads,
)
from webapp.services.download_links import LinkedKind, make_link
from webapp.services.footprints import FootprintQuery
from webapp.services.index_feeding import feed_indexes
from webapp.tasks.exporting import ExportContext, run_export

WORLD_BOX = "-10,-10,30,60"
KEPT_ROWS = 20


class Things:
    """The things of whoever the world is entered as; one that is gone is made anew when it is asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._kept: dict[tuple[int, str], Any] = {}

    def value_of(self, name: str) -> Any:
        """Return a value for a parameter. Raises `KeyError` for a name that nothing is known of."""
        if name in PLAIN:
            return PLAIN[name]
        make, look = MADE[name]
        key = self.world.owner.user_id, name
        if key not in self._kept or not self._is_there(look, self._kept[key]):
            self._kept[key] = make(self)
        return self._kept[key]

    def knows(self, name: str) -> bool:
        """Tell whether there is a value for a parameter of this name."""
        return name in PLAIN or name in MADE

    def _is_there(self, look: Callable[[Any, Principal, Any], Any], value: Any) -> bool:
        try:
            look(self.world.resources, self.world.owner, value)
        except AppError:
            return False
        return True

    def scene(self) -> str:
        """Register a scene, with its pixels."""
        resources, owner = self.world.resources, self.world.owner
        with uploads.begin_upload(resources, owner, "town.tif") as upload:
            upload.write(self.world.scene_path.read_bytes())
            received = upload.finish()
        return scenes.register_scene(resources, owner, received).id

    def job(self) -> str:
        """Return a finished job with footprints, which the map's index knows."""
        found = finished_job(self.world.resources, self.world.owner, 12, self.value_of("scene_id"))
        feed_indexes(self.world.resources)
        return found

    def building(self) -> int:
        """Return a footprint of the job."""
        query = FootprintQuery(job_id=self.value_of("job_id"))
        found = footprints.list_footprints(self.world.resources, self.world.owner, query)["id"]
        if not len(found):
            self._kept.pop((self.world.owner.user_id, "job_id"))
            return self.building()
        return int(found[0])

    def cancelled_job(self) -> str:
        """Return a job that can be retried."""
        job_id = submit(self.world.resources, self.world.owner, self.value_of("scene_id")).id
        jobs.cancel_job(self.world.resources, self.world.owner, job_id)
        return job_id

    def finished_import(self) -> str:
        """Return an import that may be deleted."""
        job_id = add_import(self.world.resources, self.world.owner)
        jobs.cancel_job(self.world.resources, self.world.owner, job_id)
        return job_id

    def export(self) -> str:
        """Return an export with its file."""
        self.write_exports()
        query = FootprintQuery(job_id=self.value_of("job_id"))
        found = export_files.submit_export(self.world.resources, self.world.owner, query, "geojson")
        self.write_exports()
        return found.id

    def write_exports(self) -> None:
        """Do what the worker for exports does, for all that wait."""
        resources = self.world.resources
        with resources.database.read(SYSTEM) as session:
            waiting = session.scalars(select(Export.id).where(Export.state == "queued")).all()
        for export_id in waiting:
            run_export(ExportContext(resources, "contract"), export_id)

    def file(self) -> str:
        """Return the file of the scene."""
        scene_id = self.value_of("scene_id")
        found = files.list_files(self.world.resources, self.world.owner, 500)
        return next(one.id for one in found if one.scene_id == scene_id)

    def spare_file(self) -> str:
        """Return a file that may go."""
        scene_id = add_scene(self.world.resources, self.world.owner)
        found = files.list_files(self.world.resources, self.world.owner, 500)
        return next(one.id for one in found if one.scene_id == scene_id)

    def upload(self) -> str:
        """Begin an upload in pieces, and give up those of calls before."""
        resources, owner = self.world.resources, self.world.owner
        with resources.database.write(SYSTEM) as session:
            session.execute(delete(ResumableUpload).where(ResumableUpload.owner_id == owner.user_id))
        wish = resumable_uploads.UploadWish(UploadPurpose.SCENE, "town.tif", 1000)
        return resumable_uploads.create_upload(resources, owner, wish).id

    def state(self) -> dict[str, Any]:
        """Register imagery of a state; return what asks for the whole of it."""
        add_scene(self.world.resources, self.world.owner, info_at(-78.0, 40.5, -77.9, 40.6))
        return {"state": "PA"}

    def signature(self, kind: LinkedKind) -> str:
        """Make a link to the export or the file, and return what signs it."""
        resources, asker = self.world.resources, self._signed_in()
        made = make_link(resources, asker, kind, self.value_of(f"{kind}_id"), 10)
        return httpx.URL(made.path).params["signature"]

    def session(self) -> str:
        """Sign in somewhere else."""
        return self._signed_in().session_id

    def _signed_in(self) -> Principal:
        resources, owner = self.world.resources, self.world.owner
        found = sessions.principal_of_token(resources, sessions.issue_tokens(resources, owner).access_token)
        assert found is not None
        return found

    def key(self) -> str:
        """Make an API key, and forget those of calls before."""
        resources, owner = self.world.resources, self.world.owner
        with resources.database.write(SYSTEM) as session:
            session.execute(delete(ApiKey).where(ApiKey.user_id == owner.user_id))
        return api_keys.create_key(resources, owner, "pipeline", {Scope.READ, Scope.WRITE}).view.id

    def refresh_token(self) -> str:
        """Sign in somewhere else, and forget most of where else one is signed in."""
        resources, owner = self.world.resources, self.world.owner
        pair = sessions.issue_tokens(resources, owner)
        own = select(LoginSession.id).where(LoginSession.user_id == owner.user_id)
        with resources.database.write(SYSTEM) as session:
            old = session.scalars(own.order_by(LoginSession.created_at.desc()).offset(KEPT_ROWS)).all()
            session.execute(delete(LoginSession).where(LoginSession.id.in_(old)))
        return pair.refresh_token


def _anew(resources: Any, principal: Principal, value: Any) -> None:
    """Say that it is gone: such a value works once."""
    raise AppError()


def _own_session(resources: Any, principal: Principal, session_id: str) -> None:
    with resources.database.read(SYSTEM) as session:
        if session.get(LoginSession, session_id) is None:
            raise AppError()


def _own_key(resources: Any, principal: Principal, key_id: str) -> None:
    if key_id not in {one.id for one in api_keys.list_keys(resources, principal)}:
        raise AppError()


def _file(resources: Any, principal: Principal, file_id: str) -> None:
    files.open_file(resources, principal, file_id)


Look = Callable[[Any, Principal, Any], Any]
MADE: dict[str, tuple[Callable[[Things], Any], Look]] = {
    "scene_id": (Things.scene, scenes.get_scene),
    "job_id": (Things.job, jobs.get_job),
    "task_id": (lambda things: things.value_of("job_id"), jobs.get_job),
    "building_id": (Things.building, footprint_edits.get_footprint),
    "import_id": (Things.finished_import, jobs.get_job),
    "export_id": (Things.export, export_files.get_export),
    "file_id": (Things.file, _file),
    "session_id": (Things.session, _own_session),
    "key_id": (Things.key, _own_key),
    "user_id": (lambda things: things.world.new_person().user_id, _anew),
    "refresh_token": (Things.refresh_token, _anew),
    "retry_job.job_id": (Things.cancelled_job, jobs.get_job),
    "cancel_job.job_id": (lambda things: submit(things.world.resources, things.world.owner).id, _anew),
    "delete_scene.scene_id": (lambda things: add_scene(things.world.resources, things.world.owner), _anew),
    "delete_file.file_id": (Things.spare_file, _anew),
    "delete_job.job_id": (lambda things: finished_job(things.world.resources, things.world.owner, 1), _anew),
    "upload_id": (Things.upload, resumable_uploads.get_upload),
    "add_piece.upload_id": (Things.upload, _anew),
    "delete_upload.upload_id": (Things.upload, _anew),
    "download_linked_export.signature": (lambda things: things.signature(LinkedKind.EXPORT), _anew),
    "download_linked_file.signature": (lambda things: things.signature(LinkedKind.FILE), _anew),
    "collection_id": (lambda things: f"job-{things.value_of('job_id')}", _anew),
    "feature_id": (Things.building, footprint_edits.get_footprint),
}
PLAIN: dict[str, Any] = {
    "z": 3,
    "x": 4,
    "y": 2,
    "get_model.name": "default",
    "bbox": WORLD_BOX,
    "view": WORLD_BOX,
    "region": "POLYGON ((-10 -10, 30 -10, 30 60, -10 60, -10 -10))",
    "sort": "-area_m2",
    "review": "unreviewed",
    "created_from": "2020-01-01T00:00:00Z",
    "created_to": "2040-01-01T00:00:00Z",
}


def _login(things: Things) -> dict[str, Any]:
    things.world.restore(things.world.owner)
    return {"username": things.world.owner.username, "password": PASSWORD}


def _new_password(things: Things) -> dict[str, Any]:
    things.world.restore(things.world.owner)
    return {"current_password": PASSWORD, "new_password": PASSWORD + "!"}


def _wish(things: Things) -> dict[str, Any]:
    name = things.world.new_name()
    return {"username": name, "email": f"{name}@contract.example", "password": PASSWORD}


def _key(things: Things) -> dict[str, Any]:
    things.key()
    return {"name": "made by a call", "scopes": ["read"]}


def _export(things: Things) -> dict[str, Any]:
    things.write_exports()
    return {"job_id": things.value_of("job_id"), "format": "csv"}


BODIES: dict[str, Callable[[Things], Any]] = {
    "login": _login,
    "change_password": _new_password,
    "register": _wish,
    "confirm_registration": lambda things: {"token": things.world.mail_token(MailPurpose.REGISTER)},
    "reset_password": lambda things: {
        "token": things.world.mail_token(MailPurpose.RESET),
        "new_password": PASSWORD,
    },
    "request_password_reset": lambda things: {"email": f"{things.world.owner.username}@contract.example"},
    "generate_api_key": _key,
    "extract_buildings": lambda things: {"scene_id": things.value_of("scene_id"), "parameters": {"window_px": 256}},
    "create_export": _export,
    "process_state": Things.state,
    "update_building": lambda things: {"review_state": "accepted"},
    "create_user": lambda things: {"username": things.world.new_name()},
    "change_user": lambda things: {"tier": "premium"},
}
"""Whole bodies that are accepted, where no schema can say what that takes."""
UPLOADS: dict[str, Callable[[Things], dict[str, Any]]] = {
    "upload_image": lambda things: {"files": {"file": ("town.tif", things.world.scene_path.read_bytes())}},
    "upload_scene": lambda things: {"data": things.world.scene_path.read_bytes()},
    "create_upload": lambda things: {"data": b""},
    "add_piece": lambda things: {"data": b"a piece"},
    "create_import": lambda things: {"files": {"file": ("towns.geojson", FOOTPRINTS_FILE)}},
}
"""Files that are accepted, as arguments of `requests`."""
QUERIES = {
    "export_buildings": {"job_id": ""},
    "download_linked_export": {"signature": ""},
    "download_linked_file": {"signature": ""},
}
"""Optional parameters of which one has to be there; their values come from the things."""
TUS = {"Tus-Resumable": "1.0.0"}
HEADERS = {
    "update_building": {"If-Match": "*"},
    "delete_building": {"If-Match": "*"},
    "create_upload": TUS | {"Upload-Length": "1000", "Upload-Metadata": "filename dG93bi50aWY="},
    "add_piece": TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    "delete_upload": TUS,
}
