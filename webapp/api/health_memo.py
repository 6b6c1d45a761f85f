"""The state of health, looked up at most once a second: anybody may ask, and a look may take seconds."""

import threading
import time

from webapp.resources import Resources
from webapp.services.health import Health, check_health

KEPT_S = 1.0


class HealthMemo:
    """Those who ask while somebody looks get the same answer."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._lock = threading.Lock()
        self._found: Health | None = None
        self._looked_at = 0.0

    def health(self) -> Health:
        """Return how it is, or was less than a second ago."""
        with self._lock:
            if self._found is None or time.monotonic() - self._looked_at > KEPT_S:
                self._found = check_health(self._resources)
                self._looked_at = time.monotonic()
            return self._found
