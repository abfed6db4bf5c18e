"""How long a table keeps its rows: a rule stands where its table is declared, and `gans.retain` follows it."""

from datetime import timedelta

import msgspec


class Aged(msgspec.Struct, frozen=True):
    """A row goes once its `column` (an instant) is older than `after`."""

    column: str
    after: timedelta

    def __str__(self) -> str:
        return f"until `{self.column}` is {_days(self.after)} old"


class Thinned(msgspec.Struct, frozen=True, kw_only=True):
    """Every version of what was known about a time is kept until that time is older than `after`, and then few of them.

    What stays is the newest version and, for each of `leads_hours`, the last one that was issued at least so many hours before
    the time itself: "what did we know two days ahead" keeps its answer for ever.

    Attributes:
        series: the columns that, together, name a series; the table has an index on these, `about` and `issued`.
        about: the target time, which a row is about.
        issued: the issue time, which tells its versions apart.
        leads_hours: in ascending order.
    """

    series: tuple[str, ...]
    about: str
    issued: str
    after: timedelta
    leads_hours: tuple[int, ...]

    def __str__(self) -> str:
        *first, last = map(str, self.leads_hours)
        return (
            f"all until `{self.about}` is {_days(self.after)} old; then the newest, and the last one issued at least "
            f"{', '.join(first)} and {last} hours before `{self.about}`"
        )


def _days(age: timedelta) -> str:
    return "a day" if age == timedelta(days=1) else f"{age.days} days"
