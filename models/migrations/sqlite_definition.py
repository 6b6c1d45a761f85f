"""Change the definition of a table of SQLite where what is on disk stays as it is.

SQLite's manual gives this way for constraints ("Making Other Kinds Of Table Schema Changes",
https://www.sqlite.org/lang_altertable.html): copying a table of millions of rows would take minutes, and dropping the
old one would drop its triggers and, by cascade, what refers to it.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection


def rewrite_definition(connection: Connection, table: str, replacements: Iterable[tuple[str, str]]) -> None:
    """Replace pieces of a table's text, each once. Raises `RuntimeError` where a piece is not there."""
    definition = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :name"
    sql = str(connection.execute(sa.text(definition), {"name": table}).scalar_one())
    for old, new in replacements:
        if old not in sql:
            raise RuntimeError(f"{table} is not defined as expected: {old!r} is not in it")
        sql = sql.replace(old, new, 1)
    version = int(connection.exec_driver_sql("PRAGMA schema_version").scalar_one())
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    change = "UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = :name"
    connection.execute(sa.text(change), {"sql": sql, "name": table})
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
