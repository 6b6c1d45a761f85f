"""All tables, so that `Base.metadata` is complete once this module is imported."""

from models.api_key import ApiKey
from models.audit import AuditEntry
from models.base import Base
from models.export import Export, ExportPart
from models.footprint import BuildingFootprint
from models.footprint_change import FootprintChange
from models.idempotency import IdempotencyKey
from models.job import JobMessage, JobPart, OutboxEntry, ProcessingJob, WorkerBeat
from models.mail_token import MailToken
from models.oidc_identity import OidcIdentity
from models.quota import QuotaUse
from models.scene import Scene, StoredFile
from models.upload import ResumableUpload
from models.user import LoginSession, User

metadata = Base.metadata

__all__ = [
    "ApiKey",
    "AuditEntry",
    "BuildingFootprint",
    "Export",
    "ExportPart",
    "FootprintChange",
    "IdempotencyKey",
    "JobMessage",
    "JobPart",
    "LoginSession",
    "MailToken",
    "OidcIdentity",
    "OutboxEntry",
    "ProcessingJob",
    "QuotaUse",
    "ResumableUpload",
    "Scene",
    "StoredFile",
    "User",
    "WorkerBeat",
    "metadata",
]
