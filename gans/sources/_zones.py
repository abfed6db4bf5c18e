"""The time zone of a place."""


def timezone_at(latitude: float, longitude: float) -> str | None:
    """The IANA time zone at WGS 84 coordinates in degrees; None at sea, where there are only those by longitude (Etc/…)."""
    from tzfpy import get_tz

    zone = get_tz(longitude, latitude)
    return zone if zone and not zone.startswith("Etc/") else None
