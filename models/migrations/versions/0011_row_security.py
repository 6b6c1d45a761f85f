"""Row-level security: PostgreSQL itself shows a person only what is theirs. SQLite has no such thing.

And on both: when all that was opened in an account's name was ended last, and which queues a worker takes.

`worker_beats` has no policy: workers belong to nobody, and everybody may know whether there are any.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.row_security import protect_by_parent, protect_log, protect_owned, unprotect

revision = "0011"
down_revision = "0010"

OWNED = {
    "users": "id",
    "login_sessions": "user_id",
    "oidc_identities": "user_id",
    "api_keys": "user_id",
    "mail_tokens": "user_id",
    "quota_uses": "user_id",
    "idempotency_keys": "user_id",
    "file_storage": "owner_id",
    "scenes": "owner_id",
    "processing_jobs": "owner_id",
    "building_footprints": "owner_id",
    "footprint_changes": "owner_id",
    "exports": "owner_id",
}
CHILDREN = {
    "job_outbox": ("job_id", "processing_jobs"),
    "job_parts": ("job_id", "processing_jobs"),
    "job_messages": ("job_id", "processing_jobs"),
    "export_parts": ("export_id", "exports"),
}
LOG = ("audit_log", "actor_id")


def upgrade() -> None:
    op.add_column("users", sa.Column("ended_at", sa.Double(), nullable=True))
    op.add_column("worker_beats", sa.Column("queues", sa.JSON(), server_default="[]", nullable=False))
    for table, column in OWNED.items():
        protect_owned(table, column)
    for table, (column, parent) in CHILDREN.items():
        protect_by_parent(table, column, parent)
    protect_log(*LOG)


def downgrade() -> None:
    for table in (LOG[0], *CHILDREN, *OWNED):
        unprotect(table)
    op.drop_column("worker_beats", "queues")
    op.drop_column("users", "ended_at")
