"""Keep instants of whole seconds without a fraction on SQLite, where they are texts, so that plain SQL finds them.

Nothing changes on MySQL and MariaDB. On SQLite all of it is one transaction.

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_FRACTION = ".000000"


def upgrade() -> None:
    _defer()
    for table, column in _instants():
        op.execute(f"UPDATE {table} SET {column} = substr({column}, 1, 19) WHERE {column} LIKE '%{_FRACTION}'")


def downgrade() -> None:
    _defer()
    for table, column in _instants():
        op.execute(f"UPDATE {table} SET {column} = {column} || '{_FRACTION}' WHERE length({column}) = 19")


def _defer() -> None:
    """Lets a reject refer to its run again by the end of the transaction: both have the instants in their keys."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA defer_foreign_keys = ON")


def _instants() -> list[tuple[str, str]]:
    """The instants of a SQLite database, by table and column, quoted."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return []
    found, quote = sa.inspect(connection), connection.dialect.identifier_preparer.quote
    return [
        (quote(table), quote(str(column["name"])))
        for table in found.get_table_names()
        for column in found.get_columns(table)
        if isinstance(column["type"], sa.DateTime)
    ]
