"""Keeps a fork from falling into a use of the database.

SQLite notes in memory which locks its process holds. A child that is forked while a thread of its parent holds the
write lock inherits that note, though not the lock: it could never write again, and every job it took would fail with
`DatabaseBusy`. See "How To Corrupt An SQLite Database File", 2.6: never carry an open connection across a fork.
"""

import os
from collections.abc import Callable
from threading import Lock

from webapp.resources import Resources, open_resources
from webapp.settings import Settings

unforked = Lock()
"""Held by a thread that uses the database in a process that forks; a fork waits for it."""

os.register_at_fork(before=unforked.acquire, after_in_parent=unforked.release, after_in_child=unforked.release)


def use_unforked[T](settings: Settings, use: Callable[[Resources], T]) -> T:
    """Open connections for one use only, during which no child can be forked: it must inherit none."""
    with unforked:
        resources = open_resources(settings)
        try:
            return use(resources)
        finally:
            resources.close()
