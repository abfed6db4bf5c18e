"""Say of the ledger that of many refused items of an answer the last are only counted: MySQL shows the comments.

Revision: 0034
Follows: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

COMMENT = "items and answers refused; each has its line in rejects, but of one answer's many the last are counted in one"
BEFORE = "items and answers refused, each with its line in rejects"


def upgrade() -> None:
    _comment(COMMENT)


def downgrade() -> None:
    _comment(BEFORE)


def _comment(comment: str) -> None:
    if op.get_context().dialect.name != "sqlite":
        op.alter_column("collection_runs", "rows_rejected", existing_type=sa.Integer(), existing_nullable=False, comment=comment)
