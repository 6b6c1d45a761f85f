"""Who acts, and what is theirs."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an account may do."""

    USER = "user"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person who has signed in. `session_id` is empty until a session is opened."""

    user_id: int
    username: str
    role: Role
    session_id: str = ""

    @property
    def is_administrator(self) -> bool:
        """Tell whether all things are theirs to see."""
        return self.role is Role.ADMINISTRATOR

    @property
    def owner_filter(self) -> int | None:
        """User id that reads are limited to; None: no limit."""
        return None if self.is_administrator else self.user_id

    def may_see(self, owner_id: int) -> bool:
        """Tell whether something of this owner exists for them."""
        return self.is_administrator or owner_id == self.user_id
