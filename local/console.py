"""How the command speaks: tables and progress on a terminal, plain lines in a pipe, JSON where a machine reads."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from local.pipeline import Outcome

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
for _console in (out, err):
    _console.soft_wrap = not _console.is_terminal  # a terminal breaks lines between words; what reads a pipe wants them whole

STYLES = {
    "ok": "green",
    "not_modified": "green",
    "partial": "yellow",
    "failed": "red",
    "fresh": "green",
    "stale": "red",
    "never ran": "dim",
}


def plain(text: object) -> str:
    """`text` safe to print: upstreams' control characters and markup shown, not obeyed."""
    shown = "".join(c if c.isprintable() else (" " if c.isspace() else c.encode("unicode_escape").decode()) for c in str(text))
    return escape(shown)


def styled(status: str) -> str:
    """A status in its colour."""
    style = STYLES.get(status)
    return f"[{style}]{plain(status)}[/]" if style else plain(status)


def table(columns: Iterable[str], rows: Iterable[Sequence[str]], *, title: str = "", numbers: Collection[str] = ()) -> None:
    """A table whose cells are markup already; the columns named in `numbers` are set to the right, and the first is never cut."""
    shown = Table(header_style="bold", box=None, pad_edge=False)
    for name in columns:
        shown.add_column(name, justify="right" if name in numbers else "left", no_wrap=not shown.columns, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    if title:
        out.print(f"[bold]{title}[/]")
    out.print(shown, soft_wrap=False)


def as_json(value: Any) -> None:
    """`value` as JSON, indented, with nothing else on standard output; what a terminal would obey is escaped in it too."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    print("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))  # noqa: T201


def time(instant: datetime | None) -> str:
    """An instant, short."""
    return "–" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}"


def ago(instant: datetime, now: datetime) -> str:
    """How long ago, or how long until, in the largest unit that says it."""
    seconds = (now - instant).total_seconds()
    size = abs(seconds)
    unit, length = next((u for u in (("d", 86_400), ("h", 3_600), ("min", 60)) if size >= u[1]), ("s", 1))
    return f"{size / length:.0f} {unit} ago" if seconds >= 0 else f"in {size / length:.0f} {unit}"


def count(number: int, one: str) -> str:
    """A number with its noun: 1 stop, 3 stops."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def line(head: str, text: str) -> None:
    """A line of markup; where a terminal is too narrow, `text` goes on under itself."""
    if out.soft_wrap:
        out.print(f"{head}{text}")
        return
    hanging = Table.grid()
    hanging.add_column(no_wrap=True)
    hanging.add_row(head, text)
    out.print(hanging)


def show_outcome(outcome: "Outcome") -> None:
    """A line on a run."""
    stored = ", ".join(f"{rows:,} {name}" for part in outcome.loaded for name, rows in part.rows.items())
    refused = f", {outcome.rejected} refused" if outcome.rejected else ""
    note = f"  [dim]{plain(outcome.error)}[/]" if outcome.error else ""
    head = f"  {outcome.source:<17} {outcome.slot:%Y-%m-%d %H:%M}  {styled(outcome.status)}  "
    line(head, f"{stored or 'no rows'}{refused}{note}")


@contextmanager
def progress(task: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing in a pipe; yields the function that moves it.

    It is drawn by the console that prints lines on the same terminal, so that they come above it.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = out if out.is_terminal else err
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        bar = shown.add_task(task, total=None)
        yield lambda done, planned: shown.update(bar, completed=done, total=planned)
