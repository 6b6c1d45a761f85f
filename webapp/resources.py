"""What a process holds open: settings, database, storage and queue, given to every service as one value."""

from dataclasses import dataclass

from webapp.database import Database, open_database
from webapp.queue import Queue
from webapp.settings import Settings
from webapp.storage import Storage, open_storage


@dataclass(frozen=True)
class Resources:
    """The outside world of the services. One for each process; safe for use by several threads."""

    settings: Settings
    database: Database
    storage: Storage
    queue: Queue

    def close(self) -> None:
        """Close all connections."""
        self.queue.close()
        self.database.close()


def open_resources(settings: Settings) -> Resources:
    """Open everything. The database must have been migrated; nothing is connected before it is used."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Resources(
        settings=settings,
        database=open_database(settings.database_address),
        storage=open_storage(settings.storage_url, settings.data_dir),
        queue=Queue(settings),
    )
