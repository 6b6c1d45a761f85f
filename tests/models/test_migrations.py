import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError

from auth.principals import SYSTEM, Principal, Role
from models.job import WorkerBeat
from models.job_states import MOVES, TERMINAL, JobState, sources_of
from models.migrations.compare import include_object
from models.tables import metadata
from tests.support.jobs import add_scene
from webapp.database import migrate, open_database
from webapp.settings import load_settings


@pytest.fixture
def address(database_url):
    return load_settings(database_url=database_url).database_address


def test_up_down_up_leaves_the_tables_of_the_models(address):
    migrate(address)
    migrate(address, "base")
    database = open_database(address)
    left = set(inspect(database.engine).get_table_names()) - {"alembic_version", "spatial_ref_sys"}
    assert left == set()
    migrate(address)
    migrate(address)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": include_object, "compare_type": False})
        assert compare_metadata(context, metadata) == []
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())
    database.close()


def test_moves_lead_into_every_state_but_the_first_and_out_of_no_terminal_one():
    assert {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.DEAD} == TERMINAL
    assert sources_of(JobState.SUCCEEDED) == {JobState.RUNNING}
    assert all(sources_of(state) for state in JobState)
    assert all(MOVES[state] == frozenset() for state in TERMINAL)


@pytest.mark.parametrize(
    ("terminal", "target"),
    [
        (terminal, target)
        for terminal in sorted(TERMINAL)
        for target in ("queued", "running", "failed", "dead")
        if terminal != target
    ],
)
def test_the_database_itself_refuses_moves_out_of_a_terminal_state(resources, alice, terminal, target):
    scene_id = add_scene(resources, alice)
    insert = (
        "INSERT INTO processing_jobs (id, owner_id, scene_id, params, max_attempts, state, finished_at) "
        "VALUES ('j', :owner, :scene, '{}', 3, :state, 1)"
    )
    with resources.database.write(SYSTEM) as session:
        session.execute(text(insert), {"owner": alice.user_id, "scene": scene_id, "state": terminal})
    with pytest.raises(DBAPIError), resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET state = :state"), {"state": target})


@pytest.mark.parametrize(
    "columns",
    [
        "state = 'succeeded'",
        "finished_at = 1",
        "lease_until = 1",
        "state = 'running'",
        "state = 'sleeping'",
        "attempt = 4",
        "attempt = -1",
    ],
)
def test_the_database_refuses_rows_that_contradict_themselves(resources, alice, columns):
    scene_id = add_scene(resources, alice)
    with resources.database.write(SYSTEM) as session:
        insert = (
            "INSERT INTO processing_jobs (id, owner_id, scene_id, params, max_attempts) VALUES ('j', :o, :s, '{}', 3)"
        )
        session.execute(text(insert), {"o": alice.user_id, "s": scene_id})
    with pytest.raises(DBAPIError), resources.database.write(SYSTEM) as session:
        session.execute(text(f"UPDATE processing_jobs SET {columns}"))


def test_jobs_of_older_versions_learn_their_ground_sampling_distance(address):
    migrate(address, "0002")
    database = open_database(address)
    rows = (
        "INSERT INTO users (id, username, password_hash, role) VALUES (1, 'ada', 'x', 'user')",
        "INSERT INTO file_storage (id, owner_id, storage_key, name, media_type, size_bytes, sha256) "
        "VALUES ('f', 1, 'k', 'a.tif', 'image/tiff', 1, 's')",
        "INSERT INTO scenes (id, owner_id, file_id, name, width_px, height_px, gsd_m, info) "
        "VALUES ('s', 1, 'f', 'a.tif', 1, 1, 0.3, '{}')",
        "INSERT INTO processing_jobs (id, owner_id, scene_id, params, max_attempts) VALUES ('plain', 1, 's', '{}', 3)",
        "INSERT INTO processing_jobs (id, owner_id, scene_id, params, max_attempts) "
        "VALUES ('given', 1, 's', '{\"gsd_m\": 0.5}', 3)",
    )
    with database.write(SYSTEM) as session:
        for row in rows:
            session.connection().exec_driver_sql(row)
    migrate(address)
    with database.write(SYSTEM) as session:
        found = dict(session.execute(text("SELECT id, gsd_m FROM processing_jobs")).all())
    assert found == {"plain": 0.3, "given": 0.5}
    database.close()


