"""Say of the columns of hours what they are now: MySQL shows the comments.

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_OF_WEEK, _FORMER = "the hour of {} in the system's own zone; 0 is Monday 00:00", "the same as {}, by its former name"

COMMENTS = [
    (
        ("station_status", "hour_of_week", sa.SmallInteger(), True),
        ("the same, by its former name, which a later release drops", _OF_WEEK.format("fetched_at")),
    ),
    (
        ("station_hours", "hour_of_week", sa.SmallInteger(), True),
        (_FORMER.format("local_hour_of_week"), _OF_WEEK.format("hour_at")),
    ),
    (
        ("station_hours", "local_date", sa.Date(), True),
        (_FORMER.format("local_on"), "the date of hour_at in the system's own zone"),
    ),
    (
        ("station_hours", "minutes_observed", sa.Integer(), False),
        (
            "minutes whose vehicles are known, from a feed that moves, min",
            "minutes for which the vehicles available were told, min",
        ),
    ),
    (
        ("station_hours", "minutes_empty", sa.Integer(), False),
        ("of minutes_renting, minutes without a vehicle, min", "of these, minutes without a vehicle, min"),
    ),
    (
        ("station_hours", "minutes_full", sa.Integer(), False),
        ("of minutes_returning, minutes without a free dock, min", "of these, minutes without a free dock, min"),
    ),
    (
        ("station_usuals", "hour_of_week", sa.SmallInteger(), False),
        (_FORMER.format("local_hour_of_week"), "the hour in the system's own zone; 0 is Monday 00:00"),
    ),
    (
        ("station_usuals", "minutes_observed", sa.Integer(), False),
        ("how much was seen of such hours, min", "how much that is the mean of, min"),
    ),
]
"""Table, column, type and whether it may be null; the comment, and the one before."""

ABOUT = (
    "What an hour of the week usually takes from a station and returns to it, estimated from the minutes in which that could "
    "be seen, and from other hours where they are few (gans/archive/rates.py)."
)
ABOUT_BEFORE = "What an hour of the week usually takes from a station: the sum of its station_hours."


def upgrade() -> None:
    _comment(0)


def downgrade() -> None:
    _comment(1)


def _comment(which: int) -> None:
    """A statement for each column, of which each may be repeated."""
    if op.get_context().dialect.name == "sqlite":
        return
    for (table, column, kind, nullable), comments in COMMENTS:
        op.alter_column(table, column, existing_type=kind, existing_nullable=nullable, comment=comments[which])
    op.create_table_comment("station_usuals", (ABOUT, ABOUT_BEFORE)[which])
