"""Merging segments changes nothing that a reader sees, and old snapshots stay whole."""

import threading
from pathlib import Path

import numpy as np

from processing.footprint_index import compaction
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.locking import COMPACTION, try_locked
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import render_view
from processing.footprint_index.selection import view_ids
from processing.footprint_index.snapshot import Snapshot
from processing.footprint_index.statistics import view_statistics
from tests.processing.footprint_index.made_footprints import random_batch

WORLD = (-2e7, -2e7, 2e7, 2e7)
VIEW = (-1_200_000.0, 4_800_000.0, -1_000_000.0, 5_000_000.0)


def filled(folder: Path, segments: int = 6, rows: int = 700) -> FootprintIndex:
    index = FootprintIndex(folder)
    for number in range(segments):
        index.apply(random_batch(rows, seed=number, first_id=1 + rows * number), position=number)
    return index


def seen(snapshot: Snapshot) -> tuple[object, ...]:
    """Return all that a reader may ask for."""
    found = view_statistics(snapshot, WORLD)
    ids = np.concatenate([np.zeros(0, int), *view_ids(snapshot, WORLD)])
    pictures = tuple(render_view(snapshot, VIEW, (300, 300), Style(name)) for name in ("density", "confidence", "area"))
    return found.count, round(found.total_area_m2, 3), tuple(sorted(ids.tolist())), pictures, snapshot.checksum


def test_all_segments_become_one(folder: Path, monkeypatch: object) -> None:
    compaction_rows, compaction.PIECE_ROWS = compaction.PIECE_ROWS, 500
    index = filled(folder)
    index.apply(deleted=np.arange(1, 4000, 3))
    before = seen(index.snapshot())

    assert index.compact(everything=True)
    compaction.PIECE_ROWS = compaction_rows

    after = index.snapshot()
    assert [entry.dead for entry in after.manifest.segments] == [0]
    assert seen(after) == before
    assert after.recount() == after.checksum
    assert after.position == 5
    assert not index.compact(everything=True)


def test_small_segments_are_merged_and_large_ones_left_alone(folder: Path) -> None:
    index = FootprintIndex(folder)
    index.apply(random_batch(9000, seed=9))
    for number in range(4):
        index.apply(random_batch(100, seed=number, first_id=10_000 + 100 * number))

    assert index.compact()

    assert sorted(entry.rows for entry in index.snapshot().manifest.segments) == [400, 9000]
    assert not index.compact()


def test_many_dead_rows_are_dropped(folder: Path) -> None:
    index = FootprintIndex(folder)
    index.apply(random_batch(1000))
    index.apply(deleted=np.arange(1, 101))
    assert not index.compact()
    index.apply(deleted=np.arange(101, 301))

    assert index.compact()

    assert [(entry.rows, entry.dead) for entry in index.snapshot().manifest.segments] == [(700, 0)]


def test_readers_with_old_snapshots_go_on_while_files_go(folder: Path) -> None:
    index = filled(folder)
    first, second = FootprintIndex(folder).snapshot(), FootprintIndex(folder).snapshot()
    before = seen(first)

    assert index.compact(everything=True)

    assert len(list(folder.glob("*.segment"))) == 1
    assert seen(first) == seen(second) == before == seen(FootprintIndex(folder).snapshot())


def test_rows_that_die_while_segments_are_merged_are_dead_in_the_new_one(folder: Path, monkeypatch: object) -> None:
    index, other = filled(folder), FootprintIndex(folder)
    merged = compaction.merged_entry

    def slow(*arguments: object) -> object:
        entry = merged(*arguments)  # type: ignore[arg-type]
        other.apply(random_batch(50, seed=77, first_id=90_000), deleted=[5, 6, 7])
        return entry

    monkeypatch.setattr("processing.footprint_index.index.merged_entry", slow)  # type: ignore[attr-defined]

    assert index.compact(everything=True)

    snapshot = index.snapshot()
    assert len(snapshot) == 6 * 700 + 50 - 3
    assert snapshot.recount() == snapshot.checksum
    assert snapshot.versions_of(np.array([5, 6, 7, 8])) == {8: 1}


def test_one_compaction_at_a_time(folder: Path) -> None:
    index = filled(folder)

    with try_locked(folder / COMPACTION) as free:
        assert free
        assert not index.compact(everything=True)


def test_two_readers_see_whole_states_while_another_writes_and_merges(folder: Path) -> None:
    """Each commit adds 200 and the position tells how many there were: no reader may see anything else."""
    index, wrong, done = FootprintIndex(folder), list[str](), threading.Event()

    def read() -> None:
        own = FootprintIndex(folder)
        while not done.is_set():
            snapshot = own.snapshot()
            count = view_statistics(snapshot, WORLD).count
            if not count == len(snapshot) == 200 * snapshot.position:
                wrong.append(f"{count} at {snapshot.position}")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 21):
        index.apply(random_batch(200, seed=number, first_id=200 * number), position=number)
        index.compact()
    done.set()
    for reader in readers:
        reader.join()

    assert wrong == []
    assert len(index.snapshot().segments) < 8
