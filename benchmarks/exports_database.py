"""A PostGIS of its own, filled with the made-up city in the tables of the product: what both read from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from auth.principals import SYSTEM
from benchmarks.made_city import city_batches
from models.footprint_writes import insert_footprints
from models.job_states import JobState
from tests.support.jobs import submit
from tests.support.people import make_person
from tests.support.postgres import running_server
from webapp.database import migrate
from webapp.resources import Resources, open_resources
from webapp.services import leases
from webapp.settings import load_settings

BATCH_ROWS = 20_000
COLUMNS = """f.id, f.job_id, f.scene_id, f.footprint_key, f.area_m2, f.confidence, f.reg_method, f.reg_iou,
f.reg_status, to_timestamp(f.created_at) AS created_at, f.review_state, j.gsd_m, j.weights_name AS weights,
substr(j.weights_sha256, 1, 12) AS weights_sha256, f.geometry"""
SAME_ROWS = f"SELECT {COLUMNS} FROM building_footprints f JOIN processing_jobs j ON j.id = f.job_id"
"""What an export holds, in SQL for the peer."""


@contextmanager
def filled_database(count: int, folder: Path) -> Iterator[str]:
    """Give the address of a database with `count` footprints of one job."""
    with running_server() as server, server.fresh_database(server.make_template()) as url:
        settings = load_settings(data_dir=folder, database_url=url)
        migrate(settings.database_address)
        resources = open_resources(settings)
        try:
            _fill(resources, count)
            with resources.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE building_footprints"))
        finally:
            resources.close()
        yield url


def _fill(resources: Resources, count: int) -> None:
    claim = leases.claim(resources, submit(resources, make_person(resources, "city")).id, "bench")
    if claim is None:
        raise RuntimeError("the job cannot be claimed")
    leases.completed_parts(resources, claim, "0123456789ab" * 5, "footprints-0.2.0")
    for frame in city_batches(count, BATCH_ROWS):
        with resources.database.write(SYSTEM) as session:
            insert_footprints(session, claim.source, frame.assign(raw_geometry=frame.geometry))
    leases.finish(resources, claim, JobState.SUCCEEDED)
