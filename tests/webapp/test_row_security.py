"""The second wall: PostgreSQL itself hides what is others', also from queries that forget to ask."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sqlalchemy import ForeignKey, create_engine, text
from sqlalchemy.exc import ProgrammingError

from auth.principals import SYSTEM, Principal, Role, Scope
from models.tables import metadata
from tests.conftest import NO_LIMITS, migrated_database
from tests.support.jobs import add_import
from tests.support.people import make_person
from tests.support.postgres import SUPERUSER
from tests.support.stored import finished_job
from webapp import row_security
from webapp.database import migrate
from webapp.errors import NotFound
from webapp.resources import open_resources
from webapp.services import (
    exports,
    files,
    footprint_edits,
    footprint_pages,
    footprints,
    imports,
    job_statistics,
    jobs,
    own_sessions,
    reviews,
    scenes,
    sessions,
)
from webapp.services.api_keys import create_key, list_keys
from webapp.services.export_files import get_export, list_exports, submit_export
from webapp.services.footprint_pages import PageQuestion
from webapp.services.footprints import FootprintQuery
from webapp.services.health import check_health
from webapp.settings import load_settings

NOBODYS = {"worker_beats"}
"""Belong to nobody: everybody may know whether there are workers."""


def town_of(resources, principal):
    """Give a person a row in (almost) every table; return the ids by what they are of."""
    job_id = finished_job(resources, principal, 6)
    sessions.open_browser_session(resources, principal)
    job = jobs.get_job(resources, principal, job_id)
    query = FootprintQuery()
    return {
        "job_id": job_id,
        "scene_id": job.scene_id,
        "file_id": files.list_files(resources, principal)[0].id,
        "import_id": add_import(resources, principal),
        "export_id": submit_export(resources, principal, FootprintQuery(job_id=job_id), "csv").id,
        "key_id": create_key(resources, principal, "a key", {Scope.READ}).view.id,
        "building_id": int(footprints.list_footprints(resources, principal, query)["id"].iloc[0]),
    }


@contextmanager
def towns_on(kind, request, folder):
    """Give two people who each have something: resources, the people, and the ids of what they have."""
    with migrated_database(kind, request, folder) as url:
        resources = open_resources(load_settings(**NO_LIMITS, data_dir=folder / "data", database_url=url))
        try:
            ada, ben = make_person(resources, "ada"), make_person(resources, "ben")
            yield resources, ada, ben, town_of(resources, ada), town_of(resources, ben)
        finally:
            resources.close()


@pytest.fixture(scope="module")
def walled(request, tmp_path_factory):
    """Two people with what is theirs on PostGIS."""
    with towns_on("postgis", request, tmp_path_factory.mktemp("walled")) as towns:
        yield towns


def owner_columns(table):
    """Return the columns that say whose a row is."""
    to_people = [
        column.name
        for column in table.columns
        if any(isinstance(key, ForeignKey) and key.target_fullname == "users.id" for key in column.foreign_keys)
    ]
    return to_people or [name for name in ("owner_id", "user_id", "actor_id") if name in table.columns]


def guarded(resources):
    """Return the tables with policies that hold for their owner, too."""
    forced = (
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity "
        "AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"
    )
    with resources.database.read(SYSTEM) as session:
        return set(session.scalars(text(forced)))


def test_every_table_has_a_policy_or_is_known_to_belong_to_nobody(walled):
    assert guarded(walled[0]) == set(metadata.tables) - NOBODYS
    assert not [name for name in NOBODYS if owner_columns(metadata.tables[name])]


def test_a_transaction_that_says_nothing_sees_and_writes_nothing(walled):
    resources, ada, *_ = walled
    with resources.database.engine.connect() as connection:
        for table in guarded(resources):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
        added = f"INSERT INTO quota_uses (user_id, kind, amount) VALUES ({ada.user_id}, 'jobs', 1)"
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(text(added))
    with resources.database.read(ada) as session:
        assert session.scalar(text("SELECT count(*) FROM scenes")) == 1
    with resources.database.engine.connect() as connection:  # the same connection, from the pool
        assert connection.scalar(text("SELECT count(*) FROM scenes")) == 0


def test_plain_selects_show_each_person_their_own_rows_alone(walled):
    resources, ada, ben, *_ = walled
    boss = Principal(10_000, "boss", Role.ADMIN)
    counts = {}
    for asker in (ada, ben, boss, SYSTEM):
        with resources.database.read(asker) as session:
            for table in guarded(resources):
                counts[table, asker] = session.scalar(text(f"SELECT count(*) FROM {table}"))
                columns = owner_columns(metadata.tables[table])
                if isinstance(asker, Principal) and asker is not boss and columns:
                    owners = set(session.scalars(text(f"SELECT DISTINCT {columns[0]} FROM {table}")))
                    assert owners <= {asker.user_id}, table
    for table in guarded(resources):
        everything = counts[table, SYSTEM]
        assert counts[table, boss] == everything
        assert counts[table, ada] + counts[table, ben] == everything, table
    empty = {table for table in guarded(resources) if counts[table, ada] == 0}
    # Nothing was made in these.
    assert empty == {"idempotency_keys", "job_parts", "mail_tokens", "oidc_identities", "uploads"}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO quota_uses (user_id, kind, amount) VALUES ({ben}, 'jobs', 1)",
        "UPDATE scenes SET owner_id = {ben}",
        "INSERT INTO audit_log (actor_id, actor_name, action, detail) VALUES ({ben}, 'ben', 'did', '{{}}')",
        "INSERT INTO audit_log (actor_name, action, detail) VALUES ('', 'did', '{{}}')",
        "INSERT INTO job_messages (job_id, level, text) VALUES ('{job_id}', 'info', 'hello')",
    ],
)
def test_nobody_writes_in_the_name_of_others(walled, statement):
    resources, ada, ben, _, others = walled
    with pytest.raises(ProgrammingError, match="row-level security"), resources.database.write(ada) as session:
        session.execute(text(statement.format(ben=ben.user_id, **others)))


def test_changes_and_removals_reach_ones_own_rows_alone(walled):
    resources, ada, *_ = walled
    with resources.database.read(ada) as session:  # never committed
        for table in ("api_keys", "login_sessions", "building_footprints", "job_messages", "export_parts"):
            own = session.scalar(text(f"SELECT count(*) FROM {table}"))
            assert session.execute(text(f"DELETE FROM {table}")).rowcount == own > 0
        for removal in ("DELETE FROM audit_log", "UPDATE audit_log SET action = 'nothing'"):
            assert session.execute(text(removal)).rowcount == 0


def everything_seen_by(resources, principal, others):
    """Read in every way that goes to the database, in one's own name, after what is somebody else's."""
    everything, query = FootprintQuery(), PageQuestion(FootprintQuery())
    job, scene = FootprintQuery(job_id=others["job_id"]), FootprintQuery(scene_id=others["scene_id"])
    batches = lambda found: sum(len(batch) for batch in found)  # noqa: E731
    building, job_id = others["building_id"], others["job_id"]
    target, accepted = footprint_edits.Target(building, "*"), {"review_state": "accepted"}
    yield "count", lambda: footprints.count(resources, principal, everything)
    yield "count of the job", lambda: footprints.count(resources, principal, job)
    yield "count of the scene", lambda: footprints.count(resources, principal, scene)
    yield "list", lambda: len(footprints.list_footprints(resources, principal, everything))
    yield "batches", lambda: batches(footprints.iter_batches(resources, principal, everything))
    yield "ids", lambda: batches(footprints.iter_ids(resources, principal, everything))
    chosen = [np.array([building])]
    yield "chosen", lambda: batches(footprints.iter_chosen(resources, principal, chosen))
    yield "statistics", lambda: footprints.statistics(resources, principal, everything).count
    yield "page", lambda: footprint_pages.list_page(resources, principal, query).batch.num_rows
    yield "page count", lambda: footprint_pages.count(resources, principal, query)
    there = FootprintQuery(bbox_deg=(9, 49, 11, 51))
    csv = lambda: exports.open_export(resources, principal, there, "csv")  # noqa: E731
    yield "stream", lambda: b"".join(csv().chunks).count(b"\n")
    yield "jobs", lambda: len(jobs.list_jobs(resources, principal))
    yield "job sums", lambda: job_statistics.job_statistics(resources, principal).jobs
    yield "scenes", lambda: len(scenes.list_scenes(resources, principal))
    yield "files", lambda: len(files.list_files(resources, principal))
    yield "imports", lambda: len(imports.list_imports(resources, principal))
    yield "exports", lambda: len(list_exports(resources, principal))
    yield "keys", lambda: len(list_keys(resources, principal))
    yield "sessions", lambda: len(own_sessions.list_sessions(resources, principal))
    yield "one building", lambda: footprint_edits.get_footprint(resources, principal, building)
    yield "one edited", lambda: footprint_edits.edit_footprint(resources, principal, target, accepted)
    yield "one reviewed", lambda: reviews.review(resources, principal, building, "accepted")
    yield "one job", lambda: jobs.get_job(resources, principal, job_id)
    yield "its log", lambda: jobs.job_messages(resources, principal, job_id)
    yield "its end", lambda: jobs.cancel_job(resources, principal, job_id)
    yield "one scene", lambda: scenes.get_scene(resources, principal, others["scene_id"])
    yield "its ground", lambda: scenes.get_scene_info(resources, principal, others["scene_id"])
    yield "one file", lambda: files.open_file(resources, principal, others["file_id"])
    yield "one import", lambda: imports.get_import(resources, principal, others["import_id"])
    yield "one export", lambda: get_export(resources, principal, others["export_id"])
    yield "one removed", lambda: footprint_edits.remove_footprint(resources, principal, target)
    yield "no scene any more", lambda: scenes.delete_scene(resources, principal, others["scene_id"])


def read(look):
    """Return a number, or that there is nothing."""
    try:
        found = look()
    except NotFound:
        return "nothing"
    except Exception as error:  # of the mutant on SQLite: it gets further than it should
        return f"something: {error!r}"
    return found if isinstance(found, int) else "something"


def leaks_without_filter(towns, monkeypatch):
    """Return how many reads there are, and which of them answer differently without the application's filter."""
    resources, ada, _, _, others = towns
    honest = {name: read(look) for name, look in everything_seen_by(resources, ada, others)}
    assert [name for name, found in honest.items() if str(found).startswith("something")] == []
    monkeypatch.setattr(Principal, "owner_filter", property(lambda self: None))
    mutant = {name: read(look) for name, look in everything_seen_by(resources, ada, others)}
    return len(mutant), [name for name, found in mutant.items() if found != honest[name]]


