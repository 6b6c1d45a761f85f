"""Follows one job while it runs, and says when something about it has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages import job_text
from pages.background import Background
from pages.map.store import MapStore

if TYPE_CHECKING:
    from webapp.services.views import JobView


@dataclass(frozen=True)
class JobEvents:
    """What is called as a job goes on."""

    changed: Callable[[JobView], None]
    """With each reading."""
    ended: Callable[[JobView], None]
    """Once, when it has reached its last state."""


class JobWatch:
    """At most one job at a time; `tick` is called once a second."""

    def __init__(self, store: MapStore, background: Background, events: JobEvents) -> None:
        self._store = store
        self._background = background
        self._events = events
        self._job: JobView | None = None

    @property
    def job_id(self) -> str | None:
        """The job that is followed."""
        return self._job.id if self._job else None

    def follow(self, job: JobView) -> None:
        """Follow this job from now on, if it is not over."""
        self._job = job if job_text.is_active(job) else None

    def leave(self) -> None:
        """Follow none."""
        self._job = None

    def tick(self) -> None:
        """Read the job again."""
        job_id = self.job_id
        if job_id is not None:
            self._background.run("watch", lambda: self._store.job(job_id), self._seen)

    def _seen(self, job: JobView) -> None:
        before = self._job
        if before is None or before.id != job.id:
            return
        self.follow(job)
        self._events.changed(job)
        if not job_text.is_active(job):
            self._events.ended(job)
