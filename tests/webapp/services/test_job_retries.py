import json

import pytest
import shapely
from shapely.geometry import mapping
from sqlalchemy import text

from auth.principals import SYSTEM
from models.job_states import TERMINAL, JobState
from processing.params import ExtractionParams
from tests.support.jobs import add_scene, submit
from tests.support.people import make_person
from webapp.building_errors import JobNotRetryable
from webapp.errors import NotFound, QuotaExceeded
from webapp.services import jobs, leases
from webapp.services.imports import ImportOptions, delete_import, get_import, submit_import
from webapp.services.job_retries import retry_job
from webapp.services.job_statistics import job_statistics
from webapp.services.uploads import begin_upload


def end(resources, job_id, state):
    with resources.database.write(SYSTEM) as session:
        values = "state = :state, started_at = 100, finished_at = 130, footprint_count = 7"
        session.execute(text(f"UPDATE processing_jobs SET {values} WHERE id = :id"), {"state": state, "id": job_id})


def test_what_did_not_succeed_is_asked_for_again_with_the_same_parameters(resources, alice, bob):
    params = ExtractionParams(min_confidence=0.7, window_px=256)
    aoi = mapping(shapely.box(10.01, 49.91, 10.02, 49.92))
    first = jobs.submit_extraction(resources, alice, add_scene(resources, alice), params, aoi)
    with pytest.raises(JobNotRetryable, match="queued"):
        retry_job(resources, alice, first.id)
    end(resources, first.id, "dead")
    with pytest.raises(NotFound):
        retry_job(resources, bob, first.id)
    again = retry_job(resources, alice, first.id)
    assert again.id != first.id
    assert (again.state, again.attempt, again.footprint_count) == ("queued", 0, 0)
    assert (again.params, again.aoi_geojson, again.scene_id) == (first.params, first.aoi_geojson, first.scene_id)
    assert leases.claim(resources, again.id, "w") is not None
    assert jobs.get_job(resources, alice, first.id).state == "dead"


def test_each_state_says_whether_there_is_something_to_retry(resources, alice):
    for state in sorted(TERMINAL):
        job = submit(resources, alice)
        end(resources, job.id, state)
        if state is JobState.SUCCEEDED:
            with pytest.raises(JobNotRetryable):
                retry_job(resources, alice, job.id)
        else:
            assert retry_job(resources, alice, job.id).state == "queued"


def test_a_retry_spends_quota(make_resources, alice):
    resources = make_resources(free_jobs_per_hour=2)
    job = submit(resources, alice)
    end(resources, job.id, "failed")
    retry_job(resources, alice, job.id)
    with pytest.raises(QuotaExceeded):
        retry_job(resources, alice, job.id)


def test_an_import_is_read_again_from_a_file_of_its_own(resources, alice):
    geometry = mapping(shapely.box(10, 49, 10.0001, 49.0001))
    features = [{"type": "Feature", "properties": {"ref": "a"}, "geometry": geometry}]
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    with begin_upload(resources, alice, "city.geojson") as upload:
        upload.write(content)
        received = upload.finish()
    options = ImportOptions(source_id_column="ref")
    first = submit_import(resources, alice, received, options).job
    jobs.cancel_job(resources, alice, first.id)
    again = retry_job(resources, alice, first.id)
    assert (again.file_name, again.params, again.state) == ("city.geojson", options.to_json(), "queued")
    delete_import(resources, alice, first.id)
    claim = leases.claim(resources, again.id, "w")
    assert b"".join(resources.storage.read(claim.storage_key, 0, len(content))) == content
    assert get_import(resources, alice, again.id).report["rows_read"] == 1


def test_sums_are_of_ones_own_jobs_and_of_all_for_administrators(resources, alice, bob, administrator):
    for person, state in ((alice, "failed"), (alice, "succeeded"), (bob, "succeeded")):
        end(resources, submit(resources, person).id, state)
    submit(resources, alice)
    hers = job_statistics(resources, alice)
    assert hers.by_state == dict.fromkeys(map(str, JobState), 0) | {"failed": 1, "succeeded": 1, "queued": 1}
    assert (hers.jobs, hers.footprints, hers.processing_s, hers.mean_processing_s) == (3, 14, 60.0, 30.0)
    everybody = job_statistics(resources, administrator)
    assert (everybody.jobs, everybody.footprints, everybody.processing_s) == (4, 21, 90.0)
    nobody = job_statistics(resources, make_person(resources, "nobody"))
    assert (nobody.jobs, nobody.footprints, nobody.processing_s, nobody.mean_processing_s) == (0, 0, 0.0, None)
