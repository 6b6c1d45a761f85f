"""What people say of footprints, and the change feed that the footprint index beside the database follows."""

import sqlalchemy as sa
from alembic import op

from models.base import now_s

revision = "0004"
down_revision = "0003"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

STATES = "('unreviewed', 'accepted', 'rejected')"
COLUMNS = (
    "version INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_building_footprints_version_positive CHECK (version >= 1)",
    f"""review_state VARCHAR(16) DEFAULT 'unreviewed' NOT NULL
        CONSTRAINT ck_building_footprints_review_state_known CHECK (review_state IN {STATES})""",
    "change_key BIGINT DEFAULT 0 NOT NULL",
)


def upgrade() -> None:
    op.create_table(
        "footprint_changes",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("change_key", sa.BigInteger(), nullable=True),
        sa.Column("footprints", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.CheckConstraint("kind IN ('stored', 'removed')", name=op.f("ck_footprint_changes_kind_known")),
        sa.CheckConstraint(
            "(kind = 'stored') = (change_key IS NOT NULL)", name=op.f("ck_footprint_changes_key_when_stored")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_footprint_changes_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_footprint_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_footprint_changes_owner_id_id"), "footprint_changes", ["owner_id", "id"])
    for column in COLUMNS:  # in words, because Alembic cannot add a check to a table of SQLite
        op.execute(f"ALTER TABLE building_footprints ADD COLUMN {column}")
    op.create_index(op.f("ix_building_footprints_change_key"), "building_footprints", ["change_key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_building_footprints_change_key"), "building_footprints")
    for name in ("change_key", "review_state", "version"):
        op.drop_column("building_footprints", name)
    op.drop_table("footprint_changes")
