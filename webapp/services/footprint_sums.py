"""Counts and sums over footprints that are kept until something changes.

Every change of a footprint is in the change feed, in the transaction that made it: as long as an owner's newest change
is the same, so is every count of what they may see.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool

from auth.principals import Principal
from models.queries.footprint_feed import newest_change_of

MOST_KEPT = 2_000
type Key = tuple[Hashable, ...]
type Sums = OrderedDict[Key, Any]
_of_databases: WeakKeyDictionary[Pool, Sums] = WeakKeyDictionary()
"""By the connections of an open database: what was counted goes when it is closed."""
_lock = threading.Lock()


def kept_or_counted[T](session: Session, asker: Principal, question: Hashable, count: Callable[[], T]) -> T:
    """Return what `count` returns, from memory where nothing has changed since; `question` tells questions apart."""
    key = _key(session, asker, question)  # read before counting: a change in between is noticed the next time
    with _lock:
        sums = _sums_of(session)
        if key in sums:
            sums.move_to_end(key)
            return sums[key]  # type: ignore[no-any-return]
    found = count()
    with _lock:
        sums[key] = found
        while len(sums) > MOST_KEPT:
            sums.popitem(last=False)
    return found


def kept(session: Session, asker: Principal, question: Hashable) -> Any:
    """Return what was counted and still holds; None where nobody has counted it."""
    key = _key(session, asker, question)
    with _lock:
        return _sums_of(session).get(key)


def _sums_of(session: Session) -> Sums:
    return _of_databases.setdefault(session.get_bind().engine.pool, OrderedDict())


def _key(session: Session, asker: Principal, question: Hashable) -> Key:
    """Who asks is part of it, whatever the question is limited to: nobody gets what was counted for another."""
    who = (asker.user_id, asker.is_administrator)
    return who, question, newest_change_of(session, asker.owner_filter)
