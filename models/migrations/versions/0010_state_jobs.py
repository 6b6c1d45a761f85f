"""Jobs of whole US states: a row that people see, and its parts, which are extractions."""

import sqlalchemy as sa
from alembic import op

from models.migrations.sqlite_definition import rewrite_definition

revision = "0010"
down_revision = "0009"

TABLE = "processing_jobs"
PARENT_KEY = " CONSTRAINT fk_processing_jobs_parent_id REFERENCES processing_jobs (id)"
COLUMNS = (
    f"parent_id VARCHAR(36){PARENT_KEY}",
    """us_state VARCHAR(2)
        CONSTRAINT ck_processing_jobs_us_state_when_state CHECK ((kind = 'state') = (us_state IS NOT NULL))
        CONSTRAINT ck_processing_jobs_part_is_extraction CHECK (parent_id IS NULL OR kind = 'extraction')""",
)
CHECKS = {
    "kind_known": ("kind IN ('extraction', 'import')", "kind IN ('extraction', 'import', 'state')"),
    "leased_when_running": (
        "(lease_until IS NOT NULL) = (state = 'running')",
        "(lease_until IS NOT NULL) = (state = 'running' AND kind <> 'state')",
    ),
}


def upgrade() -> None:
    for name, (before, after) in CHECKS.items():
        _change_check(name, before, after)
    for column in COLUMNS:  # in words, because Alembic cannot add a check to a table of SQLite
        op.execute(f"ALTER TABLE processing_jobs ADD COLUMN {column}")
    op.create_index(op.f("ix_processing_jobs_parent_id_state"), TABLE, ["parent_id", "state"])


def downgrade() -> None:
    """What the parts have found stays, as of extractions; the rows that held them together go."""
    op.drop_index(op.f("ix_processing_jobs_parent_id_state"), TABLE)
    op.execute("UPDATE processing_jobs SET parent_id = NULL")
    op.execute("DELETE FROM processing_jobs WHERE kind = 'state'")
    op.drop_column(TABLE, "us_state")  # the checks go with it
    if not _is_postgis():
        rewrite_definition(op.get_bind(), TABLE, [(PARENT_KEY, "")])
    op.drop_column(TABLE, "parent_id")
    for name, (before, after) in CHECKS.items():
        _change_check(name, after, before)


def _change_check(name: str, before: str, after: str) -> None:
    if _is_postgis():
        op.drop_constraint(op.f(f"ck_processing_jobs_{name}"), TABLE)
        op.create_check_constraint(op.f(f"ck_processing_jobs_{name}"), TABLE, sa.text(after))
    else:
        rewrite_definition(op.get_bind(), TABLE, [(before, after)])


def _is_postgis() -> bool:
    return op.get_bind().dialect.name == "postgresql"
