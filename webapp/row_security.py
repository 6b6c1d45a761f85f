"""The second wall: PostgreSQL itself hides the rows of others (row-level security, migration 0011).

Each transaction says for whom it is, by two settings that end with it. Where nothing is said, there are no rows. A
statement that forgets to ask whose a row is therefore finds no more than the person may see. It is no wall against
whoever can run any SQL they like: they can change the settings as well.
"""

from sqlalchemy import Connection, text

from auth.principals import Asker, Principal

SAY = "SELECT set_config('app.user_id', %s, true), set_config('app.role', %s, true)"
GUARDED = "building_footprints"
"""Stands for all tables with policies: whether they hold depends on the role alone."""
LOOK = text(
    """SELECT rolsuper, row_security_active(CAST(:table AS text)) AS holds,
    EXISTS (SELECT FROM pg_proc WHERE proname = 'geometry_overlaps' AND proleakproof) AS finds_by_place
    FROM pg_roles WHERE rolname = current_user"""
)


def say_who_asks(connection: Connection) -> None:
    """Begin a transaction with who it is for; called by the engine, on PostgreSQL alone."""
    asker = connection.get_execution_options().get("asker")
    if asker is not None:
        connection.exec_driver_sql(SAY, named(asker))


def named(asker: Asker) -> tuple[str, str]:
    """Return the values of `app.user_id` and `app.role`."""
    if isinstance(asker, Principal):
        return str(asker.user_id), "admin" if asker.is_administrator else "user"
    return "", "system"


def weaknesses(connection: Connection) -> list[str]:
    """Say what of the second wall is missing in this PostgreSQL, in words for who operates it."""
    found = connection.execute(LOOK, {"table": GUARDED}).one()
    if not found.holds:
        reason = "is a superuser" if found.rolsuper else "may bypass it"
        return [f"row-level security is not in force: the database role {reason}"]
    if not found.finds_by_place:
        return ["searches by place are slow: geometry_overlaps is not marked LEAKPROOF (docs/operations.md)"]
    return []
