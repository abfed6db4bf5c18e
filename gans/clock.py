"""The time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)
