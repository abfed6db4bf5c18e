"""The time."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

CLOCKS_DIFFER = timedelta(minutes=5)
"""By how much the clocks of two machines may differ: what lies further ahead was told by a wrong one, and is not believed."""


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def clock_of(zone: str | None) -> ZoneInfo | None:
    """The zone of this IANA name; None where the name is missing or unknown."""
    try:
        return ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, or one too long
        return None


def zone_named(text: str | None) -> str | None:
    """The IANA name of a time zone that is told with other capitals, or with blanks; None where there is none."""
    return _zones().get("_".join(text.split()).lower()) if text else None


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def hour_of_week(local: datetime) -> int:
    """The hour of a local time; 0 is Monday 00:00, 167 Sunday 23:00."""
    return local.weekday() * 24 + local.hour
