"""All tables."""

import sqlalchemy as sa
from alembic import op

from models.base import now_s
from models.geometry_type import geometry_type_of

revision = "0001"
down_revision = None

TABLES = (
    "users",
    "login_sessions",
    "worker_beats",
    "file_storage",
    "scenes",
    "processing_jobs",
    "job_outbox",
    "job_parts",
    "job_messages",
    "building_footprints",
)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    _create_accounts()
    _create_scenes()
    _create_jobs()
    _create_job_rows()
    _create_footprints()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_accounts() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.CheckConstraint("role IN ('user', 'administrator')", name=op.f("ck_users_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("cookie_hash", sa.String(length=64), nullable=True),
        sa.Column("refresh_hash", sa.String(length=64), nullable=True),
        sa.Column("previous_refresh_hash", sa.String(length=64), nullable=True),
        sa.Column("previous_until", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("seen_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("close_reason", sa.String(length=32), nullable=True),
        sa.CheckConstraint("kind IN ('browser', 'api')", name=op.f("ck_login_sessions_kind_known")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_login_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("cookie_hash", name=op.f("uq_login_sessions_cookie_hash")),
    )
    op.create_index(op.f("ix_login_sessions_expires_at"), "login_sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_login_sessions_user_id"), "login_sessions", ["user_id"], unique=False)
    op.create_table(
        "worker_beats",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("seen_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker_beats")),
    )


def _create_scenes() -> None:
    op.create_table(
        "file_storage",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("storage_key", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_file_storage_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_storage")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_file_storage_storage_key")),
    )
    op.create_index(op.f("ix_file_storage_owner_id"), "file_storage", ["owner_id"], unique=False)
    op.create_index(op.f("ix_file_storage_sha256"), "file_storage", ["sha256"], unique=False)
    op.create_table(
        "scenes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("gsd_m", sa.Double(), nullable=False),
        sa.Column("info", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file_storage.id"], name=op.f("fk_scenes_file_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_scenes_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenes")),
        sa.UniqueConstraint("file_id", name=op.f("uq_scenes_file_id")),
    )
    op.create_index(op.f("ix_scenes_owner_id_created_at"), "scenes", ["owner_id", "created_at"], unique=False)


def _create_jobs() -> None:
    op.create_table(
        "processing_jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("scene_id", sa.String(length=36), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("aoi_geojson", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("state", sa.String(length=16), server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("cancel_requested_at", sa.Double(), nullable=True),
        sa.Column("windows_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("windows_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("footprint_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("windows_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempt_started_at", sa.Double(), nullable=True),
        sa.Column("progress_at", sa.Double(), nullable=True),
        sa.Column("weights_sha256", sa.String(length=64), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled', 'dead'))",
            name=op.f("ck_processing_jobs_finished_when_terminal"),
        ),
        sa.CheckConstraint(
            "(lease_until IS NOT NULL) = (state = 'running')", name=op.f("ck_processing_jobs_leased_when_running")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running') OR state IN ('succeeded', 'failed', 'cancelled', 'dead')",
            name=op.f("ck_processing_jobs_state_known"),
        ),
        sa.CheckConstraint(
            "attempt >= 0 AND attempt <= max_attempts", name=op.f("ck_processing_jobs_attempts_bounded")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_processing_jobs_owner_id")),
        sa.ForeignKeyConstraint(["scene_id"], ["scenes.id"], name=op.f("fk_processing_jobs_scene_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processing_jobs")),
    )
    op.create_index(
        "ix_processing_jobs_open",
        "processing_jobs",
        ["state", "lease_until"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        op.f("ix_processing_jobs_owner_id_created_at"), "processing_jobs", ["owner_id", "created_at"], unique=False
    )
    op.create_index(op.f("ix_processing_jobs_scene_id"), "processing_jobs", ["scene_id"], unique=False)


def _create_job_rows() -> None:
    op.create_table(
        "job_outbox",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("published_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["processing_jobs.id"], name=op.f("fk_job_outbox_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_outbox")),
    )
    op.create_index(op.f("ix_job_outbox_job_id"), "job_outbox", ["job_id"], unique=False)
    op.create_index("ix_job_outbox_unpublished", "job_outbox", ["published_at", "id"], unique=False)
    op.create_table(
        "job_parts",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["processing_jobs.id"], name=op.f("fk_job_parts_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "part", name=op.f("pk_job_parts")),
    )
    op.create_table(
        "job_messages",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["processing_jobs.id"], name=op.f("fk_job_messages_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_messages")),
    )
    op.create_index(op.f("ix_job_messages_job_id"), "job_messages", ["job_id"], unique=False)


def _create_footprints() -> None:
    op.create_table(
        "building_footprints",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("scene_id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("footprint_key", sa.String(length=64), nullable=False),
        sa.Column("geometry", geometry_type_of(op.get_bind().dialect), nullable=False),
        sa.Column("raw_geometry", geometry_type_of(op.get_bind().dialect), nullable=True),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("reg_method", sa.String(length=32), nullable=False),
        sa.Column("reg_iou", sa.Double(), nullable=True),
        sa.Column("reg_status", sa.String(length=32), nullable=False),
        sa.Column("min_lon", sa.Double(), nullable=False),
        sa.Column("min_lat", sa.Double(), nullable=False),
        sa.Column("max_lon", sa.Double(), nullable=False),
        sa.Column("max_lat", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.CheckConstraint("area_m2 >= 0", name=op.f("ck_building_footprints_area_positive")),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name=op.f("ck_building_footprints_confidence_range")),
        sa.CheckConstraint(
            "min_lon <= max_lon AND min_lat <= max_lat", name=op.f("ck_building_footprints_envelope_ordered")
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["processing_jobs.id"], name=op.f("fk_building_footprints_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_building_footprints_owner_id")),
        sa.ForeignKeyConstraint(["scene_id"], ["scenes.id"], name=op.f("fk_building_footprints_scene_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building_footprints")),
        sa.UniqueConstraint("job_id", "footprint_key", name=op.f("uq_building_footprints_job_id_footprint_key")),
    )
    op.create_index(op.f("ix_building_footprints_job_id_id"), "building_footprints", ["job_id", "id"], unique=False)
    op.create_index(op.f("ix_building_footprints_owner_id_id"), "building_footprints", ["owner_id", "id"], unique=False)
    op.create_index(op.f("ix_building_footprints_scene_id_id"), "building_footprints", ["scene_id", "id"], unique=False)
