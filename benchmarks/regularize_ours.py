"""Our regularization of a whole plane of polygons: fitting on two threads, then the neighbours."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely

from benchmarks.regularize_data import as_array
from processing.regularization.alignment import align
from processing.regularization.parameters import RegularizationParams
from processing.regularization.parting import part
from processing.regularization.regularize import Regularized, regularize

THREADS = 2
CHUNK = 5000


@dataclass(frozen=True)
class Outcome:
    """outlines: (N,), None where nothing is left. seconds and processor seconds of fitting, and of both steps."""

    outlines: np.ndarray
    fit_s: tuple[float, float]
    all_s: tuple[float, float]


def run_ours(seen: np.ndarray, scores: np.ndarray) -> Outcome:
    """Regularize polygons (N,) in working pixels; where two claim the same ground the higher score keeps it."""
    params = RegularizationParams()
    regularize(seen[:1], 1.0, params)  # compiling is not what is measured; it happens once for each machine
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    chunks = [seen[at : at + CHUNK] for at in range(0, len(seen), CHUNK)]
    with ThreadPoolExecutor(THREADS) as pool:
        fitted = [one for many in pool.map(lambda chunk: regularize(chunk, 1.0, params), chunks) for one in many]
    fit_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    outlines = _settle(fitted, seen, scores, params)
    return Outcome(outlines, fit_s, (time.perf_counter() - started_s, time.process_time() - started_cpu_s))


def _settle(
    fitted: list[Regularized], seen: np.ndarray, scores: np.ndarray, params: RegularizationParams
) -> np.ndarray:
    rank = np.argsort(np.argsort(scores, kind="stable"))
    higher = _higher([one.outline for one in fitted], rank, params.snap_px)
    aligned = align(fitted, seen, [[fitted[other] for other in group] for group in higher], 1.0, params)
    higher = _higher([one.outline for one in aligned], rank, 0.0)
    final = part(aligned, seen, [[aligned[other].outline for other in group] for group in higher])
    return as_array([None if one is None else one.outline for one in final])


def _higher(outlines: list, rank: np.ndarray, distance_px: float) -> list[list[int]]:
    """Return for each polygon the neighbours of higher rank whose rectangles are so near, the highest first."""
    bounds = shapely.bounds(as_array(outlines))
    around = bounds + distance_px * np.array([-1.0, -1.0, 1.0, 1.0])
    first, second = shapely.STRtree(shapely.box(*around.T)).query(shapely.box(*bounds.T))
    higher = rank[second] > rank[first]
    first, second = first[higher], second[higher]
    order = np.lexsort((-rank[second], first))
    groups: list[list[int]] = [[] for _ in outlines]
    for at, other in zip(first[order].tolist(), second[order].tolist(), strict=True):
        groups[at].append(other)
    return groups
