"""What comes of an upload that is whole: just what the same file sent in one piece would become, and only once."""

import hashlib
import os
from typing import Any

from auth.principals import SYSTEM, Principal
from models.queries import uploads as queries
from models.upload import UploadPurpose, UploadState
from processing.errors import ProcessingError
from processing.params import ExtractionParams
from webapp.errors import AppError, NotFound
from webapp.http_status import status_of
from webapp.resources import Resources
from webapp.services import imports, jobs, scenes
from webapp.services.imports import ImportOptions
from webapp.services.part_files import PartFile, lock_part, part_path
from webapp.services.resumable_uploads import UploadView, get_upload
from webapp.services.uploads import ReceivedFile, incoming_folder

TOO_MANY = 429


def finish_if_whole(resources: Resources, principal: Principal, upload_id: str) -> UploadView:
    """Make of a whole upload what it is for, unless another process does so just now; return how it stands.

    Raises what checking a scene or an import raises. The upload is then refused for good and its bytes are gone,
    except where trying again may help: a full disk, a database that is down, a quota that is used up.
    """
    view = get_upload(resources, principal, upload_id)
    if not view.is_whole:
        return view
    part = lock_part(part_path(resources, upload_id))
    if part is None:
        return view
    try:
        return finish(resources, principal, upload_id, part)
    finally:
        part.close()


def finish(resources: Resources, principal: Principal, upload_id: str, part: PartFile) -> UploadView:
    """Do it, with the upload's file locked. Raises as `finish_if_whole`."""
    view = get_upload(resources, principal, upload_id)
    if not view.is_whole:
        return view
    try:
        outcome = _made(resources, principal, view, part)
    except (AppError, ProcessingError) as error:
        if status_of(error) < 500 and status_of(error) != TOO_MANY:
            refusal = {"code": error.code, "detail": str(error), "parameters": error.parameters}
            _close(resources, view, UploadState.REFUSED, {"error": refusal, "status": status_of(error)}, part)
        raise
    _close(resources, view, UploadState.FINISHED, outcome, part)
    return get_upload(resources, principal, upload_id)


def _close(resources: Resources, view: UploadView, state: UploadState, outcome: dict[str, Any], part: PartFile) -> None:
    with resources.database.write(SYSTEM) as session:
        queries.change_open(session, view.id, state=str(state), outcome=outcome)
    part.remove()


def _made(resources: Resources, principal: Principal, view: UploadView, part: PartFile) -> dict[str, Any]:
    if view.purpose is UploadPurpose.IMPORT:
        return {"import_id": _import(resources, principal, view, part)}
    scene_id = _scene(resources, principal, view, part)
    if view.purpose is UploadPurpose.SCENE:
        return {"scene_id": scene_id}
    return {"scene_id": scene_id, "job_id": _job(resources, principal, view, scene_id)}


def _scene(resources: Resources, principal: Principal, view: UploadView, part: PartFile) -> str:
    """Register the scene, unless it was and the process died before it could say so."""
    try:
        return scenes.get_scene(resources, principal, view.id).id
    except NotFound:
        received = _received(resources, view, part)
        return scenes.register_scene(resources, principal, received, scene_id=view.id).id


def _job(resources: Resources, principal: Principal, view: UploadView, scene_id: str) -> str:
    """Ask for the extraction, unless that was done and the process died before it could say so."""
    with resources.database.read(principal) as session:
        known = queries.job_of_scene(session, scene_id)
    if known is not None:
        return known
    try:
        params = ExtractionParams.from_json(view.options)
        return jobs.submit_extraction(resources, principal, scene_id, params).id
    except (ProcessingError, AppError):
        # Such as a scene that the weights cannot work on: a refused request leaves nothing.
        scenes.delete_scene(resources, principal, scene_id)
        raise


def _import(resources: Resources, principal: Principal, view: UploadView, part: PartFile) -> str:
    try:
        return imports.get_import(resources, principal, view.id).job.id
    except NotFound:
        received = _received(resources, view, part)
        options = ImportOptions(**view.options)
        return imports.submit_import(resources, principal, received, options, import_id=view.id).job.id


def _received(resources: Resources, view: UploadView, part: PartFile) -> ReceivedFile:
    """Give the bytes a second name, which is moved into the storage; the first stays until all is settled.

    Both are the one file that is locked, so no sweep takes either.
    """
    path = incoming_folder(resources) / f"{view.id}.part"
    path.unlink(missing_ok=True)
    os.link(part.path, path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return ReceivedFile(path, sha256, view.length_bytes, view.name)
