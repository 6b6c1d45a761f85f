"""Sums over footprints read an index alone: it holds the area and the job beside owner and confidence."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLE = "building_footprints"
NARROW = ["owner_id", "confidence", "id"]
WIDE = [*NARROW, "area_m2", "job_id"]


def upgrade() -> None:
    _replace(NARROW, WIDE)


def downgrade() -> None:
    _replace(WIDE, NARROW)


def _replace(old: list[str], new: list[str]) -> None:
    """The new one comes first: who reads meanwhile is not left without."""
    op.create_index(_name(new), TABLE, new)
    op.drop_index(_name(old), TABLE)


def _name(columns: list[str]) -> str:
    return op.f(f"ix_{TABLE}_{'_'.join(columns)}")