def test_with_the_applications_own_filter_taken_out_the_database_still_leaks_nothing(walled, monkeypatch):
    assert leaks_without_filter(walled, monkeypatch) == (32, [])


def test_without_the_second_wall_the_same_reads_do_leak(request, tmp_path, monkeypatch):
    with towns_on("sqlite", request, tmp_path) as towns:
        reads, leaks = leaks_without_filter(towns, monkeypatch)
        resources, ada, _, _, others = towns
        kept = [name for name, _ in everything_seen_by(resources, ada, others) if name not in leaks]
    assert reads == 32
    assert kept == ["keys", "sessions"]  # are found by one's own id in any case


def test_searches_by_place_use_the_spatial_index_behind_the_wall(walled):
    resources, ada, *_ = walled
    where = "geometry && ST_MakeEnvelope(10, 49.9, 10.001, 49.901, 4326)"
    with resources.database.read(ada) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN SELECT id FROM building_footprints WHERE {where}")))
    assert "ix_building_footprints_geometry" in plan


def test_health_says_where_the_wall_does_not_hold(walled, postgres_server):
    resources, *_ = walled
    name = resources.database.engine.url.database
    with resources.database.engine.connect() as connection:
        assert row_security.weaknesses(connection) == []
    assert check_health(resources).checks["database"].detail == "PostgreSQL"
    url = postgres_server.url(name, SUPERUSER)
    above = open_resources(load_settings(data_dir=resources.settings.data_dir, database_url=url))
    check = check_health(above).checks["database"]
    assert check.ok
    assert "row-level security is not in force: the database role is a superuser" in check.detail
    above.close()
    superuser = create_engine(load_settings(database_url=url).database_address)
    mark = "ALTER FUNCTION geometry_overlaps(geometry, geometry)"
    with superuser.begin() as connection:
        connection.execute(text(f"{mark} NOT LEAKPROOF"))
    assert "LEAKPROOF" in check_health(resources).checks["database"].detail
    with superuser.begin() as connection:
        connection.execute(text(f"{mark} LEAKPROOF"))
    superuser.dispose()


