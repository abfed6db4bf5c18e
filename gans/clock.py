"""The time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def clock_of(zone: str | None) -> ZoneInfo | None:
    """The zone of this IANA name; None where the name is missing or unknown."""
    try:
        return ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, or one too long
        return None


def hour_of_week(local: datetime) -> int:
    """The hour of a local time; 0 is Monday 00:00, 167 Sunday 23:00."""
    return local.weekday() * 24 + local.hour
