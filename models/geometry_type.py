"""One column type for geometries: PostGIS `geometry(Geometry, 4326)`, on SQLite WKB in a BLOB. WKB bytes in and out."""

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ColumnElement, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine, UserDefinedType

SRID = 4326


class _ReadWkb(FunctionElement[bytes]):
    inherit_cache = True
    type = LargeBinary()


class _WriteWkb(FunctionElement[bytes]):
    inherit_cache = True
    type = LargeBinary()


@compiles(_ReadWkb)
@compiles(_WriteWkb)
def _plain(element: FunctionElement[bytes], compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_ReadWkb, "postgresql")
def _read_postgis(element: _ReadWkb, compiler: Any, **options: Any) -> str:
    return f"ST_AsBinary({compiler.process(element.clauses, **options)})"


@compiles(_WriteWkb, "postgresql")
def _write_postgis(element: _WriteWkb, compiler: Any, **options: Any) -> str:
    return f"ST_GeomFromWKB({compiler.process(element.clauses, **options)}, {SRID})"


class FootprintGeometry(UserDefinedType[bytes]):
    """A geometry in EPSG:4326 as WKB bytes."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        """Return the SQL type where no dialect has its own."""
        return "BLOB"

    def column_expression(self, colexpr: ColumnElement[Any]) -> ColumnElement[Any]:
        """Read as WKB."""
        return _ReadWkb(colexpr)

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        """Write from WKB."""
        return _WriteWkb(bindvalue)


@compiles(FootprintGeometry, "postgresql")
def _type_postgis(element: FootprintGeometry, compiler: Any, **options: Any) -> str:
    return f"geometry(Geometry,{SRID})"


def geometry_type_of(dialect: Dialect) -> TypeEngine[Any]:
    """Return the type that migrations give the column: GeoAlchemy2's on PostgreSQL, else a BLOB."""
    return Geometry("GEOMETRY", srid=SRID, spatial_index=False) if dialect.name == "postgresql" else LargeBinary()
