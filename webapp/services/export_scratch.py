"""Folders in which exports are written before they are whole. A worker that is killed leaves one; here they go."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from auth.principals import SYSTEM
from models.export import Export
from models.queries.exports import RUNNING
from webapp.resources import Resources
from webapp.services.export_leases import ExportClaim

PREFIX = "export-"


@contextmanager
def scratch_of(resources: Resources, claim: ExportClaim) -> Iterator[Path]:
    """Give a folder of its own to an attempt; what earlier attempts left on this machine is removed."""
    parent = _parent(resources)
    for left in parent.glob(f"{PREFIX}{claim.export_id}.*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = parent / f"{PREFIX}{claim.export_id}.{claim.lease_epoch}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch(resources: Resources) -> int:
    """Remove the folders of attempts that hold no lease any more; return how many."""
    removed = 0
    for folder in list(_parent(resources).glob(f"{PREFIX}*")):
        export_id, _, epoch = folder.name.removeprefix(PREFIX).rpartition(".")
        if not epoch.isdecimal() or _is_held(resources, export_id, int(epoch)):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        removed += 1
    return removed


def _parent(resources: Resources) -> Path:
    return resources.settings.data_dir / "scratch"


def _is_held(resources: Resources, export_id: str, epoch: int) -> bool:
    held = (Export.id == export_id, Export.lease_epoch == epoch, Export.state == RUNNING)
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(Export.id).where(*held)) is not None