JOB_BEFORE_IMPORTS = (
    "INSERT INTO users (id, username, password_hash, role) VALUES (1, 'ada', 'x', 'user')",
    "INSERT INTO file_storage (id, owner_id, storage_key, name, media_type, size_bytes, sha256) "
    "VALUES ('f', 1, 'k', 'a.tif', 'image/tiff', 1, 's')",
    "INSERT INTO scenes (id, owner_id, file_id, name, width_px, height_px, gsd_m, info) "
    "VALUES ('s', 1, 'f', 'a.tif', 1, 1, 0.3, '{}')",
    "INSERT INTO processing_jobs (id, owner_id, scene_id, params, max_attempts, windows_done) "
    "VALUES ('j', 1, 's', '{}', 3, 7)",
)
FOOTPRINT = (
    "INSERT INTO building_footprints (job_id, scene_id, owner_id, footprint_key, geometry, area_m2, confidence, "
    "reg_method, reg_status, min_lon, min_lat, max_lon, max_lat) "
    "VALUES ('{job}', {scene}, 1, 'k', {geometry}, 5, {confidence}, 'none', 'kept', 0, 0, 1, 1)"
)


def test_what_was_there_before_imports_came_stays_and_what_they_need_is_let_in(address):
    migrate(address, "0004")
    database = open_database(address)
    geometry = "X'00'" if database.is_sqlite else "ST_MakeEnvelope(0, 0, 1, 1, 4326)"
    before = FOOTPRINT.format(job="j", scene="'s'", geometry=geometry, confidence=0.5)
    with database.write(SYSTEM) as session:
        for row in (*JOB_BEFORE_IMPORTS, before):
            session.connection().exec_driver_sql(row)
    migrate(address)
    wanted = "SELECT kind, scene_id, file_id, windows_done FROM processing_jobs"
    with database.write(SYSTEM) as session:
        assert session.execute(text(wanted)).all() == [("extraction", "s", None, 7)]
        imported = (
            "INSERT INTO processing_jobs (id, owner_id, kind, file_id, params, max_attempts) "
            "VALUES ('i', 1, 'import', 'f', '{}', 3)",
            FOOTPRINT.format(job="i", scene="NULL", geometry=geometry, confidence="NULL"),
        )
        for row in imported:
            session.connection().exec_driver_sql(row)
        if database.is_sqlite:
            assert session.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
    for broken in ("UPDATE processing_jobs SET scene_id = NULL", "UPDATE building_footprints SET confidence = 2"):
        with pytest.raises(DBAPIError), database.write(SYSTEM) as session:
            session.execute(text(broken))
    down_to(address, "0004")
    with database.write(SYSTEM) as session:
        assert session.execute(text("SELECT id, windows_done FROM processing_jobs")).all() == [("j", 7)]
        assert session.execute(text("SELECT job_id, confidence FROM building_footprints")).all() == [("j", 0.5)]
        if database.is_sqlite:
            assert session.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
            assert session.execute(text("SELECT count(*) FROM building_footprints_rtree")).scalar_one() == 1
    with pytest.raises(DBAPIError), database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET scene_id = NULL"))
    database.close()
    migrate(address)


EXPORT = (
    "INSERT INTO exports (id, owner_id, job_id, format, title, rows_total, max_attempts) "
    "VALUES ('e', 1, 'j', 'csv', 'a', 7, 3)"
)
KEY = (
    'INSERT INTO idempotency_keys (user_id, route, "key", token, {columns}) '
    "VALUES (1, 'POST /x', '{key}', 't', {values})"
)


def test_what_was_asked_for_before_requests_were_noted_stays(address):
    migrate(address, "0008")
    database = open_database(address)
    with database.write(SYSTEM) as session:
        for row in (*JOB_BEFORE_IMPORTS, EXPORT):
            session.connection().exec_driver_sql(row)
    migrate(address)
    with database.write(SYSTEM) as session:
        jobs = session.execute(text("SELECT id, windows_done, request_id FROM processing_jobs")).all()
        assert jobs == [("j", 7, None)]
        session.execute(text("UPDATE processing_jobs SET request_id = 'r'"))
        session.execute(text("UPDATE exports SET request_id = 'r'"))
        session.execute(text(KEY.format(key="good", columns="held_until", values="1")))
    for columns, values in (("status", "202"), ("held_until, status, body, meaning", "1, 202, '{}', 'm'")):
        with pytest.raises(DBAPIError), database.write(SYSTEM) as session:
            session.execute(text(KEY.format(key="bad", columns=columns, values=values)))
    down_to(address, "0008")
    with database.write(SYSTEM) as session:
        assert session.execute(text("SELECT id, windows_done FROM processing_jobs")).all() == [("j", 7)]
        assert session.execute(text("SELECT id, rows_total FROM exports")).all() == [("e", 7)]
        session.execute(text("UPDATE processing_jobs SET state = 'cancelled', finished_at = 1"))
    with pytest.raises(DBAPIError), database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET state = 'running', finished_at = NULL, lease_until = 1"))
    database.close()
    migrate(address)


