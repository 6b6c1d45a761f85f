"""Alembic's entry. The caller gives an open connection in `config.attributes`; nothing is read from the environment."""

from alembic import context
from sqlalchemy import text

from models.migrations.compare import include_object
from models.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_object=include_object,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":  # what a migration changes is everybody's
        connection.execute(text("SELECT set_config('app.role', 'system', true)"))
    context.run_migrations()
