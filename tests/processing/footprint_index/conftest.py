"""An index with random footprints, made once: three segments, with edits and deletions, beside what it should hold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.snapshot import Snapshot
from tests.processing.footprint_index.made_footprints import random_batch


@dataclass(frozen=True)
class Known:
    """A snapshot, and the footprints that it must hold."""

    snapshot: Snapshot
    rows: FootprintBatch


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    index = FootprintIndex(tmp_path_factory.mktemp("index"))
    first, second = random_batch(20_000, seed=1), random_batch(3_000, seed=2, first_id=20_001)
    edited = random_batch(500, seed=3, first_id=101)
    edited = FootprintBatch(**{**vars(edited), "versions": np.full(500, 2, np.int32)})
    index.apply(first)
    index.apply(second)
    deleted = np.arange(1000, 23_000, 7)
    snapshot = index.apply(edited, deleted=deleted)
    parts = (first.take(~np.isin(first.ids, edited.ids)), second, edited)
    merged = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(first)}
    rows = FootprintBatch(**merged)
    return Known(snapshot, rows.take(~np.isin(rows.ids, deleted)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"
