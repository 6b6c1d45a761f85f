"""What `bench api` asks for: the same questions in the words of each subject."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import httpx
import numpy as np

from benchmarks.api_data import box_centres
from benchmarks.api_servers import Server

DIFFERENT = 200
LIMIT = 100
LIST_HALF_DEG, VIEW_HALF_DEG = 0.01, 0.25
DEEP_PAGES, DEEP_LIMIT = 5, 10_000
OURS, PLAIN, TIPG = "ours", "plain FastAPI + ORM", "tipg"
type Paths = Callable[[Server], list[str]]


@dataclass(frozen=True)
class Case:
    """A kind of question, and who can be asked how."""

    name: str
    asked: dict[str, Paths]


def cases_of(rows: int) -> list[Case]:
    """Return all kinds of questions about so many footprints."""
    places = box_centres(rows, DIFFERENT)
    boxes, views = _boxes(places, LIST_HALF_DEG), _boxes(places, VIEW_HALF_DEG)
    ids = np.random.default_rng(12).integers(1, rows, DIFFERENT).tolist()
    api, ogc = "/api/v1/buildings", "/ogc/collections/buildings/items"
    peer, theirs = "/buildings", "/collections/public.buildings/items"
    depth = min(DEEP_PAGES * DEEP_LIMIT, rows // 2)

    def listed(path: str, more: str = "") -> Paths:
        return lambda server: [f"{path}?bbox={box}&limit={LIMIT}{more}" for box in boxes]

    def by_id(path: str, more: str = "") -> Paths:
        return lambda server: [f"{path}/{one}{more}" for one in ids]

    def viewed(path: str) -> Paths:
        return lambda server: [f"{path}/statistics/view?view={view}" for view in views]

    def summed(path: str) -> Paths:
        return lambda server: [f"{path}/statistics/overview"]

    def summed_anew(path: str) -> Paths:
        fresh = count()  # the warm-up asks for others than the timing
        return lambda server: [
            f"{path}/statistics/overview?min_confidence={0.4 + next(fresh) * 1e-5:.5f}" for _ in range(5 * DIFFERENT)
        ]

    return [
        Case(f"list: box, {LIMIT} a page", {OURS: listed(api), PLAIN: listed(peer)}),
        Case(
            f"list with the count of all: box, {LIMIT} a page", {OURS: listed(api, "&count=true"), PLAIN: listed(peer)}
        ),
        Case(
            f"list: page {depth // LIMIT} of all",
            {OURS: _deep_cursor(api, depth), PLAIN: lambda server: [f"{peer}?limit={LIMIT}&offset={depth}"]},
        ),
        Case("get by id", {OURS: by_id(api), PLAIN: by_id(peer)}),
        Case("statistics: overview", {OURS: summed(api), PLAIN: summed(peer)}),
        Case("statistics: overview, each asked once", {OURS: summed_anew(api), PLAIN: summed_anew(peer)}),
        Case("statistics: view", {OURS: viewed(api), PLAIN: viewed(peer)}),
        Case(f"OGC items: box, {LIMIT} a page", {OURS: listed(ogc), TIPG: listed(theirs, "&f=geojson")}),
        Case("OGC item by id", {OURS: by_id(ogc), TIPG: by_id(theirs, "?f=geojson")}),
    ]


def _boxes(places: np.ndarray, half_deg: float) -> list[str]:
    sides = np.concatenate([places - half_deg, places + half_deg], axis=1)
    return [",".join(f"{value:.6f}" for value in side) for side in sides]


def _deep_cursor(path: str, depth: int) -> Paths:
    """Walk there in large pages; the cursor serves small ones, too."""

    def walked(server: Server) -> list[str]:
        step, cursor = min(DEEP_LIMIT, depth), ""
        with httpx.Client(base_url=server.url, headers=server.headers, timeout=60) as client:
            for _ in range(depth // step):
                page = client.get(f"{path}?limit={step}{cursor}").raise_for_status().json()
                following = next(link["href"] for link in page["links"] if link["rel"] == "next")
                cursor = "&cursor=" + following.partition("cursor=")[2]
        return [f"{path}?limit={LIMIT}{cursor}"]

    return walked
