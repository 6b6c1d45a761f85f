"""Single footprints can be removed, which the change feed tells; and lists of them have indexes to be sorted by."""

import sqlalchemy as sa
from alembic import op

from models.migrations.sqlite_definition import rewrite_definition

revision = "0008"
down_revision = "0007"

KINDS = {"old": "('stored', 'removed')", "new": "('stored', 'removed', 'deleted')"}
FOOTPRINT_ID = """footprint_id BIGINT CONSTRAINT ck_footprint_changes_footprint_when_deleted
    CHECK ((kind = 'deleted') = (footprint_id IS NOT NULL))"""
SORTED_BY = ("area_m2", "confidence", "created_at")


def upgrade() -> None:
    _change_kinds("old", "new")
    op.execute(f"ALTER TABLE footprint_changes ADD COLUMN {FOOTPRINT_ID}")
    for column in SORTED_BY:
        op.create_index(_index(column), "building_footprints", ["owner_id", column, "id"])


def downgrade() -> None:
    for column in SORTED_BY:
        op.drop_index(_index(column), "building_footprints")
    op.drop_column("footprint_changes", "footprint_id")
    # A change from long ago has an index that has not followed it built anew: it cannot be told what was deleted.
    op.execute("UPDATE footprint_changes SET kind = 'removed', job_id = '', created_at = 0 WHERE kind = 'deleted'")
    _change_kinds("new", "old")


def _index(column: str) -> str:
    return op.f(f"ix_building_footprints_owner_id_{column}_id")


def _change_kinds(before: str, after: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_footprint_changes_kind_known"), "footprint_changes")
        op.create_check_constraint(
            op.f("ck_footprint_changes_kind_known"), "footprint_changes", sa.text(f"kind IN {KINDS[after]}")
        )
    else:
        changes = [(f"kind IN {KINDS[before]}", f"kind IN {KINDS[after]}")]
        rewrite_definition(op.get_bind(), "footprint_changes", changes)
