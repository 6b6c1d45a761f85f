import hashlib
import json
import time
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.export import ExportPart, ExportState
from processing.rendering.tile_grid import bounds_to_mercator
from tests.support.stored import finished_job
from tests.webapp.exported import made_export
from webapp.errors import FormatUnknown, NotFound
from webapp.export_errors import ExportFailed, ExportLost, ExportNotReady, TooManyExports
from webapp.services import export_files, export_leases, footprint_maps, maintenance, reviews, scenes
from webapp.services.export_dispatch import publish_exports, reconcile_exports
from webapp.services.export_leases import MadeFile
from webapp.services.export_scratch import scratch_of, sweep_scratch
from webapp.services.exports import ViewScope
from webapp.services.footprint_maps import MapQuery
from webapp.services.footprints import FootprintQuery, list_footprints
from webapp.services.index_feeding import feed_indexes
from webapp.services.jobs import get_job
from webapp.tasks.exporting import ExportContext, run_export

WORKER = "w"


def asked(resources, principal, job_id, format="geojson"):
    return export_files.submit_export(resources, principal, FootprintQuery(job_id=job_id), format)


def worked(resources, export_id):
    return run_export(ExportContext(resources, WORKER), export_id)


def content(resources, principal, export_id):
    file = export_files.export_file(resources, principal, export_id)
    return b"".join(file.read(0, file.size_bytes))


def run_out(resources):
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE exports SET lease_until = lease_until - 1000"))


def stored_keys(resources):
    return [key for key, _ in resources.storage.entries()]


def parts_left(resources):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count(ExportPart.part)))


def test_an_export_is_queued_written_and_downloaded(resources, alice):
    job_id = finished_job(resources, alice, 40)
    export = asked(resources, alice, job_id)
    assert (export.state, export.rows_done, export.rows_total, export.sha256) == ("queued", 0, 40, None)
    with pytest.raises(ExportNotReady):
        export_files.export_file(resources, alice, export.id)
    assert worked(resources, export.id) is ExportState.SUCCEEDED
    done = export_files.get_export(resources, alice, export.id)
    data = content(resources, alice, export.id)
    assert (done.state, done.rows_done, done.size_bytes) == ("succeeded", 40, len(data))
    assert done.sha256 == hashlib.sha256(data).hexdigest()
    assert done.filename == f"made-{job_id[:8]}.geojson"
    assert len(json.loads(data)["features"]) == 40
    assert (done.expires_at - done.finished_at).total_seconds() == pytest.approx(7 * 86_400, abs=1)
    assert parts_left(resources) == 0
    assert list((resources.settings.data_dir / "scratch").iterdir()) == []
    assert worked(resources, export.id) is None
    assert [one.id for one in export_files.list_exports(resources, alice)] == [export.id]


def test_a_view_is_exported_as_it_was_counted_when_it_was_asked_for(resources, alice):
    finished_job(resources, alice, 60)
    feed_indexes(resources)
    bounds_m = bounds_to_mercator((10.0, 49.9, 10.05, 50.0))
    query = MapQuery(FootprintQuery(min_confidence=0.6))
    counted = footprint_maps.statistics(resources, alice, query, bounds_m).count
    export = export_files.submit_export(resources, alice, ViewScope(query, bounds_m), "geojson")
    assert 0 < export.rows_total == counted < 60
    finished_job(resources, alice, 60)  # comes later, and is not in it
    feed_indexes(resources)
    assert footprint_maps.statistics(resources, alice, query, bounds_m).count > counted
    worked(resources, export.id)
    assert len(json.loads(content(resources, alice, export.id))["features"]) == counted


def test_nothing_found_is_a_valid_empty_file(resources, alice):
    empty = FootprintQuery(bbox_deg=(0, 0, 1, 1))
    export = export_files.submit_export(resources, alice, empty, "geojson")
    assert worked(resources, export.id) is ExportState.SUCCEEDED
    assert json.loads(content(resources, alice, export.id))["features"] == []


