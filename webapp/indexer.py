"""The indexer: `python -m webapp.indexer`. It feeds the footprint indexes of this machine from the database.

Each machine with a web server runs one; several on one data folder do no harm.
"""

import math
import time
from dataclasses import dataclass, field
from threading import Event

import structlog

from auth.principals import SYSTEM
from models.queries.footprint_feed import changed_owners, newest_change
from processing.footprint_index import warm_up as index_loops
from processing.regularization import warm_up as outline_loops
from webapp.errors import AppError
from webapp.resources import Resources
from webapp.services.footprint_index import Audience
from webapp.services.index_feeding import audiences, feed_indexes, is_built, tidy_index
from webapp.standing_process import standing_process

LOOK_EVERY_S = 0.25
FEED_ALL_EVERY_S = 30.0
"""Also where no change is seen: an index may have been damaged or deleted."""
PAUSE_AFTER_TROUBLE_S = 5.0
log = structlog.get_logger(__name__)


@dataclass
class Indexer:
    """Looks for changes, feeds them, and merges small pieces while there are none."""

    resources: Resources
    seen: int = 0
    fed_at: float = field(default=-math.inf)
    untidy: set[Audience] = field(default_factory=set)
    """Whose index may have small pieces to merge: all at the start, then those that changed."""

    def turn(self) -> None:
        """Do what is due now."""
        everybody = audiences(self.resources)
        with self.resources.database.read(SYSTEM) as session:
            newest = newest_change(session)
            changed = changed_owners(session, self.seen) if newest > self.seen else []
        if time.monotonic() - self.fed_at > FEED_ALL_EVERY_S:
            self.untidy.update(everybody if self.fed_at < 0 else ())
            due, self.fed_at = everybody, time.monotonic()
        else:
            touched = {None, *changed} if changed else set()
            due = [one for one in everybody if one in touched or not is_built(self.resources, one)]
        if due:
            self.untidy.update(feed_indexes(self.resources, due))
        elif self.untidy:
            self._tidy(next(iter(self.untidy)))
        self.seen = newest

    def _tidy(self, audience: Audience) -> None:
        """Merge small pieces of one index; the next look for changes comes before the next merge."""
        if not tidy_index(self.resources, audience):
            self.untidy.discard(audience)


def run_indexer(resources: Resources, ended: Event) -> None:
    """Keep the indexes up to date until `ended` is set. What fails is logged and tried again."""
    indexer = Indexer(resources)
    while not ended.is_set():
        pause_s = LOOK_EVERY_S
        try:
            indexer.turn()
        except AppError as error:
            log.warning("indexing_postponed", code=error.code)
            pause_s = PAUSE_AFTER_TROUBLE_S
        except Exception:
            log.exception("indexing_failed")
            pause_s = PAUSE_AFTER_TROUBLE_S
        ended.wait(pause_s)


def _compile_loops() -> None:
    """Compile what the first map and the first job after an installation or an update would wait for."""
    started = time.monotonic()
    for loops in (index_loops, outline_loops):
        loops.compile_loops()
    log.info("loops_compiled", seconds=round(time.monotonic() - started, 1))


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    with standing_process("indexer") as (resources, ended):
        _compile_loops()
        run_indexer(resources, ended)


if __name__ == "__main__":
    main()
