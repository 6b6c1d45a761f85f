"""Counts and sums over footprints that are kept until something changes.

Every change of a footprint is in the change feed, in the transaction that made it: as long as an owner's newest change
is the same, so is every count of what they may see.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from sqlalchemy.orm import Session

from models.queries.footprint_feed import newest_change_of

MOST_KEPT = 2_000
type Key = tuple[Hashable, ...]
_kept: OrderedDict[Key, Any] = OrderedDict()
_lock = threading.Lock()


def kept_or_counted[T](session: Session, owner_id: int | None, question: Hashable, count: Callable[[], T]) -> T:
    """Return what `count` returns, from memory where nothing has changed since; `question` tells questions apart."""
    key = _key(session, owner_id, question)  # read before counting: a change in between is noticed the next time
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]  # type: ignore[no-any-return]
    found = count()
    with _lock:
        _kept[key] = found
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return found


def kept(session: Session, owner_id: int | None, question: Hashable) -> Any:
    """Return what was counted and still holds; None where nobody has counted it."""
    with _lock:
        return _kept.get(_key(session, owner_id, question))


def _key(session: Session, owner_id: int | None, question: Hashable) -> Key:
    address = session.get_bind().engine.url
    return address, owner_id, question, newest_change_of(session, owner_id)
