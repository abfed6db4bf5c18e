"""Create proposals.

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

from gans.tables import Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("decision", sa.String(length=32), autoincrement=False, nullable=False, comment="the decision, like placement"),
        sa.Column(
            "scope",
            sa.String(length=64),
            autoincrement=False,
            nullable=False,
            comment="what it was asked for, like the system velib",
        ),
        sa.Column("proposed_at", Instant(), autoincrement=False, nullable=False, comment="when it was asked (UTC)"),
        sa.Column("as_of", Instant(), nullable=False, comment="nothing that became known later was read (UTC)"),
        sa.Column("data_at", Instant(), nullable=False, comment="how old the newest input was (UTC)"),
        sa.Column(
            "model_version", sa.String(length=64), nullable=False, comment="the version of the model, or the name of the rule"
        ),
        sa.Column("reason", sa.String(length=1_000), nullable=False, comment="what weighed most, in words"),
        sa.Column("request", sa.Text(), nullable=False, comment="JSON: what was asked for"),
        sa.Column(
            "answer",
            sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb"),
            nullable=False,
            comment="JSON: what was proposed",
        ),
        sa.Column(
            "fetched_at",
            Instant(),
            server_default="1970-01-01 00:00:00",
            nullable=False,
            comment="the same as proposed_at (UTC): of two versions the newer stays",
        ),
        sa.PrimaryKeyConstraint("decision", "scope", "proposed_at", name="pk_proposals"),
        comment="An answer of a decision that says what to do, as it was given.",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("proposals")
