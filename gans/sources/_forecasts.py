"""What the sources of weather share: when a forecast was issued, which of its periods are ahead, what the clock shows there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from gans.clock import clock_of, hour_of_week
from gans.schedule import Schedule, every
from gans.source import Capture

SCHEDULE: Final[Schedule] = every(hours=3)
"""When forecasts are asked for."""

HOURS_AHEAD = 168
"""How far from the slot on forecasts are kept, h."""

WHEN = ("issued_at", "valid_at", "hour_at", "period_hours", "local_on", "local_hour_of_week")
"""The columns of a row that say when it is."""

When = tuple[Any, ...]


def issued_at(capture: Capture) -> datetime:
    """The issue time of what was answered: the slot, or the later one in which it was really asked.

    A slot that is asked for again when it is long over is answered with what is known by then. As of that slot nobody knew it.
    """
    return max(capture.slot, SCHEDULE.slot(capture.fetched_at))


@lru_cache(maxsize=64)  # the same hours come again for every city of a zone
def ahead(issued: datetime, period_hours: int, zone: str | None) -> Callable[[datetime], When | None]:
    """What tells, for a period that ends at an instant, the values of `WHEN`.

    There are none where the period does not begin at the issue or in the week after it: one that is begun or over is no forecast.

    Args:
        zone: the city's, for the local date and hour of the period's begin; None where it is not known.
    """
    period, clock = timedelta(hours=period_hours), clock_of(zone)
    first = issued + period
    last = first + timedelta(hours=HOURS_AHEAD - 1)

    @lru_cache(maxsize=512)
    def when(end: datetime) -> When | None:
        if not first <= end <= last:
            return None
        begin = end - period
        local = clock and begin.astimezone(clock)
        return issued, end, begin, period_hours, local and local.date(), local and hour_of_week(local)

    return when
