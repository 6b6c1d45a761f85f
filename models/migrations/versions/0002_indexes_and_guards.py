"""What each database does in its own way: the spatial index, valid geometries, and the guard of terminal job states."""

from alembic import op

revision = "0002"
down_revision = "0001"

TERMINAL = "('succeeded', 'failed', 'cancelled', 'dead')"

POSTGIS_UP = (
    "CREATE INDEX ix_building_footprints_geometry ON building_footprints USING gist (geometry)",
    """ALTER TABLE building_footprints ADD CONSTRAINT ck_building_footprints_geometry_valid CHECK (
        ST_IsValid(geometry) AND NOT ST_IsEmpty(geometry) AND GeometryType(geometry) IN ('POLYGON', 'MULTIPOLYGON'))""",
    f"""CREATE FUNCTION refuse_move_out_of_terminal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state IN {TERMINAL} THEN
            RAISE EXCEPTION 'job % is %: nothing follows', OLD.id, OLD.state USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE TRIGGER processing_jobs_terminal BEFORE UPDATE OF state ON processing_jobs
       FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refuse_move_out_of_terminal()""",
)
POSTGIS_DOWN = (
    "DROP TRIGGER processing_jobs_terminal ON processing_jobs",
    "DROP FUNCTION refuse_move_out_of_terminal()",
    "ALTER TABLE building_footprints DROP CONSTRAINT ck_building_footprints_geometry_valid",
    "DROP INDEX ix_building_footprints_geometry",
)

# An envelope over the antimeridian (max_lon > 180) stands on both sides, as its parts do in PostGIS' index.
ENVELOPE = """NEW.id, CASE WHEN NEW.max_lon > 180 THEN -180 ELSE NEW.min_lon END,
    CASE WHEN NEW.max_lon > 180 THEN 180 ELSE NEW.max_lon END, NEW.min_lat, NEW.max_lat"""
SQLITE_UP = (
    "CREATE VIRTUAL TABLE building_footprints_rtree USING rtree(id, min_lon, max_lon, min_lat, max_lat)",
    f"""CREATE TRIGGER building_footprints_rtree_insert AFTER INSERT ON building_footprints BEGIN
        INSERT INTO building_footprints_rtree VALUES ({ENVELOPE}); END""",
    f"""CREATE TRIGGER building_footprints_rtree_update
        AFTER UPDATE OF id, min_lon, max_lon, min_lat, max_lat ON building_footprints BEGIN
        DELETE FROM building_footprints_rtree WHERE id = OLD.id;
        INSERT INTO building_footprints_rtree VALUES ({ENVELOPE}); END""",
    """CREATE TRIGGER building_footprints_rtree_delete AFTER DELETE ON building_footprints BEGIN
        DELETE FROM building_footprints_rtree WHERE id = OLD.id; END""",
    f"""CREATE TRIGGER processing_jobs_terminal BEFORE UPDATE OF state ON processing_jobs
        WHEN OLD.state IN {TERMINAL} AND NEW.state IS NOT OLD.state BEGIN
        SELECT RAISE(ABORT, 'the job is finished: nothing follows'); END""",
)
SQLITE_DOWN = (
    "DROP TRIGGER processing_jobs_terminal",
    "DROP TRIGGER building_footprints_rtree_delete",
    "DROP TRIGGER building_footprints_rtree_update",
    "DROP TRIGGER building_footprints_rtree_insert",
    "DROP TABLE building_footprints_rtree",
)


def upgrade() -> None:
    for statement in POSTGIS_UP if _is_postgis() else SQLITE_UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in POSTGIS_DOWN if _is_postgis() else SQLITE_DOWN:
        op.execute(statement)


def _is_postgis() -> bool:
    return op.get_bind().dialect.name == "postgresql"
