"""Uploads that go on where they broke off."""

import sqlalchemy as sa
from alembic import op

from models.base import now_s
from models.migrations.row_security import protect_owned

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("length_bytes", sa.BigInteger(), nullable=False),
        sa.Column("offset_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.CheckConstraint("purpose IN ('scene', 'extraction', 'import')", name=op.f("ck_uploads_purpose_known")),
        sa.CheckConstraint("state IN ('open', 'finished', 'refused')", name=op.f("ck_uploads_state_known")),
        sa.CheckConstraint("offset_bytes >= 0 AND offset_bytes <= length_bytes", name=op.f("ck_uploads_offset_within")),
        sa.CheckConstraint("(outcome IS NULL) = (state = 'open')", name=op.f("ck_uploads_outcome_at_its_end")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_uploads_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_owner_id_created_at"), "uploads", ["owner_id", "created_at"])
    op.create_index(op.f("ix_uploads_expires_at"), "uploads", ["expires_at"])
    protect_owned("uploads")


def downgrade() -> None:
    op.drop_table("uploads")
