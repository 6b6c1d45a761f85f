"""The table of sources: each pair of job and scene that ever fed the index has an ordinal."""

import json
from collections.abc import Hashable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from processing.errors import FootprintIndexDamaged
from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.manifest import write_durably

Sources = tuple[tuple[str, str], ...]


def read_sources(folder: Path, name: str | None) -> Sources:
    """Return (job, scene) of each ordinal. Raises `FileNotFoundError` and `FootprintIndexDamaged`."""
    if name is None:
        return ()
    try:
        return tuple((str(job), str(scene)) for job, scene in json.loads((folder / name).read_bytes()))
    except (ValueError, TypeError) as error:
        raise FootprintIndexDamaged(name=name, detail=str(error)) from error


def write_sources(path: Path, sources: Sources) -> None:
    """Write a table durably to a new file."""
    write_durably(path, json.dumps(sources).encode())


def add_sources(known: Sources, batch: FootprintBatch) -> tuple[Sources, NDArray[np.uint32]]:
    """Return the table with the batch's sources added, and (N,) the ordinal of each footprint."""
    jobs, job_names = _numbered(batch.jobs)
    scenes, scene_names = _numbered(batch.scenes)
    pairs, pair_of = np.unique(jobs * len(scene_names) + scenes, return_inverse=True)
    ordinals = {source: ordinal for ordinal, source in enumerate(known)}
    own = []
    for pair in pairs.tolist():
        job, scene = divmod(pair, len(scene_names))
        own.append(ordinals.setdefault((str(job_names[job]), str(scene_names[scene])), len(ordinals)))
    return tuple(ordinals), np.array(own, np.uint32)[pair_of]


def _numbered(values: Iterable[Hashable]) -> tuple[NDArray[np.int64], list[Hashable]]:
    """Return (N,) a number for each value, and the values by number."""
    numbers: dict[Hashable, int] = {}
    numbered = np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), np.int64)
    return numbered, list(numbers)
