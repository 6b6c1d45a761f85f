"""`./run bench row_security`: what the policies of PostgreSQL cost the queries that people wait for.

Two people own half of the footprints each. The same services run with the policies in force, with them but without the
mark that lets searches by place use the index (docs/operations.md), and without any, in turns. The time is that of the
processor in the server's process, and of this process. Parallel workers are off: their time would be in neither.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import text

from auth.principals import SYSTEM, Principal
from benchmarks.made_city import city_batches
from benchmarks.report import Row, publish, read_options, row_of
from models.footprint_writes import insert_footprints
from models.job_states import JobState
from tests.support.jobs import submit
from tests.support.people import make_person
from tests.support.postgres import SUPERUSER, running_server
from webapp.database import migrate
from webapp.resources import Resources, open_resources
from webapp.services import footprint_pages, footprints, jobs, leases, profile
from webapp.services.footprint_pages import PageQuestion
from webapp.services.footprints import FootprintQuery
from webapp.settings import load_settings

ROWS, QUICK_ROWS = 200_000, 20_000
BATCH_ROWS = 20_000
ROUNDS, REPEATS = 6, 5
TABLES = ("users", "processing_jobs", "scenes", "file_storage", "building_footprints", "quota_uses")
MODES = {
    "policies": ("ENABLE", "FORCE", "LEAKPROOF"),
    "policies, not LEAKPROOF": ("ENABLE", "FORCE", "NOT LEAKPROOF"),
    "no policies": ("DISABLE", "NO FORCE", "LEAKPROOF"),
}
SETTINGS = "ALTER ROLE CURRENT_USER SET max_parallel_workers_per_gather = 0"

type Case = Callable[[], object]


def main(arguments: Sequence[str] = ()) -> int:
    """Fill a database, and time every case in all modes."""
    options = read_options("row_security", arguments)
    with tempfile.TemporaryDirectory() as folder, filled(QUICK_ROWS if options.quick else ROWS, Path(folder)) as found:
        rows = measure(*found)
    publish("row_security", rows, options.json)
    return 0


@contextmanager
def filled(count: int, folder: Path) -> Iterator[tuple[Resources, Principal, str]]:
    """Give a database in which two people own `count` footprints, one of the two, and the superuser's address."""
    with running_server() as server, server.fresh_database(server.make_template()) as url:
        settings = load_settings(data_dir=folder, database_url=url)
        migrate(settings.database_address)
        resources = open_resources(settings)
        try:
            people = [make_person(resources, name) for name in ("ada", "ben")]
            for person in people:
                fill(resources, person, count // 2)
            connection = resources.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            with connection:
                connection.execute(text("VACUUM ANALYZE"))
                connection.execute(text(SETTINGS))
            resources.database.close()  # the setting is for new connections
            yield resources, people[0], server.url(url.rpartition("/")[2], SUPERUSER)
        finally:
            resources.close()


def fill(resources: Resources, person: Principal, count: int) -> None:
    """Give a person footprints."""
    claim = leases.claim(resources, submit(resources, person).id, "bench")
    if claim is None:
        raise RuntimeError("the job cannot be claimed")
    leases.completed_parts(resources, claim, "0123456789ab" * 5, "footprints-0.2.0")
    for frame in city_batches(count, BATCH_ROWS):
        with resources.database.write(SYSTEM) as session:
            insert_footprints(session, claim.source, frame.assign(raw_geometry=frame.geometry))
    leases.finish(resources, claim, JobState.SUCCEEDED)


def cases(resources: Resources, person: Principal) -> dict[str, Case]:
    """Return what is timed, by name."""
    everything = FootprintQuery()
    first = footprints.list_footprints(resources, person, everything, 1)
    west, south, *_ = map(float, first.total_bounds)
    place = FootprintQuery(bbox_deg=(west, south, west + 0.002, south + 0.002))
    page = partial(footprint_pages.list_page, resources, person)
    return {
        "one's account": partial(profile.own_profile, resources, person),
        "count": partial(footprints.count, resources, person, everything),
        "statistics": partial(footprints.statistics, resources, person, everything),
        "page by id": partial(page, PageQuestion(everything, limit=100)),
        "page by area": partial(page, PageQuestion(everything, sort="-area_m2", limit=100)),
        "page of a place": partial(page, PageQuestion(place, limit=100)),
        "count of a place": partial(footprints.count, resources, person, place),
        "statistics of a place": partial(footprints.statistics, resources, person, place),
        "building at a point": partial(
            footprints.footprint_at, resources, person, west + 1e-5, south + 1e-5, everything
        ),
        "list of jobs": partial(jobs.list_jobs, resources, person),
    }


def measure(resources: Resources, person: Principal, superuser: str) -> list[Row]:
    """Time each case in all modes, in turns."""
    with resources.database.read(SYSTEM) as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    schedule = Path(f"/proc/{pid}/schedstat")
    timed: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for mode in MODES:
            switch(resources, superuser, mode)
            for name, look in cases(resources, person).items():
                look()  # plans and pages are warm
                timed.setdefault((name, mode), []).extend(clocked(schedule, look) for _ in range(REPEATS))
    rows = []
    for (name, mode), times in timed.items():
        rows.append(row_of(mode, name, "server", "ms", [server for server, _ in times]))
        rows.append(row_of(mode, name, "here", "ms", [here for _, here in times]))
    return sorted(rows, key=lambda row: list(cases(resources, person)).index(row.case))


def switch(resources: Resources, superuser: str, mode: str) -> None:
    """Put the policies in force, or out of it."""
    *policies, mark = MODES[mode]
    with resources.database.write(SYSTEM) as session:
        for table in TABLES:
            for how in policies:
                session.execute(text(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY"))
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"ALTER FUNCTION geometry_overlaps(geometry, geometry) {mark}")


def clocked(schedule: Path, look: Case) -> tuple[float, float]:
    """Return milliseconds of processor time in the server's process and in this one."""
    before, began_s = int(schedule.read_text().split()[0]), time.process_time()
    look()
    here_s = time.process_time() - began_s
    return (int(schedule.read_text().split()[0]) - before) * 1e-6, here_s * 1e3
