"""When something is due: instants aligned to the clock, in UTC, as EventBridge and APScheduler write them."""

from datetime import UTC, datetime, timedelta

import msgspec

_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)  # the first Monday of the epoch: periods up to a week are counted from it

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before it there is no slot: a clock that shows less was never set."""


class Schedule(msgspec.Struct, frozen=True):
    """When a source is asked: every `period` (a divisor of an hour or a day, or a week), `offset` (less than it) later, in UTC.

    The instants are aligned to the clock, so that a firing never falls beside its slot. Made by `every`, `hourly`, `daily` and
    `weekly`.
    """

    period: timedelta
    offset: timedelta = timedelta()

    def slot(self, instant: datetime) -> datetime:
        """The scheduled time that `instant` belongs to: the last one at or before it."""
        since = instant - _MONDAY - self.offset
        return _MONDAY + self.offset + (since // self.period) * self.period

    def next(self, instant: datetime) -> datetime:
        """The first scheduled time after `instant`."""
        return self.slot(instant) + self.period

    def why_no_slot(self, slot: datetime, now: datetime) -> str:
        """Why nothing can be asked for `slot` at `now`, in a sentence; "" where it can: from 2000 to one period from now."""
        return why_no_slot(slot, now, self.period, f"more than a period ({self}) ahead")

    def cron(self) -> dict[str, str]:
        """The same instants as the cron fields that EventBridge and APScheduler share: `minute`, `hour`, `day_of_week`."""
        hours, minute = divmod(self.offset // timedelta(minutes=1), 60)
        day, hour = divmod(hours, 24)
        if self.period < timedelta(hours=1):
            return {"minute": f"{minute}/{self.period // timedelta(minutes=1)}", "hour": "*", "day_of_week": "*"}
        if self.period < timedelta(days=1):
            return {"minute": str(minute), "hour": f"{hour}/{self.period // timedelta(hours=1)}", "day_of_week": "*"}
        weekday = _WEEKDAYS[day] if self.period == timedelta(weeks=1) else "*"
        return {"minute": str(minute), "hour": str(hour), "day_of_week": weekday}

    def __str__(self) -> str:
        fields = self.cron()
        if self.period < timedelta(hours=1):
            return f"every {self.period // timedelta(minutes=1)} min"
        if self.period < timedelta(days=1):
            return f"every {self.period // timedelta(hours=1)} h"
        time = f"{int(fields['hour']):02}:{int(fields['minute']):02} UTC"
        return f"daily at {time}" if self.period == timedelta(days=1) else f"{fields['day_of_week'].title()} at {time}"


def why_no_slot(slot: datetime, now: datetime, most_ahead: timedelta = timedelta(), ahead: str = "ahead") -> str:
    """Why `slot` is none at `now`, in a sentence; "" where it is one: from 2000 to `most_ahead` from now, which `ahead` words."""
    if slot < EARLIEST:
        reason = "it lies before the year 2000"
    elif slot > now + most_ahead:
        reason = f"it lies {ahead} of the clock, which shows {now:%Y-%m-%d %H:%M} UTC"
    else:
        return ""
    return f"The slot {slot.isoformat()} is refused: {reason}. Correct it, or the clock."


def every(*, minutes: int = 0, hours: int = 0) -> Schedule:
    """Every so many minutes (a divisor of 60) or hours (a divisor of 24), on the hour.

    Raises:
        ValueError: the period does not divide the hour or the day, so its slots would drift along the clock.
    """
    period = timedelta(minutes=minutes, hours=hours)
    whole = timedelta(hours=1) if hours == 0 else timedelta(days=1)
    if bool(minutes) == bool(hours) or period < timedelta(0) or whole % period:
        raise ValueError(f"every(minutes={minutes}, hours={hours}): give one of them, a divisor of 60 or of 24")
    return Schedule(period)


def hourly(minute: int) -> Schedule:
    """Every hour, so many minutes after it has begun."""
    return Schedule(timedelta(hours=1), timedelta(minutes=minute))


def daily(at: str) -> Schedule:
    """Once a day at `at`, a UTC time like "03:10"."""
    hour, minute = map(int, at.split(":"))
    return Schedule(timedelta(days=1), timedelta(hours=hour, minutes=minute))


def weekly(day: str, at: str) -> Schedule:
    """Once a week on `day` (like "MON") at `at`, a UTC time like "03:10"."""
    return Schedule(timedelta(weeks=1), timedelta(days=_WEEKDAYS.index(day)) + daily(at).offset)
