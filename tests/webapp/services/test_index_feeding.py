"""The footprint indexes follow the database, whatever happens to either."""

import shutil

import numpy as np
import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from models.footprint_writes import insert_footprints
from models.job_states import JobState
from tests.support.footprints import frame_of, part_of, squares
from tests.support.jobs import submit
from webapp.errors import IndexNotReady
from webapp.services import index_feeding, leases
from webapp.services.footprint_index import index_folder, open_index, snapshot_for
from webapp.services.index_feeding import check_index, feed_index, feed_indexes, rebuild_index
from webapp.services.maintenance import cleanup_old_jobs


def finished_job(resources, principal, parts=2):
    claim = leases.claim(resources, submit(resources, principal).id, "w")
    for index in range(parts):
        leases.save_part(resources, claim, part_of(index, parts))
    leases.finish(resources, claim, JobState.SUCCEEDED)
    return claim


def ids_in(resources, audience):
    return sorted(index_feeding._live_ids(open_index(resources, audience)).tolist())


def ids_stored(resources, job_id=None):
    where = "" if job_id is None else f" WHERE job_id = '{job_id}'"
    with resources.database.read(SYSTEM) as session:
        return sorted(session.scalars(text(f"SELECT id FROM building_footprints{where}")))


def assert_all_agree(resources, people):
    for audience in (None, *(person.user_id for person in people)):
        assert check_index(resources, audience).agrees


def test_everybody_gets_an_index_of_their_own(resources, alice, bob, administrator):
    hers, his = finished_job(resources, alice), finished_job(resources, bob, parts=1)
    assert feed_indexes(resources)
    assert not feed_indexes(resources)
    assert ids_in(resources, alice.user_id) == ids_stored(resources, hers.job_id)
    assert ids_in(resources, bob.user_id) == ids_stored(resources, his.job_id)
    assert len(snapshot_for(resources, administrator)) == 12
    assert_all_agree(resources, (alice, bob))


def test_before_it_is_built_an_index_shows_nothing_rather_than_too_little(resources, alice):
    assert len(snapshot_for(resources, alice)) == 0
    finished_job(resources, alice)
    with pytest.raises(IndexNotReady):
        snapshot_for(resources, alice)
    feed_indexes(resources)
    assert len(snapshot_for(resources, alice)) == 8


def test_new_footprints_and_removed_jobs_follow(make_resources, alice):
    resources = make_resources(job_retention_days=30)
    old = finished_job(resources, alice)
    feed_indexes(resources)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET finished_at = finished_at - 40 * 86400.0"))
    new = finished_job(resources, alice, parts=3)
    assert feed_index(resources, alice.user_id)
    assert len(ids_in(resources, alice.user_id)) == 20
    assert cleanup_old_jobs(resources).jobs == 1
    assert feed_index(resources, alice.user_id)
    assert ids_in(resources, alice.user_id) == ids_stored(resources, new.job_id)
    assert ids_stored(resources, old.job_id) == []
    assert check_index(resources, alice.user_id).agrees


def test_many_changes_are_read_in_steps_of_bounded_size(resources, alice, monkeypatch):
    claim = leases.claim(resources, submit(resources, alice).id, "w")
    feed_indexes(resources)
    with resources.database.write(SYSTEM) as session:
        insert_footprints(session, claim.source, frame_of(squares(30), prefix="large-"))
    feed_indexes(resources)
    for index in range(9):
        leases.save_part(resources, claim, part_of(index, 9))
    monkeypatch.setattr(index_feeding, "ROWS_AT_ONCE", 10)
    applied = []
    index = open_index(resources, alice.user_id)
    monkeypatch.setattr(type(index), "apply", _noting(type(index).apply, applied))
    feed_index(resources, alice.user_id)
    assert sum(applied) == 36
    assert max(applied) <= 12
    assert check_index(resources, alice.user_id).agrees


def _noting(apply, applied):
    def noted(self, batch=None, **options):
        applied.append(0 if batch is None else len(batch))
        return apply(self, batch, **options)

    return noted


@pytest.mark.parametrize("harm", ["deleted", "garbled", "cut"])
def test_a_damaged_index_is_built_anew(resources, alice, harm):
    finished_job(resources, alice)
    feed_indexes(resources)
    folder = index_folder(resources, alice.user_id)
    if harm == "deleted":
        shutil.rmtree(folder)
        folder.mkdir()
    elif harm == "garbled":
        (folder / "manifest.json").write_text("{")
    else:
        for path in folder.glob("*.segment"):
            path.unlink()
        open_index(resources, alice.user_id)._snapshot = None
        open_index(resources, alice.user_id)._stamp = None
    feed_indexes(resources)
    assert ids_in(resources, alice.user_id) == ids_stored(resources)


@pytest.mark.parametrize("whose", ["own", "everybody"])
def test_an_index_that_missed_a_part_of_the_feed_is_built_anew(resources, alice, bob, whose):
    audience = alice.user_id if whose == "own" else None
    finished_job(resources, bob)
    finished_job(resources, alice)
    feed_indexes(resources)
    gone, _ = finished_job(resources, alice), finished_job(resources, alice)
    with resources.database.write(SYSTEM) as session:
        session.execute(text(f"DELETE FROM building_footprints WHERE job_id = '{gone.job_id}'"))
        session.execute(text("UPDATE footprint_changes SET created_at = created_at - 30 * 86400.0"))
    cleanup_old_jobs(resources)
    feed_index(resources, audience)
    assert check_index(resources, audience).agrees
    assert not feed_index(resources, audience)


def test_an_index_that_is_up_to_date_stays_when_old_changes_are_dropped(resources, alice, bob, monkeypatch):
    for person in (alice, bob):
        finished_job(resources, person)
    feed_indexes(resources)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE footprint_changes SET created_at = created_at - 30 * 86400.0"))
    cleanup_old_jobs(resources)
    monkeypatch.setattr(index_feeding, "rebuild_index", None)
    assert not feed_indexes(resources)


def test_a_rebuild_drops_what_the_database_no_longer_has(resources, alice):
    finished_job(resources, alice)
    feed_indexes(resources)
    with resources.database.write(SYSTEM) as session:
        session.execute(text(f"DELETE FROM building_footprints WHERE id = {ids_stored(resources)[0]}"))
    assert not check_index(resources, alice.user_id).agrees
    rebuild_index(resources, alice.user_id)
    assert check_index(resources, alice.user_id).agrees
    assert len(ids_in(resources, alice.user_id)) == 7


def test_a_batch_keeps_what_the_database_says(resources, alice):
    finished_job(resources, alice, parts=1)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE building_footprints SET review_state = 'rejected', version = 3"))
    feed_indexes(resources)
    columns = open_index(resources, alice.user_id).snapshot().segments[0].columns
    assert set(columns.review.tolist()) == {2}
    assert set(columns.versions.tolist()) == {3}
    assert np.allclose(np.sort(columns.area_m2), np.linspace(10, 100, 4))
