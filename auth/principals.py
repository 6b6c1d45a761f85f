"""Who acts, and what is theirs."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an account may do."""

    USER = "user"
    PREMIUM = "premium"
    ADMIN = "admin"


class Tier(StrEnum):
    """How much an account may use."""

    FREE = "free"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


class Scope(StrEnum):
    """What an API key may do, of what its owner may."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person who has signed in, or a program with one of their API keys.

    `session_id` is empty until a session is opened, and for keys. `key_id` and `scopes` are those of the key.
    """

    user_id: int
    username: str
    role: Role
    session_id: str = ""
    tier: Tier = Tier.FREE
    key_id: str = ""
    scopes: frozenset[Scope] = frozenset(Scope)

    @property
    def is_administrator(self) -> bool:
        """Tell whether all things are theirs to see."""
        return self.role is Role.ADMIN

    @property
    def owner_filter(self) -> int | None:
        """User id that reads are limited to; None: no limit."""
        return None if self.is_administrator else self.user_id


@dataclass(frozen=True, slots=True)
class System:
    """The installation itself: workers, the dispatcher, the indexer, signing in, whoever runs this machine."""


SYSTEM = System()

type Asker = Principal | System
"""For whom a transaction is. The database itself hides from it what is not theirs (`webapp.database`)."""
