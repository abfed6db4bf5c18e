"""CloudWatch's arithmetic of alarms, for those of a template: which state, minute by minute, a made-up metric puts one in.

As https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html has it. How many periods
CloudWatch looks back beyond those that an alarm counts, so that real values take the place of missing ones, it does not say:
where that matters, what must hold has to hold for any of `EXTRA`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Minutes = Mapping[int, float]
"""A metric: its value in each minute that has one."""

EXTRA = range(6)
DELAY_MIN = 1
"""How long after its end a period is looked at: what a function puts out is a metric within a minute."""

_AGGREGATES = {"Maximum": max, "Minimum": min, "Sum": sum, "Average": lambda values: sum(values) / len(values)}


class Alarm(NamedTuple):
    """What of an alarm's definition decides its state; `period` in minutes."""

    statistic: str
    period: int
    breaching: int
    of: int
    threshold: float
    is_over: bool
    missing: str

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> "Alarm":
        """From the properties of an `AWS::CloudWatch::Alarm`."""
        period, rest = divmod(properties["Period"], 60)
        assert not rest
        comparison = properties["ComparisonOperator"]
        assert comparison in ("GreaterThanOrEqualToThreshold", "LessThanThreshold")
        return cls(
            statistic=properties["Statistic"],
            period=period,
            breaching=properties.get("DatapointsToAlarm", properties["EvaluationPeriods"]),
            of=properties["EvaluationPeriods"],
            threshold=properties["Threshold"],
            is_over=comparison.startswith("Greater"),
            missing=properties["TreatMissingData"],
        )

    def _is_breaching(self, value: float) -> bool:
        return value >= self.threshold if self.is_over else value < self.threshold

    def judge(self, values: Sequence[float | None], before: State) -> State:
        """The state after these periods, the oldest first: those that count and those beyond; None for one without a value."""
        found = [self._is_breaching(value) for value in values if value is not None]
        missing = max(0, self.of - len(found))
        breaching = sum(found[-self.of :])
        if not missing or (found and self.missing in ("breaching", "notBreaching")):
            return "ALARM" if breaching + missing * (self.missing == "breaching") >= self.breaching else "OK"
        if not found:
            states: dict[str, State] = {
                "breaching": "ALARM",
                "notBreaching": "OK",
                "missing": "INSUFFICIENT_DATA",
                "ignore": before,
            }
            return states[self.missing]
        if all(found):
            return before if self.missing == "ignore" else "ALARM"
        return "ALARM" if breaching >= self.breaching else "OK"

    def states(self, metric: Minutes, minutes: Iterable[int], *, extra: int = 0) -> dict[int, State]:
        """The state in each of `minutes`, of which the first begins in `INSUFFICIENT_DATA`; looked at every minute."""
        state: State = "INSUFFICIENT_DATA"
        found = {}
        for minute in minutes:
            end = (minute - DELAY_MIN) // self.period * self.period  # of the last period that is over and known
            starts = range(end - self.period * (self.of + extra), end, self.period)
            found[minute] = state = self.judge([self._value(metric, start) for start in starts], state)
        return found

    def _value(self, metric: Minutes, start: int) -> float | None:
        values = [metric[minute] for minute in range(start, start + self.period) if minute in metric]
        return float(_AGGREGATES[self.statistic](values)) if values else None


def messages(states: Mapping[int, State]) -> list[tuple[int, State]]:
    """What a person is sent: each change to ALARM, and each from there to OK, with its minute."""
    pairs = zip(list(states.items())[1:], states.values(), strict=False)
    return [(minute, state) for (minute, state), before in pairs if state != before and "ALARM" in (state, before)]
