"""Databases with all tables and nothing in them, lent again and again: emptying one is far quicker than copying one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from tests.support.postgres import SUPERUSER, PostgresServer

GONE_S = 10
ALONE = "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
EMPTY = """
DO $$
DECLARE
  name text;
  is_used boolean;
BEGIN
  SET LOCAL session_replication_role = replica;  -- neither foreign keys nor triggers
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
      AND tablename NOT IN ('spatial_ref_sys', 'alembic_version') LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO is_used;
    IF is_used THEN
      EXECUTE format('TRUNCATE %I CASCADE', name);
    END IF;
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', name);
  END LOOP;
END $$
"""


class EmptiedDatabases:
    """Copies of a migrated database. Who borrows one must leave its tables as they are, whatever is in them."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._free: list[str] = []
        self._copies = ExitStack()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Give the address of an empty database for as long as the block lasts."""
        url = self._free.pop() if self._free else self._copied()
        try:
            yield url
        finally:
            self._empty(url)
            self._free.append(url)

    def close(self) -> None:
        """Drop them all."""
        self._copies.close()

    def _copied(self) -> str:
        return self._copies.enter_context(self._server.fresh_database(self._template))

    def _empty(self, url: str) -> None:
        superuser = self._server.url(url.rsplit("/", 1)[-1], SUPERUSER)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(ALONE, (GONE_S * 1000, connection.info.backend_pid))
            connection.execute(EMPTY)
