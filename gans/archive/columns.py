"""The columns of the archive's files."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column

from gans.tables import Instant
from gans.tables.mobility import station_status


def _type(column: Column[Any]) -> str:
    return "TIMESTAMPTZ" if isinstance(column.type, Instant) else column.type.compile()


ANSWER_COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "slot_at": ("TIMESTAMPTZ", "the minute for which it was asked (UTC)"),
    "fetched_at": ("TIMESTAMPTZ", "when the upstream said so (UTC)"),
}
_NAMES: Final = {"local_hour_of_week": "hour_of_week"}
"""What the files call a column that the table calls otherwise: the name stands in all that were written before."""

STATION_COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    **{
        _NAMES.get(column.name, column.name): (_type(column), str(column.comment))
        for column in station_status.columns
        if column.name not in ("system_id", "fetched_at", *_NAMES.values())
    },
    "vehicles_by_type": ("MAP(VARCHAR, INTEGER)", "how many of vehicles_available are of which type; null where it is not told"),
}
COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "station_id": STATION_COLUMNS["station_id"],
    **ANSWER_COLUMNS,
    **{name: column for name, column in STATION_COLUMNS.items() if name not in ("station_id", "reported_at")},
    # reported_at would be more than half of the file; this is a third smaller.
    "reported_ago_s": ("INTEGER", "how long before slot_at the station itself reported last, s; below 0 where it was after it"),
}
"""The columns of a file: their types, as DuckDB calls them, and what they mean. `system_id` and `date` stand in its path."""
