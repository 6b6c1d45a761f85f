"""Single footprints are changed and removed by one person at a time, and whatever follows the database follows that."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.audit import AuditEntry
from models.bbox import Bbox, meets_bbox
from models.footprint import BuildingFootprint
from models.job_states import JobState
from processing.ground_area import areas_m2
from tests.support.footprints import part_of
from tests.support.jobs import add_import, submit
from webapp.building_errors import BuildingInUse, PreconditionMissing, VersionOutdated
from webapp.errors import NotFound, RequestInvalid
from webapp.services import footprint_edits, index_feeding, leases
from webapp.services.footprint_edits import Target, edit_footprint, get_footprint, remove_footprint
from webapp.services.footprint_index import snapshot_for
from webapp.services.index_feeding import check_index, feed_indexes, rebuild_index

HOUSE = shapely.Polygon([(10.5, 49.5), (10.5002, 49.5), (10.5002, 49.5001), (10.5, 49.5001)])


def finished(resources, principal):
    claim = leases.claim(resources, submit(resources, principal).id, "w")
    leases.save_part(resources, claim, part_of(0, 1))
    leases.finish(resources, claim, JobState.SUCCEEDED)
    return claim


@pytest.fixture
def ids(resources, alice):
    finished(resources, alice)
    with resources.database.read(SYSTEM) as session:
        return list(session.scalars(text("SELECT id FROM building_footprints ORDER BY id")))


def edited(resources, person, footprint_id, **changes):
    tag = get_footprint(resources, person, footprint_id).etag
    return edit_footprint(resources, person, Target(footprint_id, tag), changes)


def audited(resources):
    with resources.database.read(SYSTEM) as session:
        wanted = AuditEntry.target_kind == "building"
        return [(entry.action, entry.target_id) for entry in session.scalars(select(AuditEntry).where(wanted))]


def hits(resources, bounds_deg):
    with resources.database.read(SYSTEM) as session:
        wanted = meets_bbox(Bbox.from_bounds(bounds_deg))
        return list(session.scalars(select(BuildingFootprint.id).where(wanted)))


def test_a_new_outline_is_measured_and_the_first_one_is_kept(resources, alice, ids):
    before = get_footprint(resources, alice, ids[0])
    after = edited(resources, alice, ids[0], geometry=mapping(HOUSE), review_state="accepted")
    assert shapely.geometry.shape(after.geojson).equals(HOUSE)
    assert after.properties["area_m2"] == pytest.approx(areas_m2(np.array([HOUSE], object))[0])
    assert after.properties["area_m2"] == pytest.approx(14.475 * 11.122, rel=2e-3)  # metres by tables of degrees
    named = ("version", "reg_method", "reg_status", "reg_iou", "review_state")
    assert [after.properties[name] for name in named] == [2, "edited", "edited", None, "accepted"]
    assert after.raw_geojson == before.raw_geojson is not None
    assert hits(resources, HOUSE.bounds) == [ids[0]]
    assert ids[0] not in hits(resources, shapely.geometry.shape(before.geojson).bounds)
    again = edited(resources, alice, ids[0], geometry=mapping(HOUSE), review_state="accepted")
    assert again.etag == after.etag != before.etag
    assert audited(resources) == [("building.edited", str(ids[0]))]


def test_what_had_no_raw_outline_keeps_its_first_one(resources, alice, ids):
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE building_footprints SET raw_geometry = NULL"))
    first = get_footprint(resources, alice, ids[0]).geojson
    edited(resources, alice, ids[0], geometry=mapping(HOUSE))
    moved = edited(resources, alice, ids[0], geometry=mapping(shapely.affinity.translate(HOUSE, 1e-4)))
    assert shapely.geometry.shape(moved.raw_geojson).equals(shapely.geometry.shape(first))


def test_the_index_follows_changes_and_removals(resources, alice, bob, administrator, ids):
    finished(resources, bob)
    feed_indexes(resources)
    edited(resources, alice, ids[0], geometry=mapping(HOUSE))
    remove_footprint(resources, alice, Target(ids[1]))
    remove_footprint(resources, administrator, Target(ids[2], get_footprint(resources, alice, ids[2]).etag))
    assert feed_indexes(resources)
    assert snapshot_for(resources, alice).versions_of(np.array(ids)) == {ids[0]: 2, ids[3]: 1}
    for audience in (None, alice.user_id, bob.user_id):
        assert check_index(resources, audience).agrees
    assert len(snapshot_for(resources, administrator)) == 6
    assert audited(resources)[1:] == [("building.deleted", str(one)) for one in ids[1:3]]
    with pytest.raises(NotFound):
        remove_footprint(resources, alice, Target(ids[1]))


def test_a_feeder_that_dies_before_or_after_its_commit_ends_with_the_same(resources, alice, ids, monkeypatch):
    """The feed is read again from the last position that was committed; deleting a second time changes nothing."""
    feed_indexes(resources)
    index = index_feeding.open_index(resources, alice.user_id)
    real, calls = type(index).apply, []

    def dies(self, *arguments, **options):
        calls.append(options)
        if len(calls) == 1:
            raise OSError("killed before the commit")
        real(self, *arguments, **options | {"position": None})
        raise OSError("killed before the position was kept")

    remove_footprint(resources, alice, Target(ids[1]))
    edited(resources, alice, ids[0], geometry=mapping(HOUSE))
    remove_footprint(resources, alice, Target(ids[0]))
    monkeypatch.setattr(type(index), "apply", dies)
    for _ in range(2):
        with pytest.raises(OSError, match="killed"):
            index_feeding.feed_index(resources, alice.user_id)
    monkeypatch.setattr(type(index), "apply", real)
    assert index_feeding.feed_index(resources, alice.user_id)
    assert check_index(resources, alice.user_id).agrees
    assert len(snapshot_for(resources, alice)) == 2


def test_what_is_removed_while_an_index_is_built_is_not_left_in_it(resources, alice, ids, monkeypatch):
    real = index_feeding._all_rows

    def rows_and_then_a_removal(*arguments):
        yield from real(*arguments)
        remove_footprint(resources, alice, Target(ids[3]))

    monkeypatch.setattr(index_feeding, "_all_rows", rows_and_then_a_removal)
    rebuild_index(resources, alice.user_id)
    assert not check_index(resources, alice.user_id).agrees
    index_feeding.feed_index(resources, alice.user_id)
    assert check_index(resources, alice.user_id).agrees


def test_of_two_writers_at_once_exactly_one_wins(resources, alice, ids):
    """Eight at once, ten times: who loses is told the version that won."""
    for round_number in range(10):
        tag = get_footprint(resources, alice, ids[0]).etag
        gate = threading.Barrier(8)

        def write(number, tag=tag, gate=gate, round_number=round_number):
            gate.wait()
            shape = shapely.affinity.translate(HOUSE, (8 * round_number + number + 1) * 1e-5)
            try:
                return edit_footprint(resources, alice, Target(ids[0], tag), {"geometry": mapping(shape)}).etag
            except VersionOutdated as error:
                return error

        with ThreadPoolExecutor(8) as crowd:
            answers = list(crowd.map(write, range(8)))
        won = [answer for answer in answers if isinstance(answer, str)]
        assert won == [f'"{ids[0]}-{round_number + 2}"']
        assert {answer.parameters["etag"] for answer in answers if not isinstance(answer, str)} == set(won)
    assert len(audited(resources)) == 10


def test_a_change_names_the_version_it_was_made_from(resources, alice, ids):
    one, tag = ids[0], get_footprint(resources, alice, ids[0]).etag
    with pytest.raises(PreconditionMissing):
        edit_footprint(resources, alice, Target(one), {"review_state": "accepted"})
    for wrong in (f"W/{tag}", '"x"', "", tag.strip('"'), f'"{ids[1]}-1"'):
        with pytest.raises(VersionOutdated):
            edit_footprint(resources, alice, Target(one, wrong), {"review_state": "accepted"})
        with pytest.raises(VersionOutdated):
            remove_footprint(resources, alice, Target(one, wrong))
    assert edit_footprint(resources, alice, Target(one, f'"x", {tag}'), {"review_state": "accepted"}).version == 2
    assert edit_footprint(resources, alice, Target(one, "*"), {"review_state": "rejected"}).version == 3


def test_what_fails_half_way_leaves_nothing(resources, alice, ids, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("no log")

    monkeypatch.setattr(footprint_edits.audit, "note", broken)
    counted = select(func.count()).select_from(text("footprint_changes"))
    with resources.database.read(SYSTEM) as session:
        before = session.scalar(counted)
    for act in (
        lambda: edited(resources, alice, ids[0], geometry=mapping(HOUSE)),
        lambda: remove_footprint(resources, alice, Target(ids[0])),
    ):
        with pytest.raises(RuntimeError, match="no log"):
            act()
    assert get_footprint(resources, alice, ids[0]).version == 1
    with resources.database.read(SYSTEM) as session:
        assert session.scalar(counted) == before


def test_nothing_is_removed_that_a_job_may_store_again(resources, alice):
    claim = leases.claim(resources, submit(resources, alice).id, "w")
    leases.save_part(resources, claim, part_of(0, 2))
    with resources.database.read(SYSTEM) as session:
        first = session.scalars(text("SELECT min(id) FROM building_footprints")).one()
    with pytest.raises(BuildingInUse):
        remove_footprint(resources, alice, Target(first))
    edited(resources, alice, first, geometry=mapping(HOUSE))
    leases.save_part(resources, claim, part_of(0, 2))
    assert get_footprint(resources, alice, first).version == 2
    leases.finish(resources, claim, JobState.SUCCEEDED)
    remove_footprint(resources, alice, Target(first))


def test_what_is_not_yours_does_not_exist(resources, bob, administrator, ids):
    target = Target(ids[0], "*")
    for act in (
        lambda: get_footprint(resources, bob, ids[0]),
        lambda: edit_footprint(resources, bob, target, {"review_state": "accepted"}),
        lambda: remove_footprint(resources, bob, target),
    ):
        with pytest.raises(NotFound):
            act()
    assert edit_footprint(resources, administrator, target, {"review_state": "accepted"}).version == 2


def test_only_imported_footprints_have_attributes(resources, alice, ids):
    for changes in ({"source_id": "x"}, {"attributes": {"use": "school"}}):
        with pytest.raises(RequestInvalid, match="only an imported"):
            edited(resources, alice, ids[0], **changes)
    import_id = add_import(resources, alice)
    with resources.database.write(SYSTEM) as session:
        move = "UPDATE building_footprints SET job_id = :job, scene_id = NULL WHERE id = :id"
        session.execute(text(move), {"job": import_id, "id": ids[0]})
        done = "UPDATE processing_jobs SET state = 'succeeded', finished_at = 1 WHERE id = :job"
        session.execute(text(done), {"job": import_id})
    changed = edited(resources, alice, ids[0], source_id="way/7", attributes={"use": "школа", "floors": 2})
    assert changed.properties["source_id"] == "way/7"
    assert changed.properties["attributes"] == {"use": "школа", "floors": 2}
    assert edited(resources, alice, ids[0], source_id=None, attributes={}).properties["attributes"] == {}
    for changes in (
        {"attributes": {"x": float("nan")}},
        {"attributes": {"x": "\ud800"}},
        {"attributes": {"x": "y" * 70_000}},
        {"source_id": "a\0b"},
        {},
    ):
        with pytest.raises(RequestInvalid):
            edited(resources, alice, ids[0], **changes)
