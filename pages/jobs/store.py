"""What the jobs page reads and asks for, through the services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.session import Session
from webapp.services import imports, jobs

if TYPE_CHECKING:
    from webapp.services.views import ImportView, JobView, MessageView


@dataclass(frozen=True)
class JobsStore:
    """The services, asked as one person."""

    session: Session

    def jobs(self, limit: int) -> list[JobView]:
        """Return the newest jobs, newest first."""
        return jobs.list_jobs(self.session.resources, self.session.principal, limit=limit)

    def log(self, job_id: str) -> list[MessageView]:
        """Return the lines of a job's log, oldest first."""
        return jobs.job_messages(self.session.resources, self.session.principal, job_id)

    def report(self, job_id: str) -> ImportView:
        """Return an import with its report."""
        return imports.get_import(self.session.resources, self.session.principal, job_id)

    def cancel(self, job_id: str) -> JobView:
        """Ask for a job to stop."""
        return jobs.cancel_job(self.session.resources, self.session.principal, job_id)
