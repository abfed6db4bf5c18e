"""Alembic's environment: runs the migrations on the connection that `gans.database.migrate` hands over."""

from alembic import context

from gans.database import repeatable  # noqa: F401 - so MySQL may break off anywhere
from gans.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=False,  # the databases print the same default in different words
    render_as_batch=True,
    transaction_per_migration=True,
    include_object=lambda thing, name, kind, reflected, compare_to: (
        not (kind == "table" and reflected and compare_to is None and name == "alembic_version")
    ),
)
with context.begin_transaction():
    context.run_migrations()
