"""Whether this web process can serve: what it needs of the world, and none of what others have to do.

Workers are no part of it. Without them jobs wait, which `/health` tells, but every page and every call still works; and
a load balancer that took all web servers away then would turn a delay into an outage.
"""

import asyncio
from functools import partial

from webapp.database_probe import DatabaseProbe
from webapp.resources import Resources
from webapp.services.health import Health, broker_state, disk_state
from webapp.services.part_watch import PartWatch


class Readiness:
    """Database, broker and disk, watched by one process."""

    def __init__(self, resources: Resources) -> None:
        self._probe = DatabaseProbe(resources.database)
        looks = {
            "database": self._probe.ask,
            "broker": partial(broker_state, resources),
            "disk": partial(disk_state, resources),
        }
        self._parts = {name: PartWatch(f"ready-{name}", look) for name, look in looks.items()}

    async def look(self) -> Health:
        """Return how the parts are. Takes two seconds at most and blocks nothing, whatever hangs."""
        found = await asyncio.gather(*(part.check() for part in self._parts.values()))
        return Health(ok=all(check.ok for check in found), checks=dict(zip(self._parts, found, strict=True)))

    def close(self) -> None:
        """Close the connection to the database."""
        self._probe.close()
