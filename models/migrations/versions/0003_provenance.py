"""What every footprint can be traced to: the job's ground sampling distance and the name of its weights."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

JOBS = sa.table(
    "processing_jobs", sa.column("id", sa.String), sa.column("params", sa.JSON), sa.column("gsd_m", sa.Double)
)


def upgrade() -> None:
    op.add_column("processing_jobs", sa.Column("gsd_m", sa.Double))
    op.add_column("processing_jobs", sa.Column("weights_name", sa.String(255)))
    op.execute(
        "UPDATE processing_jobs SET gsd_m = (SELECT gsd_m FROM scenes WHERE scenes.id = processing_jobs.scene_id)"
    )
    connection = op.get_bind()
    for job_id, params in connection.execute(sa.select(JOBS.c.id, JOBS.c.params)).all():
        if params.get("gsd_m"):
            connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(gsd_m=params["gsd_m"]))


def downgrade() -> None:
    op.drop_column("processing_jobs", "weights_name")
    op.drop_column("processing_jobs", "gsd_m")
