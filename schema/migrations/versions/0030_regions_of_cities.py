"""Tell in which part of its country a city lies, so that the holidays of that part count.

Revision: 0030
Follows: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    column = sa.Column(
        "region",
        sa.String(6),
        nullable=True,
        comment="ISO 3166-2 code of the part of the country that it lies in, like DE-BE, as the watchlist says",
    )
    with op.batch_alter_table("cities") as batch:
        batch.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("cities") as batch:
        batch.drop_column("region")
