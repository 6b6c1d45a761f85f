"""Counts calls in a window that moves, in the broker, so that several web processes count as one.

While the broker is away each process counts for itself: a limit too high for a moment is better than no service.
"""

import time
from dataclasses import dataclass, field

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from webapp.settings import Settings

PAUSE_AFTER_TROUBLE_S = 5.0
"""A broker that does not answer is left alone for this long: no call waits for it meanwhile."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallLimit:
    """So many calls within any stretch of time of this length."""

    name: str
    calls: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may be made; how many more now; when the oldest one no longer counts."""

    allowed: bool
    remaining: int
    reset_s: float


@dataclass(frozen=True, slots=True)
class _Shared:
    """The counter in one broker, and the connections to it."""

    address: str
    connections: ConnectionPool
    limiter: MovingWindowRateLimiter


@dataclass
class CallCounter:
    """One for each process."""

    settings: Settings
    _shared: _Shared | None = None
    _own: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))
    _away_until: float = 0.0

    async def count(self, limit: CallLimit, who: str) -> Verdict:
        """Count a call of somebody, unless it is one too many."""
        item = RateLimitItemPerSecond(limit.calls, limit.window_s, namespace=f"calls-{limit.name}")
        shared = await self._shared_limiter()
        if shared is not None:
            try:
                return await _count(shared, item, who)
            except (StorageError, OSError) as error:
                self._away_until = time.monotonic() + PAUSE_AFTER_TROUBLE_S
                log.warning("calls_counted_here", error=type(error).__name__)
        return await _count(self._own, item, who)

    async def close(self) -> None:
        """Close the connections to the broker."""
        if self._shared is not None:
            shared, self._shared = self._shared, None
            await shared.connections.aclose()

    async def _shared_limiter(self) -> MovingWindowRateLimiter | None:
        """Return the counter in the broker. The embedded broker's address is there once it runs, and may change."""
        address = self.settings.broker_address
        if not address or time.monotonic() < self._away_until:
            return None
        if self._shared is None or self._shared.address != address:
            await self.close()
            self._shared = _open(address, self.settings.broker_timeout_s)
        return self._shared.limiter


def _open(address: str, limit_s: float) -> _Shared:
    connections = ConnectionPool.from_url(address, socket_timeout=limit_s, socket_connect_timeout=limit_s)
    storage = RedisStorage(
        f"async+{address}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="limits",
        connection_pool=connections,  # type: ignore[arg-type]
    )
    return _Shared(address, connections, MovingWindowRateLimiter(storage))


async def _count(counter: MovingWindowRateLimiter, item: RateLimitItem, who: str) -> Verdict:
    allowed = await counter.hit(item, who)
    stats = await counter.get_window_stats(item, who)
    return Verdict(allowed, max(0, stats.remaining), max(0.0, stats.reset_time - time.time()))