def test_walls_go_up_around_what_was_there_and_down_again(address):
    migrate(address, "0008")
    database = open_database(address)
    with database.write(SYSTEM) as session:
        for row in (*JOB_BEFORE_IMPORTS, "INSERT INTO worker_beats (name, pid) VALUES ('main@host', 1)"):
            session.connection().exec_driver_sql(row)
    migrate(address)
    ada, ben = Principal(1, "ada", Role.USER), Principal(2, "ben", Role.USER)
    jobs = "SELECT id, windows_done FROM processing_jobs"
    with database.read(ada) as session:
        assert session.execute(text(jobs)).all() == [("j", 7)]
        assert session.execute(text("SELECT username, ended_at FROM users")).all() == [("ada", None)]
        assert session.scalar(select(WorkerBeat.queues)) == []
    with database.read(ben) as session:
        assert len(session.execute(text(jobs)).all()) == (1 if database.is_sqlite else 0)
    down_to(address, "0008")
    with database.read(ben) as session:
        assert session.execute(text(jobs)).all() == [("j", 7)]
        assert session.execute(text("SELECT name, pid FROM worker_beats")).all() == [("main@host", 1)]
        if not database.is_sqlite:
            left = "SELECT count(*) FROM pg_class WHERE relrowsecurity OR relforcerowsecurity"
            assert session.scalar(text(left)) == session.scalar(text("SELECT count(*) FROM pg_policy")) == 0
    database.close()
    migrate(address)


def down_to(address, revision):
    """Go back one step; `migrate` itself only goes forward, or empties the database."""
    from alembic import command
    from alembic.config import Config

    from webapp.database import MIGRATIONS

    database = open_database(address)
    with database.engine.execution_options(takes_write_lock=True).begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    database.close()


def test_parts_of_a_state_stay_as_extractions_where_older_versions_know_no_states(address):
    migrate(address, "0008")
    database = open_database(address)
    with database.write(SYSTEM) as session:
        for row in JOB_BEFORE_IMPORTS:
            session.connection().exec_driver_sql(row)
        before = "UPDATE processing_jobs SET state = 'running', lease_until = 5 WHERE id = 'j'"
        session.connection().exec_driver_sql(before)
    migrate(address)
    geometry = "X'00'" if database.is_sqlite else "ST_MakeEnvelope(0, 0, 1, 1, 4326)"
    with database.write(SYSTEM) as session:
        held = "SELECT id, kind, state, lease_until, parent_id, us_state FROM processing_jobs"
        assert session.execute(text(held)).all() == [("j", "extraction", "running", 5, None, None)]
        rows = (
            "INSERT INTO processing_jobs (id, owner_id, kind, us_state, params, max_attempts, state) "
            "VALUES ('whole', 1, 'state', 'PA', '{}', 3, 'running')",
            "INSERT INTO processing_jobs (id, owner_id, scene_id, parent_id, params, max_attempts) "
            "VALUES ('part', 1, 's', 'whole', '{}', 3)",
            FOOTPRINT.format(job="part", scene="'s'", geometry=geometry, confidence=0.5),
            "INSERT INTO job_messages (job_id, level, text) VALUES ('whole', 'info', 'one'), ('part', 'info', 'two')",
        )
        for row in rows:
            session.connection().exec_driver_sql(row)
    for broken in (
        "UPDATE processing_jobs SET us_state = NULL WHERE id = 'whole'",
        "UPDATE processing_jobs SET us_state = 'PA' WHERE id = 'j'",
        "UPDATE processing_jobs SET parent_id = 'part' WHERE id = 'whole'",
        "UPDATE processing_jobs SET lease_until = 5 WHERE id = 'whole'",
        "UPDATE processing_jobs SET lease_until = NULL WHERE id = 'j'",
        "DELETE FROM processing_jobs WHERE id = 'whole'",
    ):
        with pytest.raises(DBAPIError), database.write(SYSTEM) as session:
            session.execute(text(broken))
    down_to(address, "0008")
    with database.write(SYSTEM) as session:
        assert session.execute(text("SELECT id, kind FROM processing_jobs ORDER BY id")).all() == [
            ("j", "extraction"),
            ("part", "extraction"),
        ]
        assert session.execute(text("SELECT job_id FROM building_footprints")).all() == [("part",)]
        assert session.execute(text("SELECT job_id, text FROM job_messages")).all() == [("part", "two")]
        if database.is_sqlite:
            assert session.execute(text("PRAGMA integrity_check")).all() == [("ok",)]
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
    database.close()
    migrate(address)
