"""Imports: jobs that read a file instead of a scene, and footprints without scene or confidence.

From here on SQLite never gives the id of a removed footprint again, as PostgreSQL never did: the footprint index tells
by its id what it holds already.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from models.migrations.sqlite_definition import rewrite_definition

revision = "0005"
down_revision = "0004"

UNPUBLISHED = "kind = 'import' AND state <> 'succeeded'"
FILE_KEY = " CONSTRAINT fk_processing_jobs_file_id REFERENCES file_storage (id)"
JOB_COLUMNS = (
    f"file_id VARCHAR(36){FILE_KEY}",
    "import_report JSON",
    """kind VARCHAR(16) DEFAULT 'extraction' NOT NULL
        CONSTRAINT ck_processing_jobs_kind_known CHECK (kind IN ('extraction', 'import'))
        CONSTRAINT ck_processing_jobs_scene_when_extraction CHECK ((kind = 'extraction') = (scene_id IS NOT NULL))
        CONSTRAINT ck_processing_jobs_file_when_import CHECK ((kind = 'import') = (file_id IS NOT NULL))""",
)
ID_KEY, ID_KEY_ONCE = "PRIMARY KEY (id)", "PRIMARY KEY (id AUTOINCREMENT)"
TEXTS = ("source_id", "source_name", "attributes")
LOOSENED = (
    ("processing_jobs", "scene_id", "VARCHAR(36)"),
    ("building_footprints", "scene_id", "VARCHAR(36)"),
    ("building_footprints", "confidence", "DOUBLE"),
)


def upgrade() -> None:
    _set_nullable(LOOSENED, True)
    for column in JOB_COLUMNS:  # in words, because Alembic cannot add a check to a table of SQLite
        op.execute(f"ALTER TABLE processing_jobs ADD COLUMN {column}")
    where = sa.text(UNPUBLISHED)
    op.create_index(
        "ix_processing_jobs_unpublished", "processing_jobs", ["id"], postgresql_where=where, sqlite_where=where
    )
    for name in TEXTS:
        op.add_column("building_footprints", sa.Column(name, sa.Text()))
    if not _is_postgis():
        rewrite_definition(op.get_bind(), "building_footprints", [(ID_KEY, ID_KEY_ONCE)])


def downgrade() -> None:
    """Imports go, with their footprints: older versions have no place for them."""
    op.execute("DELETE FROM processing_jobs WHERE kind = 'import'")
    if not _is_postgis():
        rewrite_definition(op.get_bind(), "building_footprints", [(ID_KEY_ONCE, ID_KEY)])
    for name in TEXTS:
        op.drop_column("building_footprints", name)
    op.drop_index("ix_processing_jobs_unpublished", "processing_jobs")
    for column in ("kind", "import_report"):  # the checks go with `kind`
        op.drop_column("processing_jobs", column)
    if not _is_postgis():
        rewrite_definition(op.get_bind(), "processing_jobs", [(FILE_KEY, "")])
    op.drop_column("processing_jobs", "file_id")
    _set_nullable(LOOSENED, False)


def _set_nullable(columns: Iterable[tuple[str, str, str]], nullable: bool) -> None:
    for table, column, kind in columns:
        if _is_postgis():
            op.alter_column(table, column, nullable=nullable)
        else:
            strict, loose = f"{column} {kind} NOT NULL", f"{column} {kind}"
            rewrite_definition(op.get_bind(), table, [(strict, loose) if nullable else (loose, strict)])


def _is_postgis() -> bool:
    return op.get_bind().dialect.name == "postgresql"
