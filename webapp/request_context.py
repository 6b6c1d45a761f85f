"""The request that is being answered: its id, where it comes from. Follows the work into threads."""

from contextvars import ContextVar
from dataclasses import dataclass

USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Empty outside of requests: what a worker or a command does."""

    id: str = ""
    address: str = ""
    user_agent: str = ""


_OUTSIDE = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("request", default=_OUTSIDE)


def current_request() -> RequestContext:
    """Return the request that is being answered."""
    return _current.get()


def enter_request(request: RequestContext) -> None:
    """Make a request the current one, for all that the calling task and its threads do."""
    _current.set(request)
