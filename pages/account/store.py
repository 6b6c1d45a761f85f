"""What the account page reads and asks for, through the services."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.session import Session
from webapp.services import api_keys, own_sessions
from webapp.services.profile import ProfileView, own_profile

if TYPE_CHECKING:
    from auth.principals import Scope
    from webapp.services.api_keys import NewKey
    from webapp.services.views import ApiKeyView, SessionView


@dataclass(frozen=True)
class AccountStore:
    """The services, asked as one person. Web processes notice within a second what ends here."""

    session: Session

    def profile(self) -> ProfileView:
        """Return the account with its limits."""
        return own_profile(self.session.resources, self.session.principal)

    def sessions(self) -> list[SessionView]:
        """Return where the person is signed in."""
        return own_sessions.list_sessions(self.session.resources, self.session.principal)

    def end_session(self, session_id: str) -> list[SessionView]:
        """End one session, and return those that are left."""
        own_sessions.revoke_session(self.session.resources, self.session.principal, session_id)
        return self.sessions()

    def end_other_sessions(self) -> list[SessionView]:
        """End all sessions but this one, and return what is left."""
        own_sessions.revoke_other_sessions(self.session.resources, self.session.principal)
        return self.sessions()

    def keys(self) -> list[ApiKeyView]:
        """Return the person's API keys."""
        return api_keys.list_keys(self.session.resources, self.session.principal)

    def make_key(self, name: str, scopes: Collection[Scope], life_days: float | None) -> NewKey:
        """Make an API key."""
        return api_keys.create_key(self.session.resources, self.session.principal, name, scopes, life_days)

    def revoke_key(self, key_id: str) -> list[ApiKeyView]:
        """End an API key, and return those that are left."""
        api_keys.revoke_key(self.session.resources, self.session.principal, key_id)
        return self.keys()
