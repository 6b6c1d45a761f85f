"""What the installation does, in numbers: for monitoring, which asks often and must cost next to nothing."""

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from auth.principals import SYSTEM
from models.export import ExportState
from models.job import JobKind
from models.job_states import JobState
from models.queries import figures as queries
from processing.errors import FootprintIndexDamaged
from processing.footprint_index.manifest import FILE_NAME, read_manifest
from webapp.errors import AppError, BrokerUnavailable
from webapp.queue import EXPORT_QUEUE, QUEUE_NAME
from webapp.resources import Resources
from webapp.services.footprint_index import index_folder
from webapp.services.health import BEATS_MISSED

QUEUES = (QUEUE_NAME, EXPORT_QUEUE)
NO_JOBS: queries.JobCounts = {(str(kind), str(state)): 0 for kind in JobKind for state in JobState}
ENDED_KEPT_S = 60.0
"""To count 100,000 ended jobs takes a tenth of a second, and they change slowly."""


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """What the database knows."""

    jobs: dict[tuple[str, str], int]
    """By kind and state, the ends included."""
    oldest_queued_age_s: float
    unsent_messages: int
    exports: dict[str, int]
    workers: dict[str, int]
    """Seen lately, by the queue that they take."""


@dataclass(frozen=True, slots=True)
class InstallationFigures:
    """None: whoever knows does not answer."""

    stored: StoredFigures | None
    waiting: dict[str, int] | None
    """Messages that no worker has taken yet, by queue."""
    buildings_indexed: int | None
    free_disk_bytes: int


class InstallationWatch:
    """Looks the figures up. For use by one thread at a time."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._ended: queries.JobCounts = {}
        self._ended_until = 0.0

    def figures(self, working: Collection[str]) -> InstallationFigures:
        """Return the figures. Of database and broker only those are asked that are among `working`."""
        return InstallationFigures(
            stored=self._stored() if "database" in working else None,
            waiting=_waiting(self._resources) if "broker" in working else None,
            buildings_indexed=_buildings_indexed(self._resources),
            free_disk_bytes=shutil.disk_usage(self._resources.settings.data_dir).free,
        )

    def _stored(self) -> StoredFigures | None:
        resources = self._resources
        try:
            with resources.database.read(SYSTEM) as session:
                seen = queries.queues_of_workers(session, resources.settings.heartbeat_s * BEATS_MISSED)
                return StoredFigures(
                    jobs=NO_JOBS | self._ended_jobs(session) | queries.open_jobs(session),
                    oldest_queued_age_s=queries.oldest_queued_age_s(session),
                    unsent_messages=queries.unsent_messages(session),
                    exports=dict.fromkeys(map(str, ExportState), 0) | queries.exports_by_state(session),
                    workers={queue: sum(queue in queues for queues in seen) for queue in QUEUES},
                )
        except AppError:
            return None

    def _ended_jobs(self, session: Session) -> queries.JobCounts:
        if time.monotonic() >= self._ended_until:
            self._ended = queries.ended_jobs(session)
            self._ended_until = time.monotonic() + ENDED_KEPT_S
        return self._ended


def _waiting(resources: Resources) -> dict[str, int] | None:
    try:
        return {queue: resources.queue.waiting(queue) for queue in QUEUES}
    except BrokerUnavailable:
        return None


def _buildings_indexed(resources: Resources) -> int | None:
    """Return the count that the index of everybody's footprints keeps; None where there is none yet."""
    folder = index_folder(resources, None)
    try:
        return read_manifest(folder).checksum.count if (folder / FILE_NAME).is_file() else None
    except FootprintIndexDamaged:
        return None
