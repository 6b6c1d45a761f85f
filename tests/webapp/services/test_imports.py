import math

import pytest
import shapely
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.footprint import BuildingFootprint
from models.job import ProcessingJob
from models.job_states import JobState
from models.scene import StoredFile
from processing.errors import VectorCrsMissing
from tests.support.footprint_files import feature, queue_import, send, write_geojson
from tests.support.footprints import squares
from tests.support.jobs import submit
from webapp.errors import ImportInUse, NotFound
from webapp.services import dispatch, footprint_maps, footprints, imports, jobs, leases, maintenance, reviews
from webapp.services.footprint_maps import MapQuery
from webapp.services.footprints import FootprintQuery
from webapp.services.import_leftovers import discard_leftovers
from webapp.services.import_writes import ReadBatch, save_batch, stored_batches
from webapp.services.index_feeding import check_index, feed_indexes, rebuild_index
from webapp.tasks import importing
from webapp.tasks.context import WorkerContext
from webapp.tasks.jobs import run_job


@pytest.fixture
def town(tmp_path):
    return write_geojson(tmp_path / "town.geojson")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(importing, "BATCH_ROWS", 4)


def work(resources, import_id, is_shutting_down=lambda: False):
    return run_job(WorkerContext(resources, "tester", lambda weights: None, is_shutting_down), import_id)


def stored_rows(resources):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count(BuildingFootprint.id)))


def seen(resources, person):
    """What the database, the figures and the index of the map show."""
    feed_indexes(resources, [person.owner_filter])
    query = FootprintQuery()
    return (
        footprints.count(resources, person, query),
        len(footprints.list_footprints(resources, person, query)),
        footprint_maps.statistics(resources, person, MapQuery()).count,
    )


def test_every_row_is_a_building_or_in_the_report(resources, alice, bob, town):
    found = queue_import(resources, alice, town)
    assert (found.job.state, found.job.kind, found.job.source) == ("queued", "import", "town.geojson")
    assert work(resources, found.job.id) is JobState.SUCCEEDED
    done = imports.get_import(resources, alice, found.job.id)
    report = done.report
    assert report["rows_read"] == report["kept"] + report["refused_total"] == 9
    assert {rule: finding["count"] for rule, finding in report["refused"].items()} == {
        "duplicate": 1,
        "not_a_polygon": 1,
        "no_geometry": 1,
    }
    assert report["refused"]["duplicate"]["examples"] == [{"row": 7, "detail": "the same shape as row 2"}]
    assert report == found.report  # what the check foresaw
    assert (done.job.footprint_count, done.job.windows_done, done.job.windows_total) == (6, 9, 9)
    assert seen(resources, alice) == (6, 6, 6)
    assert seen(resources, bob) == (0, 0, 0)
    frame = footprints.list_footprints(resources, alice, FootprintQuery())
    assert list(frame["source_id"]) == [f"H{index}" for index in range(6)]
    assert list(frame["footprint_key"]) == [f"row-{row}" for row in range(1, 7)]
    assert shapely.equals_exact(frame.geometry.values, squares(6), 1e-9).all()
    with pytest.raises(NotFound):
        imports.get_import(resources, bob, found.job.id)


def test_a_footprint_without_confidence_is_left_out_by_filters_of_it_and_counted_apart(resources, alice, town):
    work(resources, queue_import(resources, alice, town).job.id)
    feed_indexes(resources)
    for limits, expected in (
        ({}, 6),
        ({"min_confidence": 0.0, "max_confidence": 1.0}, 6),
        ({"min_confidence": 0.0001}, 3),
        ({"min_confidence": 0.52}, 2),
        ({"max_confidence": 0.53}, 1),
        ({"min_confidence": 0.9}, 0),
    ):
        query = FootprintQuery(**limits)
        in_database = footprints.statistics(resources, alice, query)
        in_index = footprint_maps.statistics(resources, alice, MapQuery(query))
        assert in_database.count == in_index.count == expected, limits
        assert in_database.without_confidence == in_index.without_confidence == (3 if expected == 6 else 0)
        assert in_index.confidence_histogram.sum() == expected - in_index.without_confidence
        if expected:
            assert in_database.mean_confidence == pytest.approx(in_index.mean_confidence)
    assert footprints.statistics(resources, alice, FootprintQuery()).mean_confidence == pytest.approx(0.53)
    unrated = [math.isnan(value) for value in footprints.list_footprints(resources, alice, FootprintQuery()).confidence]
    assert unrated == [True, False] * 3


