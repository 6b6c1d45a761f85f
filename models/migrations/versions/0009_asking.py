"""Requests that are done once (Idempotency-Key), and the id of the request that made a job or an export."""

import sqlalchemy as sa
from alembic import op

from models.base import now_s

revision = "0009"
down_revision = "0008"

MADE_BY_REQUESTS = ("processing_jobs", "exports")


def upgrade() -> None:
    for table in MADE_BY_REQUESTS:
        op.add_column(table, sa.Column("request_id", sa.String(64), nullable=True))
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("route", sa.String(100), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("held_until", sa.Double(), nullable=True),
        sa.Column("meaning", sa.String(64), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("location", sa.String(255), server_default="", nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.CheckConstraint(
            "(status IS NULL) = (held_until IS NOT NULL)", name=op.f("ck_idempotency_keys_held_or_answered")
        ),
        sa.CheckConstraint("(status IS NULL) = (body IS NULL)", name=op.f("ck_idempotency_keys_body_when_answered")),
        sa.CheckConstraint(
            "(status IS NULL) = (meaning IS NULL)", name=op.f("ck_idempotency_keys_meaning_when_answered")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    for table in MADE_BY_REQUESTS:
        op.drop_column(table, "request_id")
