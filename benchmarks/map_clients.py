"""People at the map, for `bench map_users`: each asks for the tiles and the figures of a view as the page does.

Arguments: address of the server, folder of the index, file with one access token a line, seconds, pause in seconds,
number of footprints. Prints one line of JSON.
"""

import http.client
import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.map_ours import CENTRES
from processing.rendering.tile_grid import WORLD_SIZE_M, mercator_to_degrees

ACROSS, DOWN = 6, 4
CONNECTIONS = 6
"""What browsers open to one host."""
NEAREST, FARTHEST = 18, 6


@dataclass
class Person:
    """Somebody who pans twice as often as they zoom, starting at some footprint."""

    host: str
    token: str
    random: random.Random
    centres: np.ndarray
    views_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    size_bytes: int = 0
    _own: threading.local = field(default_factory=threading.local)

    def look_around(self, until_s: float, pause_s: float) -> None:
        """Look at one view after the other."""
        zoom = 8
        column, line = self._somewhere(zoom)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            while time.monotonic() < until_s:
                started = time.perf_counter()
                sizes = list(pool.map(self._get, addresses(zoom, column, line)))
                self.views_s.append(time.perf_counter() - started)
                self.size_bytes += sum(sizes)
                time.sleep(self.random.uniform(0.5, 1.5) * pause_s)
                if self.random.random() < 1 / 3:
                    zoom = min(max(zoom + self.random.choice((1, 1, -1)), FARTHEST), NEAREST)
                    column, line = self._somewhere(zoom)
                else:
                    column += self.random.randint(-ACROSS, ACROSS)
                    line += self.random.randint(-DOWN, DOWN)

    def _somewhere(self, zoom: int) -> tuple[int, int]:
        x_m, y_m = self.centres[:, self.random.randrange(self.centres.shape[1])]
        column, line = int((x_m / WORLD_SIZE_M + 0.5) * 2**zoom), int((0.5 - y_m / WORLD_SIZE_M) * 2**zoom)
        return column - ACROSS // 2, line - DOWN // 2

    def _get(self, path: str) -> int:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.errors.append(repr(error))
            self._own.connection = None
            return 0
        if answer.status != 200:
            self.errors.append(f"{answer.status} {path}: {body[:200]!r}")
        return len(body)


def addresses(zoom: int, column: int, line: int) -> list[str]:
    """Return what the page asks for: 24 tiles, and the figures of the view."""
    last = 2**zoom - 1
    tiles = [
        f"/tiles/footprints/{zoom}/{min(max(x, 0), last)}/{min(max(y, 0), last)}.png?v=1"
        for y in range(line, line + DOWN)
        for x in range(column, column + ACROSS)
    ]
    side_m = WORLD_SIZE_M / 2**zoom
    x_m = np.clip((np.array([column, column + ACROSS]) * side_m) - WORLD_SIZE_M / 2, -2.0e7, 2.0e7)
    y_m = np.clip(WORLD_SIZE_M / 2 - np.array([line + DOWN, line]) * side_m, -2.0e7, 2.0e7)
    lon, lat = mercator_to_degrees(x_m, y_m)
    view = ",".join(f"{value:.6f}" for value in (lon[0], lat[0], lon[1], lat[1]))
    return [*tiles, f"/api/v1/buildings/statistics/view?view={view}"]


def main() -> None:
    """Let everybody look around at once."""
    host, folder, tokens, seconds, pause_s = sys.argv[1:6]
    centres = np.load(Path(folder) / CENTRES)
    people = [
        Person(host, token, random.Random(number), centres)
        for number, token in enumerate(Path(tokens).read_text().split())
    ]
    until_s = time.monotonic() + float(seconds)
    threads = [threading.Thread(target=person.look_around, args=(until_s, float(pause_s))) for person in people]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {
        "views_s": [value for person in people for value in person.views_s],
        "errors": [error for person in people for error in person.errors],
        "size_bytes": sum(person.size_bytes for person in people),
        "wall_s": time.perf_counter() - started,
        "own_processor_s": time.process_time(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
