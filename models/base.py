"""The declarative base, the naming of constraints, and the database's clock."""

from typing import Any

from sqlalchemy import Double, MetaData
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.functions import FunctionElement

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables. Columns named `*_at` and `*_until` hold epoch seconds (UTC) by the database's clock."""

    metadata = MetaData(naming_convention=NAMING)


class now_s(FunctionElement[float]):
    """The database's clock in epoch seconds. Leases and limits compare with it alone, never with a worker's clock."""

    type = Double()
    inherit_cache = True


@compiles(now_s)
def _now_default(element: now_s, compiler: Any, **options: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


@compiles(now_s, "sqlite")
def _now_sqlite(element: now_s, compiler: Any, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"
