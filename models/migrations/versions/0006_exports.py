"""Exports as resources: the rows of prepared files, and the footprints that each is to hold."""

import sqlalchemy as sa
from alembic import op

from models.base import now_s

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _create_exports()
    for columns in (("owner_id", "created_at"), ("state", "lease_until"), ("expires_at",), ("job_id",), ("scene_id",)):
        op.create_index(op.f(f"ix_exports_{'_'.join(columns)}"), "exports", list(columns))
    _create_parts()


def downgrade() -> None:
    op.drop_table("export_parts")
    op.drop_table("exports")


def _create_exports() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("scene_id", sa.String(length=36), nullable=True),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="queued", nullable=False),
        sa.Column("rows_total", sa.BigInteger(), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("published_at", sa.Double(), nullable=True),
        sa.Column("storage_key", sa.String(length=255), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'deleted')", name=op.f("ck_exports_state_known")
        ),
        sa.CheckConstraint(
            "(lease_until IS NOT NULL) = (state = 'running')", name=op.f("ck_exports_leased_when_running")
        ),
        sa.CheckConstraint(
            "(storage_key IS NOT NULL) = (state = 'succeeded')", name=op.f("ck_exports_file_when_succeeded")
        ),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (state IN ('queued', 'running'))", name=op.f("ck_exports_finished_at_its_end")
        ),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (expires_at IS NULL)", name=op.f("ck_exports_expires_when_finished")
        ),
        sa.CheckConstraint("attempt >= 0 AND attempt <= max_attempts", name=op.f("ck_exports_attempts_bounded")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_exports_owner_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["processing_jobs.id"], name=op.f("fk_exports_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["scene_id"], ["scenes.id"], name=op.f("fk_exports_scene_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_exports_storage_key")),
    )


def _create_parts() -> None:
    op.create_table(
        "export_parts",
        sa.Column("export_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["exports.id"], name=op.f("fk_export_parts_export_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", "part", name=op.f("pk_export_parts")),
    )
