import os

from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.job import OutboxEntry, ProcessingJob
from models.job_states import JobState
from models.user import LoginSession
from tests.support.footprints import part_of
from tests.support.jobs import submit
from webapp.services import footprints, jobs, leases, sessions
from webapp.services.footprints import FootprintQuery
from webapp.services.maintenance import cleanup_old_jobs, remove_orphan_files


def count(resources, table):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(table))


def finished_job(resources, principal):
    claim = leases.claim(resources, submit(resources, principal).id, "w")
    leases.save_part(resources, claim, part_of(0, 1))
    leases.finish(resources, claim, JobState.SUCCEEDED)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET finished_at = finished_at - 40 * 86400.0"))
    return claim.job_id


def test_jobs_are_kept_unless_the_settings_say_otherwise(make_resources, alice):
    resources = make_resources()
    old = finished_job(resources, alice)
    waiting = submit(resources, alice).id
    assert cleanup_old_jobs(resources).jobs == 0
    assert count(resources, ProcessingJob) == 2
    assert count(resources, OutboxEntry) == 1
    assert cleanup_old_jobs(make_resources(job_retention_days=50)).jobs == 0
    assert cleanup_old_jobs(make_resources(job_retention_days=30)).jobs == 1
    assert [job.id for job in jobs.list_jobs(resources, alice)] == [waiting]
    assert footprints.count(resources, alice, FootprintQuery(job_id=old)) == 0


def test_sessions_that_ended_long_ago_go(resources, alice):
    sessions.open_browser_session(resources, alice)
    sessions.issue_tokens(resources, alice)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE login_sessions SET expires_at = 1 WHERE kind = 'browser'"))
    cleanup_old_jobs(resources)
    assert count(resources, LoginSession) == 1


def test_files_that_no_row_names_go_once_they_are_old(resources, tmp_path):
    for name in ("young", "old"):
        source = tmp_path / name
        source.write_bytes(b"content")
        resources.storage.put_file(f"scenes/{name}/file.tif", source)
    os.utime(resources.storage.local_path("scenes/old/file.tif"), (1, 1))
    assert remove_orphan_files(resources) == 1
    assert [key for key, _ in resources.storage.entries()] == ["scenes/young/file.tif"]
