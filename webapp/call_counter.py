"""Counts calls in a window that moves, in the broker, so that several web processes count as one.

The time is the broker's: a web process whose own clock is off would let people call twice as often, or shut them out.
While the broker is away each process counts for itself: a limit too high for a moment is better than no service.
"""

import time
from dataclasses import dataclass, field

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool, Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from webapp.settings import Settings

PAUSE_AFTER_TROUBLE_S = 5.0
"""A broker that does not answer is left alone for this long: no call waits for it meanwhile."""
COUNT_SCRIPT = """
local time = redis.call('TIME')
local now_us, calls, window_us = time[1] * 1000000 + time[2], tonumber(ARGV[1]), ARGV[2] * 1000000
local oldest = redis.call('LINDEX', KEYS[1], -1)
while oldest and tonumber(oldest) <= now_us - window_us do
    redis.call('RPOP', KEYS[1])
    oldest = redis.call('LINDEX', KEYS[1], -1)
end
local made = redis.call('LLEN', KEYS[1])
local allowed = made < calls
if allowed then
    made = redis.call('LPUSH', KEYS[1], string.format('%.0f', now_us))
    redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return {allowed and 1 or 0, made, tonumber(oldest or now_us) + window_us - now_us}
"""
"""The times of the calls that count, newest first. Returns whether this one may be made, how many count, and in how
many microseconds the oldest of them no longer does."""
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
    script: AsyncScript


@dataclass
class CallCounter:
    """One for each process."""

    settings: Settings
    _shared: _Shared | None = None
    _own: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))
    _away_until: float = 0.0

    async def count(self, limit: CallLimit, who: str) -> Verdict:
        """Count a call of somebody, unless it is one too many."""
        shared = await self._shared_script()
        if shared is not None:
            try:
                return await _count_in_broker(shared, limit, who)
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + PAUSE_AFTER_TROUBLE_S
                log.warning("calls_counted_here", error=type(error).__name__)
        return await _count_here(self._own, limit, who)

    async def close(self) -> None:
        """Close the connections to the broker."""
        if self._shared is not None:
            shared, self._shared = self._shared, None
            await shared.connections.aclose()

    async def _shared_script(self) -> AsyncScript | None:
        """Return the counter in the broker. The embedded broker's address is there once it runs, and may change."""
        address = self.settings.broker_address
        if not address or time.monotonic() < self._away_until:
            return None
        if self._shared is None or self._shared.address != address:
            await self.close()
            self._shared = _open(address, self.settings.broker_timeout_s)
        return self._shared.script


def _open(address: str, limit_s: float) -> _Shared:
    connections = ConnectionPool.from_url(address, socket_timeout=limit_s, socket_connect_timeout=limit_s)
    script = Redis(connection_pool=connections).register_script(COUNT_SCRIPT)
    return _Shared(address, connections, script)


async def _count_in_broker(script: AsyncScript, limit: CallLimit, who: str) -> Verdict:
    key = f"calls:{limit.name}:{limit.window_s}:{who}"
    allowed, made, left_us = await script(keys=[key], args=[limit.calls, limit.window_s])
    return Verdict(bool(allowed), max(0, limit.calls - made), max(0.0, left_us / 1e6))


async def _count_here(counter: MovingWindowRateLimiter, limit: CallLimit, who: str) -> Verdict:
    item = RateLimitItemPerSecond(limit.calls, limit.window_s, namespace=f"calls-{limit.name}")
    allowed = await counter.hit(item, who)
    stats = await counter.get_window_stats(item, who)
    return Verdict(allowed, max(0, stats.remaining), max(0.0, stats.reset_time - time.time()))
