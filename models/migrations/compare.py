"""What a comparison of tables and database leaves out: what PostGIS, R*Tree and the migrations make themselves."""

from typing import Any

FOREIGN_TABLES = ("spatial_ref_sys", "building_footprints_rtree", "sqlite_stat")
FOREIGN_INDEXES = ("ix_building_footprints_geometry",)


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Tell whether Alembic looks at an object."""
    if kind == "table":
        return not (name or "").startswith(FOREIGN_TABLES)
    return not (kind == "index" and name in FOREIGN_INDEXES)