def test_an_installation_of_a_superuser_is_handed_over_as_documented(postgres_server, postgis_template, tmp_path):
    documented = Path("docs/operations.md").read_text().split("```sql\n")
    hand_over = next(block.partition("```")[0] for block in documented if block.startswith("DO $$"))
    with postgres_server.fresh_database(postgis_template) as url:
        above = postgres_server.url(url.rpartition("/")[2], SUPERUSER)
        migrate(load_settings(database_url=above).database_address)
        with psycopg.connect(above, autocommit=True) as connection:
            connection.execute("ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF")
            connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} OWNER TO {SUPERUSER}")
            connection.execute(hand_over)
        address = load_settings(database_url=url).database_address
        resources = open_resources(load_settings(data_dir=tmp_path, database_url=url))
        finished_job(resources, make_person(resources, "ada"), 3)
        with resources.database.engine.connect() as connection:
            assert row_security.weaknesses(connection) == []
        assert guarded(resources) == set(metadata.tables) - NOBODYS
        resources.close()
        migrate(address, "base")  # so all of it is the role's own


def test_a_backup_as_documented_is_whole_and_one_that_would_not_be_is_refused(walled, postgres_server):
    resources, *_ = walled
    url = postgres_server.url(resources.database.engine.url.database)
    dump = [str(postgres_server.bin / "pg_dump"), "--data-only", "--table=scenes", url]
    plain = subprocess.run(dump, capture_output=True, text=True, timeout=60)
    assert plain.returncode != 0
    assert "row-level security" in plain.stderr
    dump = ["env", "PGOPTIONS=-c app.role=system", *dump, "--enable-row-security"]
    whole = subprocess.run(dump, capture_output=True, text=True, timeout=60)
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.count("made.tif\t") == 2