def test_what_was_deleted_meanwhile_fails_the_export_and_is_not_passed_over(resources, alice):
    job_id = finished_job(resources, alice, 40)
    box = FootprintQuery(bbox_deg=(10, 49, 11, 51))
    export = export_files.submit_export(resources, alice, box, "csv")
    with resources.database.write(SYSTEM) as session:
        session.execute(text("DELETE FROM building_footprints WHERE footprint_key IN ('p0-1', 'p0-2')"))
    assert worked(resources, export.id) is ExportState.FAILED
    failed = export_files.get_export(resources, alice, export.id)
    assert failed.error_code == "ExportOutdated"
    assert failed.error_message.startswith("2 of 40 buildings")
    with pytest.raises(ExportFailed):
        export_files.export_file(resources, alice, export.id)
    assert stored_keys(resources) == []
    assert get_job(resources, alice, job_id).state == "succeeded"


def test_a_footprint_that_was_reviewed_meanwhile_is_still_in_it(resources, alice):
    job_id = finished_job(resources, alice, 5)
    export = asked(resources, alice, job_id)
    first = int(list_footprints(resources, alice, FootprintQuery(job_id=job_id))["id"].iloc[0])
    reviews.review(resources, alice, first, "accepted")
    worked(resources, export.id)
    assert len(json.loads(content(resources, alice, export.id))["features"]) == 5


def test_nobody_sees_the_exports_of_others(resources, alice, bob, administrator):
    export = made_export(resources, alice, finished_job(resources, alice))
    for ask in (export_files.get_export, export_files.export_file, export_files.delete_export):
        with pytest.raises(NotFound):
            ask(resources, bob, export.id)
    assert export_files.list_exports(resources, bob) == []
    assert export_files.get_export(resources, administrator, export.id).id == export.id
    with pytest.raises(NotFound):
        asked(resources, bob, finished_job(resources, alice))


def test_what_cannot_be_is_refused_at_once(resources, alice):
    job_id = finished_job(resources, alice)
    with pytest.raises(FormatUnknown):
        asked(resources, alice, job_id, "exe")
    with pytest.raises(NotFound):
        export_files.submit_export(resources, alice, FootprintQuery(scene_id="none", bbox_deg=(10, 49, 11, 51)), "csv")
    for _ in range(export_files.OPEN_MAX):
        asked(resources, alice, job_id)
    with pytest.raises(TooManyExports):
        asked(resources, alice, job_id)


def test_a_deleted_export_is_gone_with_its_file_and_deleting_it_again_is_no_error(resources, alice, bob):
    export = made_export(resources, alice, finished_job(resources, alice))
    assert len(stored_keys(resources)) == 1
    for _ in range(2):
        export_files.delete_export(resources, alice, export.id)
    assert stored_keys(resources) == []
    assert export_files.list_exports(resources, alice) == []
    for ask in (export_files.get_export, export_files.export_file):
        with pytest.raises(NotFound):
            ask(resources, alice, export.id)
    with pytest.raises(NotFound):
        export_files.delete_export(resources, bob, export.id)


def test_an_export_that_is_deleted_while_it_is_written_is_left_off(resources, alice, monkeypatch):
    export = asked(resources, alice, finished_job(resources, alice))
    put_file = type(resources.storage).put_file

    def delete_first(storage, key, path):
        export_files.delete_export(resources, alice, export.id)
        put_file(storage, key, path)

    monkeypatch.setattr(type(resources.storage), "put_file", delete_first)
    assert worked(resources, export.id) is None
    assert stored_keys(resources) == []


def test_deleting_what_an_export_came_from_deletes_it(resources, alice):
    job_id = finished_job(resources, alice)
    done, waiting = made_export(resources, alice, job_id), asked(resources, alice, job_id)
    scenes.delete_scene(resources, alice, get_job(resources, alice, job_id).scene_id)
    for export in (done, waiting):
        with pytest.raises(NotFound):
            export_files.get_export(resources, alice, export.id)
    assert worked(resources, waiting.id) is None
    assert maintenance.remove_orphan_files(resources, age_s=-1) == 1
    assert stored_keys(resources) == []


