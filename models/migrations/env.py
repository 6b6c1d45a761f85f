"""Alembic's entry. The caller gives an open connection in `config.attributes`; nothing is read from the environment."""

from alembic import context

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
    context.run_migrations()