def test_the_building_under_a_click_tells_of_its_file(resources, alice, town):
    work(resources, queue_import(resources, alice, town).job.id)
    centre = squares(6)[2].centroid
    found = footprints.footprint_at(resources, alice, centre.x, centre.y, FootprintQuery())
    assert (found.scene_id, found.scene_name, found.confidence) == (None, None, None)
    assert (found.file_name, found.source_id, found.attributes) == ("town.geojson", "H2", {"storeys": 3})
    reviews.review(resources, alice, found.id, "accepted")
    after = footprints.footprint_at(resources, alice, centre.x, centre.y, FootprintQuery())
    assert after.review_state == "accepted"


def test_nothing_is_seen_before_all_is_and_a_repeat_adds_nothing(resources, alice, town):
    """A worker that died between two batches leaves rows that nobody sees; the next one stores only the others."""
    found = queue_import(resources, alice, town)
    claim = leases.claim(resources, found.job.id, "first")
    with importing.open_footprints(resources.storage.local_path(claim.storage_key), importing._options(claim)) as read:
        for number, batch in enumerate(read.batches()):
            if number < 2:
                save_batch(resources, claim, ReadBatch(number, read.report.rows_read, batch))
    assert stored_rows(resources) == 6
    assert stored_batches(resources, claim) == {0, 1}
    assert seen(resources, alice) == (0, 0, 0)
    hidden = squares(6)[2].centroid
    assert footprints.footprint_at(resources, alice, hidden.x, hidden.y, FootprintQuery()) is None
    with resources.database.read(SYSTEM) as session:
        hidden_id = session.scalar(select(func.min(BuildingFootprint.id)))
    with pytest.raises(NotFound):
        reviews.review(resources, alice, hidden_id, "accepted")
    rebuild_index(resources, alice.owner_filter)
    assert check_index(resources, alice.owner_filter).stored.count == 0
    leases.hand_back(resources, claim, "The worker stopped.", counted=True)
    assert work(resources, found.job.id) is JobState.SUCCEEDED
    assert stored_rows(resources) == 6
    assert seen(resources, alice) == (6, 6, 6)
    assert check_index(resources, alice.owner_filter).agrees
    texts = [line.text for line in jobs.job_messages(resources, alice, found.job.id)]
    assert "Resumed; 2 batches of rows are stored already: town.geojson." in texts


def test_a_cancelled_import_leaves_nothing(resources, alice, town):
    found = queue_import(resources, alice, town)

    def cancel_in_the_midst():
        if stored_rows(resources):
            jobs.cancel_job(resources, alice, found.job.id)
        return False

    import time

    from webapp.tasks import heartbeat

    original, heartbeat.LOOK_S = heartbeat.LOOK_S, 0.01
    try:
        state = work(resources, found.job.id, lambda: (cancel_in_the_midst(), time.sleep(0.1))[0])
    finally:
        heartbeat.LOOK_S = original
    assert state is JobState.CANCELLED
    assert stored_rows(resources) == 0
    done = jobs.get_job(resources, alice, found.job.id)
    assert (done.state, done.footprint_count) == ("cancelled", 0)
    assert jobs.job_messages(resources, alice, found.job.id)[-1].text == "Cancelled; nothing was imported."
    assert seen(resources, alice) == (0, 0, 0)


def test_what_a_dead_worker_left_of_a_cancelled_import_is_removed(resources, alice, town):
    found = queue_import(resources, alice, town)
    claim = leases.claim(resources, found.job.id, "dies")
    with importing.open_footprints(resources.storage.local_path(claim.storage_key), importing._options(claim)) as read:
        save_batch(resources, claim, ReadBatch(0, 4, next(read.batches())))
    jobs.cancel_job(resources, alice, found.job.id)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET lease_until = 1"))
    dispatch.reconcile(resources)
    assert jobs.get_job(resources, alice, found.job.id).state == "cancelled"
    assert stored_rows(resources) == 0


def test_a_restarted_worker_hands_an_import_back(resources, alice, town):
    found = queue_import(resources, alice, town)
    assert work(resources, found.job.id, lambda: stored_rows(resources) > 0) is JobState.QUEUED
    assert seen(resources, alice) == (0, 0, 0)
    assert jobs.get_job(resources, alice, found.job.id).attempt == 0
    assert work(resources, found.job.id) is JobState.SUCCEEDED
    assert seen(resources, alice) == (6, 6, 6)