def test_deleting_a_person_deletes_their_exports(resources, alice):
    box = FootprintQuery(bbox_deg=(10, 49, 11, 51))
    export = export_files.submit_export(resources, alice, box, "csv")
    worked(resources, export.id)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("DELETE FROM users"))
    assert maintenance.remove_orphan_files(resources, age_s=-1) == 1
    assert stored_keys(resources) == []


def test_files_that_are_in_use_stay_and_expired_ones_go(resources, alice):
    export = made_export(resources, alice, finished_job(resources, alice))
    assert maintenance.remove_orphan_files(resources, age_s=-1) == 0
    assert maintenance.cleanup_old_jobs(resources).exports == 0
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE exports SET expires_at = 1"))
    with pytest.raises(NotFound):  # before the cleanup, too
        export_files.export_file(resources, alice, export.id)
    assert maintenance.cleanup_old_jobs(resources).exports == 1
    assert stored_keys(resources) == []


def test_a_silent_worker_loses_its_export_and_can_write_nothing_more(resources, alice):
    export = asked(resources, alice, finished_job(resources, alice))
    for attempt in (1, 2, 3):
        claim = export_leases.claim(resources, export.id, WORKER)
        assert claim.attempt == attempt
        assert export_leases.claim(resources, export.id, "second") is None
        assert reconcile_exports(resources) == 0
        run_out(resources)
        assert reconcile_exports(resources) == 1
        assert export_leases.heartbeat(resources, claim, 5).lost
        assert export_leases.look(resources, claim).lost
        with pytest.raises(ExportLost):
            export_leases.succeed(resources, claim, MadeFile("exports/x", 1, "0" * 64))
    failed = export_files.get_export(resources, alice, export.id)
    assert (failed.state, failed.error_code, failed.rows_done) == ("failed", "WorkerLost", 0)


def test_what_a_killed_attempt_left_is_swept(resources, alice):
    export = asked(resources, alice, finished_job(resources, alice))
    first = export_leases.claim(resources, export.id, WORKER)
    left = scratch_of(resources, first)
    (left.__enter__() / "half").write_bytes(b"half a file")
    assert sweep_scratch(resources) == 0  # it is held
    run_out(resources)
    reconcile_exports(resources)
    assert sweep_scratch(resources) == 1
    second = scratch_of(resources, replace(first, lease_epoch=7))
    (second.__enter__() / "half").write_bytes(b"half a file")
    assert worked(resources, export.id) is ExportState.SUCCEEDED
    assert list((resources.settings.data_dir / "scratch").iterdir()) == []


def test_an_error_of_ours_is_tried_again_and_then_ends_with_a_code(resources, alice, monkeypatch):
    export = asked(resources, alice, finished_job(resources, alice))

    def broken(*given, **named):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("webapp.tasks.exporting.write_file", broken)
    assert [worked(resources, export.id) for _ in range(4)] == ["queued", "queued", "failed", None]
    failed = export_files.get_export(resources, alice, export.id)
    assert failed.error_code == "TooManyAttempts"
    assert "RuntimeError" in failed.error_message


def test_a_worker_that_is_shut_down_hands_the_export_back_uncounted(resources, alice):
    export = asked(resources, alice, finished_job(resources, alice))
    assert run_export(ExportContext(resources, WORKER, lambda: True), export.id) is ExportState.QUEUED
    assert export_files.get_export(resources, alice, export.id).attempt == 0
    assert worked(resources, export.id) is ExportState.SUCCEEDED


def test_messages_are_sent_once_and_again_when_the_broker_lost_them(make_resources, alice, broker):
    resources = make_resources(redis_url=broker.url, broker_timeout_s=1.0, republish_s=0.1)
    job_id = finished_job(resources, alice)
    for _ in range(3):
        asked(resources, alice, job_id)
    assert publish_exports(resources) == 3
    assert publish_exports(resources) == 0
    assert resources.queue.waiting("exports") == 3
    time.sleep(0.3)
    assert reconcile_exports(resources) == 0
    broker.lose_everything()
    assert reconcile_exports(resources) == 3
    assert publish_exports(resources) == 3
    broker.kill()
    asked(resources, alice, job_id)
    assert publish_exports(resources) == 0
    broker.start()
    assert publish_exports(resources) == 1
