"""The footprint indexes beside the database, for maps, counts and exports of millions.

There is one for each person, with what is theirs, and one for administrators, who see all: no tile is ever made from
what its viewer may not see. This module opens them; `index_feeding` fills them.
"""

import threading
from collections import OrderedDict
from pathlib import Path

from auth.principals import Principal
from models.footprint import ReviewState
from models.queries.footprint_feed import versions_after
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.snapshot import Snapshot
from webapp.errors import IndexNotReady
from webapp.resources import Resources

Audience = int | None
"""The person whose footprints an index holds; None: everybody's, for administrators."""

FOLDER = "footprint_index"
RETRY_AFTER_S = 5
REVIEW_CODES = {str(state): code for code, state in enumerate(ReviewState)}
"""States of review as the index keeps them. A new state goes to the end."""
REVIEW_NAMES = {code: state for state, code in REVIEW_CODES.items()}

MOST_OPEN = 16
"""Each holds mapped files, and sums for its filters up to a bound; whose maps were looked at longest ago goes first."""

_opened: OrderedDict[Path, FootprintIndex] = OrderedDict()
_opening = threading.Lock()


def snapshot_for(resources: Resources, principal: Principal) -> Snapshot:
    """Return the newest state of what a person may see. Raises `IndexNotReady`, `FootprintIndexDamaged`."""
    audience = principal.owner_filter
    snapshot = open_index(resources, audience).snapshot()
    if snapshot.position == 0 and _has_footprints(resources, principal):
        raise IndexNotReady(retry_after_s=RETRY_AFTER_S)
    return snapshot


def _has_footprints(resources: Resources, principal: Principal) -> bool:
    """Tell whether there is something to index; nobody makes an index for those who have nothing."""
    with resources.database.read(principal) as session:
        return len(versions_after(session, principal.owner_filter, 0, 1)) > 0


def open_index(resources: Resources, audience: Audience) -> FootprintIndex:
    """Return the index of an audience, which may be empty; the same one for as long as it is used.

    Snapshots and locks do not depend on it, so one that is opened again does no harm, but begins without its sums.
    """
    folder = index_folder(resources, audience)
    with _opening:
        found = _opened.pop(folder, None) or FootprintIndex(folder)
        _opened[folder] = found
        while len(_opened) > MOST_OPEN:
            _opened.popitem(last=False)
        return found


def index_folder(resources: Resources, audience: Audience) -> Path:
    """Return where the index of an audience lies."""
    return resources.settings.data_dir / FOLDER / ("everybody" if audience is None else f"person-{audience}")