def test_a_file_that_changed_under_the_worker_is_never_shown(resources, alice, town, tmp_path):
    found = queue_import(resources, alice, town)
    assert work(resources, found.job.id, lambda: stored_rows(resources) > 0) is JobState.QUEUED
    other = write_geojson(tmp_path / "other.geojson", [feature(shape) for shape in squares(9, seed=4)])
    with resources.database.read(SYSTEM) as session:
        key = session.scalar(select(StoredFile.storage_key))
    resources.storage.put_file(key, other)
    with resources.database.write(SYSTEM) as session:  # the first batch then held three of four rows
        session.execute(text("DELETE FROM building_footprints WHERE footprint_key = 'row-1'"))
        session.execute(text("UPDATE job_parts SET payload = :payload"), {"payload": b"[1, 3]"})
    assert work(resources, found.job.id) is JobState.FAILED
    assert jobs.get_job(resources, alice, found.job.id).error_code == "ImportDiffers"
    assert (stored_rows(resources), seen(resources, alice)) == (0, (0, 0, 0))


def test_a_crs_that_is_missing_can_be_given(resources, alice, tmp_path):
    import geopandas

    path = tmp_path / "utm.parquet"
    frame = geopandas.GeoDataFrame(geometry=[shapely.box(500000, 5300000, 500020, 5300010)], crs=None)
    frame.to_parquet(path)
    with pytest.raises(VectorCrsMissing):
        send(resources, alice, path)
    assert nothing_kept(resources)
    found = send(resources, alice, path, crs="EPSG:32633")
    assert work(resources, found.job.id) is JobState.SUCCEEDED
    sums = footprints.statistics(resources, alice, FootprintQuery())
    assert sums.total_area_m2 == pytest.approx(200, rel=2e-3)
    assert jobs.get_job(resources, alice, found.job.id).params == {"crs": "EPSG:32633"}


def test_a_file_without_any_building_is_imported_as_nothing(resources, alice, tmp_path):
    path = write_geojson(tmp_path / "points.geojson", [feature(shapely.Point(8, 47))])
    found = queue_import(resources, alice, path)
    assert work(resources, found.job.id) is JobState.SUCCEEDED
    done = imports.get_import(resources, alice, found.job.id)
    assert (done.job.footprint_count, done.report["refused_total"], done.report["bounds_deg"]) == (0, 1, None)


def test_an_import_is_removed_with_its_footprints_and_its_file(resources, alice, bob, town):
    found = queue_import(resources, alice, town)
    with pytest.raises(ImportInUse):
        imports.delete_import(resources, alice, found.job.id)
    work(resources, found.job.id)
    assert seen(resources, alice) == (6, 6, 6)
    for stranger, import_id in ((bob, found.job.id), (alice, submit(resources, alice).id)):
        with pytest.raises(NotFound):
            imports.delete_import(resources, stranger, import_id)
    imports.delete_import(resources, alice, found.job.id)
    assert seen(resources, alice) == (0, 0, 0)
    assert list(resources.storage.entries()) == []
    assert imports.list_imports(resources, alice) == []


def test_the_index_tells_a_new_import_from_one_that_was_removed(resources, alice, town, tmp_path):
    first = queue_import(resources, alice, town).job.id
    work(resources, first)
    assert seen(resources, alice) == (6, 6, 6)
    imports.delete_import(resources, alice, first)
    other = write_geojson(tmp_path / "other.geojson", [feature(shape) for shape in squares(7, seed=9)])
    work(resources, queue_import(resources, alice, other).job.id)
    assert seen(resources, alice) == (7, 7, 7)
    assert check_index(resources, alice.owner_filter).agrees


def test_old_imports_go_with_their_files(make_resources, alice, town):
    resources = make_resources(job_retention_days=1)
    work(resources, queue_import(resources, alice, town).job.id)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET finished_at = 1"))
    assert maintenance.cleanup_old_jobs(resources).jobs == 1
    assert maintenance.remove_orphan_files(resources, age_s=-1) == 1
    assert nothing_kept(resources)


def test_imports_are_jobs_among_others(resources, alice, town):
    found = queue_import(resources, alice, town)
    extraction = submit(resources, alice)
    assert {job.id for job in jobs.list_jobs(resources, alice)} == {found.job.id, extraction.id}
    assert [one.job.id for one in imports.list_imports(resources, alice)] == [found.job.id]
    work(resources, found.job.id)
    by_scene = footprints.count(resources, alice, FootprintQuery(scene_id=extraction.scene_id))
    assert (by_scene, footprints.count(resources, alice, FootprintQuery(job_id=found.job.id))) == (0, 6)
    assert discard_leftovers(resources) == 0
    assert stored_rows(resources) == 6


def nothing_kept(resources):
    with resources.database.read(SYSTEM) as session:
        rows = [session.scalar(select(func.count(table.id))) for table in (ProcessingJob, StoredFile)]
    incoming = resources.settings.data_dir / "incoming"
    files = [path for folder in (incoming, resources.storage.root) for path in folder.rglob("*") if path.is_file()]
    return rows == [0, 0] and files == []
