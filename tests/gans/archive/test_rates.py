"""Rates of censored demand: what was seen counts where much was seen, what is known otherwise where little was."""

import math
import random

import pytest

from gans.archive.rates import HOURS, K_MIN, system_profile, usual_rates

FLAT = [0.1] * HOURS  # six an hour


def test_where_much_was_seen_it_is_what_was_seen() -> None:
    hours = dict.fromkeys(range(HOURS), (12000, 60000))
    assert usual_rates(hours, [0.2] * HOURS)[8] == pytest.approx(12)


def test_minutes_without_a_vehicle_do_not_lower_it() -> None:
    whole = dict.fromkeys(range(HOURS), (60, 600))
    censored = whole | {8: (6, 60)}  # the same rate, seen for a tenth of the time
    assert usual_rates(censored, FLAT)[8] == pytest.approx(usual_rates(whole, FLAT)[8], rel=0.01)


def test_where_nothing_was_seen_the_hours_beside_and_the_other_days_speak() -> None:
    hours = {hour: (60 if hour % 24 == 8 else 6, 600) for hour in range(HOURS)}
    del hours[8]
    rates = usual_rates(hours, [0.01] * HOURS)
    assert rates[3] < 1 < 3 < rates[8] < 6


def test_a_busy_station_is_busy_at_an_hour_that_only_the_system_knows() -> None:
    profile = system_profile({hour: (600 if hour == 100 else 60, 6_000) for hour in range(HOURS)})
    busy = usual_rates({3: (60, 600)}, profile)  # ten times the system's rate
    quiet = usual_rates({3: (6, 600)}, profile)
    assert busy[100] > 5 * quiet[100]


def test_of_a_station_that_was_hardly_seen_nothing_is_said() -> None:
    assert usual_rates({8: (5, 59)}, FLAT) == {}
    assert usual_rates({}, FLAT) == {}
    assert set(usual_rates({8: (5, 60)}, [None] * HOURS)) == {7, 8, 9, 32, 56, 80, 104}


def test_an_hour_of_which_nothing_is_known_anywhere_has_no_rate() -> None:
    assert 100 not in usual_rates({8: (50, 600)}, system_profile({8: (500, 6_000)}))


@pytest.mark.parametrize("hours", [{8: (0, 60)}, {0: (10**9, 60)}, {167: (1, 10**8)}])
def test_rates_are_numbers_and_not_below_zero(hours: dict[int, tuple[int, int]]) -> None:
    rates = usual_rates(hours, system_profile(hours))
    assert rates
    assert all(math.isfinite(rate) and rate >= 0 for rate in rates.values())


def test_censored_counts_are_found_again() -> None:
    """A Poisson stream of which half of the minutes are hidden: nearer to the truth than the mean over all minutes."""
    made, truth = random.Random(7), {hour: 2 + 10 * (hour % 24 in (7, 8, 9)) for hour in range(HOURS)}
    seen = {
        hour: (sum(made.random() < rate / 60 for _ in range(minutes)), minutes)
        for hour, rate in truth.items()
        for minutes in (60 if hour % 24 in (8, 9) else 240,)
    }
    rates = usual_rates(seen, system_profile(seen))
    assert sum(abs(rates[hour] - truth[hour]) for hour in truth) / HOURS < 1
    assert K_MIN > 0
