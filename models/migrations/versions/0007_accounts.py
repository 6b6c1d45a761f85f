"""Accounts: roles, tiers and what was used of them, API keys, secrets sent by mail, other logins, who did what."""

import sqlalchemy as sa
from alembic import op

from models.base import now_s
from models.migrations.sqlite_definition import rewrite_definition

revision = "0007"
down_revision = "0006"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ROLES = {"old": "('user', 'administrator')", "new": "('user', 'premium', 'admin')"}
TIER = """tier VARCHAR(16) CONSTRAINT ck_users_tier_known CHECK (tier IN ('free', 'premium', 'enterprise'))"""
SESSION_COLUMNS = (("address", 64), ("user_agent", 200))


def upgrade() -> None:
    _change_roles("old", "new", "administrator", "admin")
    op.execute(f"ALTER TABLE users ADD COLUMN {TIER}")
    for name, length in SESSION_COLUMNS:
        op.add_column("login_sessions", sa.Column(name, sa.String(length), server_default="", nullable=False))
    _create_keys()
    _create_mail_tokens()
    _create_audit_log()
    _create_quota_uses()
    _create_oidc_identities()


def downgrade() -> None:
    for table in ("oidc_identities", "quota_uses", "audit_log", "mail_tokens", "api_keys"):
        op.drop_table(table)
    for name, _ in SESSION_COLUMNS:
        op.drop_column("login_sessions", name)
    op.drop_column("users", "tier")
    op.execute("UPDATE users SET role = 'user' WHERE role = 'premium'")
    _change_roles("new", "old", "admin", "administrator")


def _change_roles(before: str, after: str, old_name: str, new_name: str) -> None:
    rename = f"UPDATE users SET role = '{new_name}' WHERE role = '{old_name}'"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_users_role_known"), "users")
        op.execute(rename)
        op.create_check_constraint(op.f("ck_users_role_known"), "users", f"role IN {ROLES[after]}")
    else:
        rewrite_definition(op.get_bind(), "users", [(f"role IN {ROLES[before]}", f"role IN {ROLES[after]}")])
        op.execute(rename)


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"])


def _create_mail_tokens() -> None:
    op.create_table(
        "mail_tokens",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("account", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.CheckConstraint("purpose IN ('register', 'reset')", name=op.f("ck_mail_tokens_purpose_known")),
        sa.CheckConstraint("(purpose = 'reset') = (user_id IS NOT NULL)", name=op.f("ck_mail_tokens_user_when_reset")),
        sa.CheckConstraint(
            "(purpose = 'register') = (account IS NOT NULL)", name=op.f("ck_mail_tokens_account_when_register")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mail_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_mail_tokens")),
    )
    op.create_index(op.f("ix_mail_tokens_user_id"), "mail_tokens", ["user_id"])
    op.create_index(op.f("ix_mail_tokens_expires_at"), "mail_tokens", ["expires_at"])


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=True),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target_kind", sa.String(32), server_default="", nullable=False),
        sa.Column("target_id", sa.String(64), server_default="", nullable=False),
        sa.Column("address", sa.String(64), server_default="", nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_actor_id_id"), "audit_log", ["actor_id", "id"])
    op.create_index(
        op.f("ix_audit_log_target_kind_target_id_id"), "audit_log", ["target_kind", "target_id", "id"]
    )


def _create_quota_uses() -> None:
    op.create_table(
        "quota_uses",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), server_default=now_s(), nullable=False),
        sa.CheckConstraint("kind IN ('jobs', 'states')", name=op.f("ck_quota_uses_kind_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_quota_uses_amount_positive")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_quota_uses_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_uses")),
    )
    op.create_index(op.f("ix_quota_uses_user_id_kind_at"), "quota_uses", ["user_id", "kind", "at"])


def _create_oidc_identities() -> None:
    op.create_table(
        "oidc_identities",
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_oidc_identities_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_oidc_identities")),
        sa.UniqueConstraint("user_id", "issuer", name=op.f("uq_oidc_identities_user_id_issuer")),
    )
