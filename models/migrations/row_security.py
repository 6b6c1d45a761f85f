"""Policies of row-level security, for the migrations that make tables. PostgreSQL only; elsewhere nothing happens.

A transaction says for whom it is in `app.user_id` and `app.role` (`webapp.row_security`). What is asked of each row
stands in sub-selects that need no row, so that PostgreSQL works them out once for each statement, and the comparison
with the owner can use an index.
"""

from alembic import op

SEES_ALL = "(SELECT current_setting('app.role', true) IN ('system', 'admin'))"
IS_SYSTEM = "(SELECT current_setting('app.role', true) = 'system')"
ASKER = "(SELECT nullif(current_setting('app.user_id', true), '')::integer)"
POLICY = "whose"


def protect_owned(table: str, column: str = "owner_id") -> None:
    """Show rows to the person whose id stands in a column, and to those who see all. NULL there: to the latter."""
    _protect(table)
    _policy(table, POLICY, "ALL", f"{SEES_ALL} OR {column} = {ASKER}")


def protect_by_parent(table: str, column: str, parent: str) -> None:
    """Show rows whose parent is shown; `parent` has policies of its own, and the primary key `id`."""
    _protect(table)
    seen = f"EXISTS (SELECT FROM {parent} WHERE {parent}.id = {table}.{column})"
    _policy(table, POLICY, "ALL", f"{SEES_ALL} OR {seen}")


def protect_log(table: str, column: str) -> None:
    """Let people add lines in their own name and see them; only the system can change or remove one."""
    _protect(table)
    own = f"{SEES_ALL} OR {column} = {ASKER}"
    _policy(table, f"{POLICY}_reads", "SELECT", own)
    _policy(table, f"{POLICY}_adds", "INSERT", own)
    _policy(table, f"{POLICY}_system", "ALL", IS_SYSTEM)


def unprotect(table: str) -> None:
    """Take all policies off a table."""
    if not _is_postgresql():
        return
    for name in (POLICY, f"{POLICY}_reads", f"{POLICY}_adds", f"{POLICY}_system"):
        op.execute(f"DROP POLICY IF EXISTS {name} ON {table}")
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def _protect(table: str) -> None:
    """FORCE, because the application's role owns the tables, and owners are let through otherwise."""
    if _is_postgresql():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _policy(table: str, name: str, command: str, condition: str) -> None:
    clause = "WITH CHECK" if command == "INSERT" else "USING"
    if _is_postgresql():
        op.execute(f"CREATE POLICY {name} ON {table} FOR {command} {clause} ({condition})")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
