"""How many vehicles an hour of the week takes from a station, and brings back, while it can: demand is censored.

A station without a vehicle gives none, however many riders come, and one without a free dock takes none back. So a rate is that
of the minutes in which there was one, and where few such minutes are left it is shrunk towards what is known otherwise:

    rate(h)  = (taken(h) + K · prior(h)) / (minutes(h) + K)
    prior(h) = (½ · taken(h ± 1) + taken(D) + K · level · profile(h)) / (½ · minutes(h ± 1) + minutes(D) + K)

`minutes` are those with a vehicle, `D` the same hour of the other days of its kind (Monday to Friday, or Saturday and Sunday),
`profile` is the system's own rate in the hour, and `level` how many times that the station gives over the whole week. A rate of
counts that is shrunk like this is the mean of a gamma distribution after Poisson counts (Gelman et al., Bayesian Data Analysis,
3rd edition, 2.6). K was chosen on Oslo's eight weeks to 18 June 2023 (`benchmarks/demand.py` shows the error on later ones).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

HOURS: Final = 168
K_MIN: Final = 240.0
"""How many minutes what is known otherwise counts for."""

LEAST_MIN: Final = 60
"""With fewer minutes over the whole week, nothing is said of a station."""

_WORKING, _WEEKEND = range(5), range(5, 7)

Seen = tuple[int, int]
"""Vehicles taken (or returned), and the minutes in which one could be."""

_NONE: Final[Seen] = (0, 0)


def system_profile(totals: Mapping[int, Seen]) -> list[float | None]:
    """The rate per minute at all stations of a system together, by hour of the week; None where nothing was seen."""
    return [count / minutes if minutes else None for count, minutes in (totals.get(hour, _NONE) for hour in range(HOURS))]


def usual_rates(hours: Mapping[int, Seen], profile: Sequence[float | None]) -> dict[int, float]:
    """The rates of a station, per hour, by hour of the week; none for an hour of which nothing is known, here or at others.

    Args:
        hours: what was seen at the station, by hour of the week.
        profile: of its system, per minute.
    """
    if sum(minutes for _, minutes in hours.values()) < LEAST_MIN:
        return {}
    expected = sum(minutes * (profile[hour] or 0) for hour, (_, minutes) in hours.items())
    # One more of each, so that a station that was seen for an hour is not held to have nobody for good.
    level = (sum(count for count, _ in hours.values()) + 1) / (expected + 1)
    rates = {}
    for hour in range(HOURS):
        count, minutes = hours.get(hour, _NONE)
        usual = profile[hour]
        weight = 0.0 if usual is None else K_MIN
        prior_count, prior_minutes = weight * level * (usual or 0), weight
        for share, other in _others(hour):
            other_count, other_minutes = hours.get(other, _NONE)
            prior_count += share * other_count
            prior_minutes += share * other_minutes
        if not prior_minutes:
            if minutes >= LEAST_MIN:
                rates[hour] = 60 * count / minutes
            continue
        rates[hour] = 60 * (count + K_MIN * prior_count / prior_minutes) / (minutes + K_MIN)
    return rates


@cache
def _others(hour: int) -> list[tuple[float, int]]:
    """The hours that say something of this one, and how much."""
    day, of_day = divmod(hour, 24)
    days = _WORKING if day in _WORKING else _WEEKEND
    beside = [(0.5, (hour + step) % HOURS) for step in (-1, 1)]
    return beside + [(1.0, other * 24 + of_day) for other in days if other != day]
