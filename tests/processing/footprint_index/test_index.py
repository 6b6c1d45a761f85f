"""What is written is there, edits hide older versions, deletions take away, and repeating changes nothing."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from processing.errors import FootprintIndexDamaged, FootprintsInvalid
from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.checksums import Checksum, checksum_of
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.selection import footprint_at, view_ids
from processing.footprint_index.statistics import view_statistics
from tests.processing.footprint_index.conftest import Known
from tests.processing.footprint_index.made_footprints import batch_of, centres_m, random_batch, square_deg

WORLD = (-2e7, -2e7, 2e7, 2e7)


def all_ids(index: FootprintIndex) -> list[int]:
    return sorted(np.concatenate([[], *view_ids(index.snapshot(), WORLD)]).astype(int).tolist())


def with_version(batch: FootprintBatch, version: int) -> FootprintBatch:
    return dataclasses.replace(batch, versions=np.full(len(batch), version, np.int32))


def test_an_empty_index_is_empty(folder: Path) -> None:
    snapshot = FootprintIndex(folder).snapshot()

    assert len(snapshot) == 0
    assert snapshot.checksum == Checksum()
    assert view_statistics(snapshot, WORLD).count == 0
    assert list(view_ids(snapshot, WORLD)) == []
    assert footprint_at(snapshot, 0.0, 0.0) is None


def test_what_is_written_is_there_for_another_process_too(folder: Path) -> None:
    writer, reader = FootprintIndex(folder), FootprintIndex(folder)
    assert len(reader.snapshot()) == 0
    batch = random_batch(1000)

    written = writer.apply(batch, position=17)

    assert reader.snapshot().position == written.position == 17
    assert all_ids(reader) == batch.ids.tolist()
    assert reader.snapshot().checksum == checksum_of(batch.ids, batch.versions)
    assert reader.snapshot() is reader.snapshot()


def test_position_alone_is_kept(folder: Path) -> None:
    index = FootprintIndex(folder)

    index.apply(position=5)

    assert FootprintIndex(folder).snapshot().position == 5


def test_a_newer_version_hides_the_older_one(folder: Path) -> None:
    index = FootprintIndex(folder)
    index.apply(batch_of([square_deg(1, 1), square_deg(2, 2)]))

    index.apply(batch_of([square_deg(3, 3)], first_id=2, versions=np.array([4]), area_m2=np.array([7.0])))

    x, y = centres_m(np.array([square_deg(2, 2), square_deg(3, 3)]))
    assert all_ids(index) == [1, 2]
    assert footprint_at(index.snapshot(), x[0], y[0]) is None
    found = footprint_at(index.snapshot(), x[1], y[1])
    assert found is not None
    assert (found.id, found.version, found.area_m2, found.job, found.scene) == (2, 4, 7.0, "job-a", "scene-a")
    assert index.snapshot().checksum == checksum_of(np.array([1, 2]), np.array([1, 4]))


def test_repeating_a_batch_or_bringing_an_older_version_changes_nothing(folder: Path) -> None:
    index = FootprintIndex(folder)
    batch = random_batch(300)
    before = index.apply(with_version(batch, 2), position=1)

    again = index.apply(with_version(batch, 2), position=1)
    older = index.apply(with_version(batch, 1), position=1)

    assert again is before
    assert older is before


def test_of_one_id_twice_in_a_batch_the_greatest_version_counts(folder: Path) -> None:
    index = FootprintIndex(folder)
    batch = batch_of([square_deg(1, 1), square_deg(2, 2), square_deg(3, 3)], ids=np.array([8, 8, 8]),
                     versions=np.array([1, 3, 2]))  # fmt: skip

    snapshot = index.apply(batch)

    assert len(snapshot) == 1
    assert snapshot.versions_of(np.array([8])) == {8: 3}


def test_deletions_take_away_and_may_be_repeated(folder: Path) -> None:
    index = FootprintIndex(folder)
    index.apply(random_batch(500))

    index.apply(deleted=[3, 5, 400, 12_345])
    before = index.snapshot()
    after = index.apply(deleted=[3, 5])

    assert after is before
    assert len(after) == 497
    assert after.recount() == after.checksum
    assert not {3, 5, 400} & set(all_ids(index))
    assert len(index.apply(deleted=np.arange(1, 501))) == 0
    assert index.snapshot().segments == ()


def test_a_deleted_footprint_may_come_back(folder: Path) -> None:
    index = FootprintIndex(folder)
    batch = random_batch(10)
    index.apply(batch)
    index.apply(deleted=[4])

    snapshot = index.apply(batch.take(batch.ids == 4))

    assert len(snapshot) == 10
    assert snapshot.recount() == snapshot.checksum


def test_the_checksum_tells_any_difference(known: Known) -> None:
    rows = known.rows
    expected = checksum_of(rows.ids, rows.versions)

    assert known.snapshot.checksum == expected == known.snapshot.recount()
    assert checksum_of(rows.ids[::-1], rows.versions[::-1]) == expected
    assert checksum_of(rows.ids[:9], rows.versions[:9]) + checksum_of(rows.ids[9:], rows.versions[9:]) == expected
    assert checksum_of(rows.ids + (rows.ids == 7), rows.versions) != expected
    assert checksum_of(rows.ids, rows.versions + (rows.ids == 7)) != expected


@pytest.mark.parametrize(
    ("column", "value", "detail"),
    [
        ("confidence", 1.5, "confidence"),
        ("confidence", -0.001, "confidence"),
        ("area_m2", -1.0, "area"),
        ("created_s", -5.0, "time"),
    ],
)
def test_values_that_cannot_be_kept_are_refused(column: str, value: float, detail: str) -> None:
    with pytest.raises(FootprintsInvalid, match=rf"\[7\].*{detail}"):
        batch_of([square_deg(0, 0), square_deg(1, 1)], first_id=6, **{column: np.array([0.5, value])})


def test_shapes_that_are_no_polygons_are_refused() -> None:
    for shape in (None, square_deg(0, 0).centroid, type(square_deg(0, 0))(), square_deg(700, 0)):
        with pytest.raises(FootprintsInvalid, match=r"\[2\]"):
            batch_of([square_deg(0, 0), shape])
    with pytest.raises(FootprintsInvalid, match="different lengths"):
        batch_of([square_deg(0, 0)], confidence=np.zeros(2))


def test_damage_is_told(folder: Path) -> None:
    index = FootprintIndex(folder)
    index.apply(random_batch(100))
    segment = next(folder.glob("*.segment"))
    content = segment.read_bytes()

    segment.write_bytes(content[:-100])
    with pytest.raises(FootprintIndexDamaged, match="not a whole segment"):
        FootprintIndex(folder).snapshot()
    segment.unlink()
    with pytest.raises(FootprintIndexDamaged, match="missing"):
        FootprintIndex(folder).snapshot()
    (folder / "manifest.json").write_text("{")
    with pytest.raises(FootprintIndexDamaged, match=r"manifest\.json"):
        FootprintIndex(folder).snapshot()
