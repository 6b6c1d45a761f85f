"""What the jobs page reads and asks for, through the services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.session import Session
from webapp.services import imports, job_retries, jobs, state_jobs, state_planning
from webapp.services.models import recommended_params

if TYPE_CHECKING:
    from webapp.services.state_planning import StateView
    from webapp.services.state_views import PartView
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

    def parts(self, job_id: str) -> list[PartView]:
        """Return the parts of a job of a whole state."""
        return state_jobs.list_parts(self.session.resources, self.session.principal, job_id)

    def states(self) -> list[StateView]:
        """Return the states that the person has imagery of, those with the most first."""
        found = state_planning.list_states(self.session.resources, self.session.principal)
        return sorted((state for state in found if state.scenes), key=lambda state: -state.scenes)

    def start_state(self, code: str) -> JobView:
        """Submit a job over all imagery of a state."""
        resources = self.session.resources
        return state_jobs.submit_state(resources, self.session.principal, code, recommended_params(resources, {}))

    def retry(self, job_id: str) -> JobView:
        """Ask for a job once more."""
        return job_retries.retry_job(self.session.resources, self.session.principal, job_id)

    def cancel(self, job_id: str) -> JobView:
        """Ask for a job to stop."""
        return jobs.cancel_job(self.session.resources, self.session.principal, job_id)
