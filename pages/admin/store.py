"""What the administrators' page reads and asks for, through the services, which refuse everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.session import Session
from webapp.services import administration, people
from webapp.services.administration import AuditFilter
from webapp.services.maintenance import CleanupWish

if TYPE_CHECKING:
    from auth.principals import Role
    from webapp.services.administration import AuditView, Dashboard
    from webapp.services.maintenance import Cleaned
    from webapp.services.people import NewPerson, PersonChange, PersonView


@dataclass(frozen=True)
class AdminStore:
    """The services, asked as one administrator. Web processes notice within a second who was shut out."""

    session: Session

    def dashboard(self) -> Dashboard:
        """Return what the installation holds and how its parts are."""
        return administration.dashboard(self.session.resources, self.session.principal)

    def people(self, containing: str, limit: int) -> list[PersonView]:
        """Return accounts whose name or address contains some letters."""
        return people.list_people(self.session.resources, self.session.principal, containing, limit)

    def change(self, user_id: int, change: PersonChange) -> PersonView:
        """Change an account."""
        return people.change_person(self.session.resources, self.session.principal, user_id, change)

    def make_person(self, username: str, email: str, role: Role) -> NewPerson:
        """Make an account; no address is an empty one."""
        return people.make_person(
            self.session.resources, self.session.principal, username, email.strip() or None, role
        )

    def set_new_password(self, user_id: int) -> str:
        """Give an account a made-up password."""
        return people.set_new_password(self.session.resources, self.session.principal, user_id)

    def clean(self, older_than_days: float | None, preview: bool) -> Cleaned:
        """Clear up, or tell what would go."""
        wish = CleanupWish(older_than_days)
        return administration.cleanup(self.session.resources, self.session.principal, wish, preview)

    def audit_log(self, actor_name: str, action: str, limit: int) -> list[AuditView]:
        """Return who did what, newest first."""
        wanted = AuditFilter(actor_name=actor_name.strip().lower(), action=action)
        return administration.audit_log(self.session.resources, self.session.principal, wanted, limit)
