"""Our regularization of a whole plane of polygons: fitting on two threads, then the neighbours."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely

from benchmarks.regularize_data import as_array
from processing.regularization.neighbours import align, part
from processing.regularization.parameters import RegularizationParams
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
    aligned = list(fitted)
    for at, higher in _higher([one.outline for one in fitted], rank, params.snap_px):
        aligned[at] = align(fitted[at], seen[at], [fitted[other] for other in higher], 1.0, params)
    final: list[Regularized | None] = list(aligned)
    for at, higher in _higher([one.outline for one in aligned], rank, 0.0):
        final[at] = part(aligned[at], seen[at], [aligned[other].outline for other in higher])
    return as_array([None if one is None else one.outline for one in final])


def _higher(outlines: list, rank: np.ndarray, distance_px: float) -> list[tuple[int, list[int]]]:
    """Return each polygon that has neighbours of higher rank, with those, the highest first."""
    shapes = as_array(outlines)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=distance_px)
    higher = rank[second] > rank[first]
    first, second = first[higher], second[higher]
    order = np.lexsort((-rank[second], first))
    first, second = first[order], second[order]
    owners, starts = np.unique(first, return_index=True)
    groups = np.split(second, starts[1:]) if len(owners) else []
    return [(int(owner), group.tolist()) for owner, group in zip(owners, groups, strict=True)]
