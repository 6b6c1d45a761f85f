"""Links with which one file can be downloaded without signing in, for a day at most.

A link says who gives the file away, and is good for as long as they might fetch it themselves: until the file is
deleted, their account is shut out, their password changes, they sign out everywhere else, or the session or API key
that made the link is revoked. Every request asks the database anew.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auth.download_links import DownloadLink, read_link, sign_link
from auth.principals import SYSTEM, Principal, Role
from models.queries import download_links as queries
from models.queries.clock import database_now
from webapp.access_errors import DownloadLinkInvalid
from webapp.errors import NotFound
from webapp.export_errors import ExportFailed
from webapp.resources import Resources
from webapp.services import export_files, files
from webapp.services.audit import Act, note
from webapp.services.export_files import ExportFile
from webapp.services.files import DownloadableFile
from webapp.services.views import to_datetime

LONGEST_MINUTES = 24 * 60


class LinkedKind(StrEnum):
    """What a link may lead to."""

    EXPORT = "export"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was made just now: its address on this server, and when it ends."""

    path: str
    expires_at: datetime


def make_link(
    resources: Resources, principal: Principal, kind: LinkedKind, object_id: str, life_minutes: int
) -> NewLink:
    """Give a file away for some minutes. Raises `NotFound`."""
    _require_it(resources, principal, kind, object_id)
    with resources.database.write(principal) as session:
        made_at = database_now(session)
        link = DownloadLink(
            kind=str(kind),
            object_id=object_id,
            user_id=principal.user_id,
            session_id=principal.session_id,
            key_id=principal.key_id,
            made_at=made_at,
            expires_at=made_at + 60.0 * life_minutes,
        )
        note(session, principal, Act("link.created", str(kind), object_id, {"minutes": life_minutes}))
    signature = sign_link(resources.settings.secret_key_bytes, link)
    return NewLink(f"/api/v1/downloads/{kind}/{object_id}?signature={signature}", to_datetime(link.expires_at))


def linked_export(resources: Resources, export_id: str, signature: str) -> ExportFile:
    """Return the export that a link leads to. Raises `DownloadLinkInvalid`, `ExportNotReady`."""
    giver = _giver(resources, LinkedKind.EXPORT, export_id, signature)
    try:
        return export_files.export_file(resources, giver, export_id)
    except (NotFound, ExportFailed) as error:
        raise DownloadLinkInvalid() from error


def linked_file(resources: Resources, file_id: str, signature: str) -> DownloadableFile:
    """Return the uploaded file that a link leads to. Raises `DownloadLinkInvalid`."""
    giver = _giver(resources, LinkedKind.FILE, file_id, signature)
    try:
        return files.open_file(resources, giver, file_id)
    except NotFound as error:
        raise DownloadLinkInvalid() from error


def _giver(resources: Resources, kind: LinkedKind, object_id: str, signature: str) -> Principal:
    """Return whose link it is, as what they may do now."""
    link = read_link(resources.settings.secret_key_bytes, signature)
    if link is None or (link.kind, link.object_id) != (str(kind), object_id):
        raise DownloadLinkInvalid()
    with resources.database.read(SYSTEM) as session:
        person = queries.giver(session, link.user_id, link.made_at, link.expires_at)
        if link.key_id:
            holds = queries.key_was_not_revoked(session, link.key_id, link.user_id)
        else:
            holds = queries.session_was_not_revoked(session, link.session_id, link.user_id)
    if person is None or not holds:
        raise DownloadLinkInvalid()
    return Principal(link.user_id, person.username, Role(person.role))


def _require_it(resources: Resources, principal: Principal, kind: LinkedKind, object_id: str) -> None:
    if kind is LinkedKind.EXPORT:
        export_files.get_export(resources, principal, object_id)
    else:
        files.open_file(resources, principal, object_id)
