"""All tables, so that `Base.metadata` is complete once this module is imported."""

from models.base import Base
from models.export import Export, ExportPart
from models.footprint import BuildingFootprint
from models.footprint_change import FootprintChange
from models.job import JobMessage, JobPart, OutboxEntry, ProcessingJob, WorkerBeat
from models.scene import Scene, StoredFile
from models.user import LoginSession, User

metadata = Base.metadata

__all__ = [
    "BuildingFootprint",
    "Export",
    "ExportPart",
    "FootprintChange",
    "JobMessage",
    "JobPart",
    "LoginSession",
    "OutboxEntry",
    "ProcessingJob",
    "Scene",
    "StoredFile",
    "User",
    "WorkerBeat",
    "metadata",
]
