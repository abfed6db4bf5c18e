"""What a source is: what to ask (`plan`, `follow`), what to make of the answer (`parse`), and all that people want to know of it.

A source is pure. It does no I/O and reads no clock: `plan` gets the slot, `parse` the capture, with when it was fetched. A file
is an upstream too: its pieces (`Files`) are landed as captures, and `parse` reads them like answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO, Final, Protocol
from urllib.parse import urlencode

import msgspec

from gans.schedule import Schedule


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """The key that an upstream wants. It is added to the request as it leaves, and is nowhere else.

    Attributes:
        setting: the environment variable that holds it.
        header: the header it travels in; or
        param: the query parameter, for an upstream that takes no header.
        is_required: False where the upstream also answers without a key.
        host: the host to ask instead when there is a key (Open-Meteo's customers have their own); "" for the same host.
    """

    setting: str
    header: str = ""
    param: str = ""
    is_required: bool = True
    host: str = ""


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """How much an upstream answers in a month.

    Attributes:
        per_month: the units that there are.
        per_request: the units that a request costs.
        plan: the subscription that gives them, in words.
        is_used_up: whether an answer, its status and body, says that none are left, whatever the status means otherwise.
    """

    per_month: int
    per_request: int
    plan: str
    is_used_up: Callable[[int, bytes], bool]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question to an upstream.

    Attributes:
        unit: what the answer is about, the same from run to run; its rejects and its ETag are kept under it.
        url: without a query and without a key.
        context: what the plan knows and `parse` will need (JSON values); it is landed with the answer.
    """

    unit: str
    url: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    context: Mapping[str, Any] = {}

    @property
    def full_url(self) -> str:
        """The URL with its query, still without a key."""
        return f"{self.url}?{urlencode(self.params, safe=',:')}" if self.params else self.url

    @property
    def host(self) -> str:
        """Whom the URL names to ask, right or wrong."""
        return self.url.partition("://")[2].partition("/")[0].rpartition("@")[2].lower()


class Provided(msgspec.Struct, frozen=True):
    """Something the plan knows without asking (the watchlist), landed like an answer so that `load` stores it too."""

    unit: str
    context: Mapping[str, Any]


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream said, as it said it, with what is needed to parse it later.

    Attributes:
        url: what was asked, query included, key excluded; of an imported file `file:` and its name; "" for a `Provided`.
        status: the HTTP status, 200 of a file; 0 where there was no answer to a request, or no request (`Provided`).
        slot: the scheduled time of the run.
        fetched_at: when the answer was complete.
        error: why there is no body, for a failed request; "" otherwise.
    """

    unit: str
    url: str
    status: int
    slot: datetime
    fetched_at: datetime
    headers: Mapping[str, str] = {}
    context: Mapping[str, Any] = {}
    body: bytes = b""
    error: str = ""


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row for `table`: column → value. `load` adds the time of the capture; a row of key columns alone makes a parent known."""

    table: str
    values: dict[str, Any]


class Rows(msgspec.Struct, frozen=True):
    """Many rows for `table` at once: the values of each in the order of `columns`. Half the work of as many `Row`s."""

    table: str
    columns: tuple[str, ...]
    values: Sequence[tuple[Any, ...]]

    def each(self) -> Iterator[Row]:
        """The rows one by one."""
        return (Row(self.table, dict(zip(self.columns, values, strict=True))) for values in self.values)


MOST_REFUSED = 1_000
"""How many items of an answer are refused each with its reason; the others are only counted."""


class Reject(msgspec.Struct, frozen=True):
    """An item of an answer that could not become a row, and why; or `times` more of them, of which only that is told."""

    reason: str
    item: str
    times: int = 1


class Omitted(msgspec.Struct, frozen=True):
    """An item that the source leaves out by a written rule, since it lacks what goes into `column`, like "airports.airport_icao".

    It is no fault, so nothing is refused; the ledger counts it.
    """

    column: str


class Repaired(msgspec.Struct, frozen=True):
    """Values that a written rule of the source mended, like "latitude and longitude swapped"; the ledger counts them."""

    rule: str
    times: int = 1


class Reference(Protocol):
    """The snapshots a plan may read."""

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        """The rows of a reference table, in key order; empty while it is not there yet."""
        ...


Plan = Callable[[Reference, datetime], Iterator[Request | Provided]]
Follow = Callable[[Capture], Iterator[Request]]
Item = Row | Rows | Reject | Omitted | Repaired


def rows_of(items: Iterable[Item]) -> Iterator[Row]:
    """The rows among what `parse` gives, one by one."""
    for item in items:
        if isinstance(item, Row):
            yield item
        elif isinstance(item, Rows):
            yield from item.each()


Parse = Callable[[Capture], Iterator[Item]]


def _follows_nothing(_: Capture) -> Iterator[Request]:
    return iter(())


class File(msgspec.Struct, frozen=True):
    """A file that is imported.

    Attributes:
        name: without its folder.
        written_at: when it was changed last, as the folder says.
        read_at: when it is imported.
        open: its bytes from the beginning, unpacked; each call opens it anew.
    """

    name: str
    written_at: datetime
    read_at: datetime
    open: Callable[[], AbstractContextManager[BinaryIO]]


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the person who imports a file says of it; None where nothing was said.

    Attributes:
        areas: the area set that it is of.
        is_simulated: whether what it tells was simulated.
        complete_to: the last local date that is counted whole.
    """

    areas: str | None = None
    is_simulated: bool | None = None
    complete_to: date | None = None


class Piece(msgspec.Struct, frozen=True):
    """A part of a file that `parse` can read by itself: the body of a capture, and its context."""

    body: bytes
    context: Mapping[str, Any]


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """How a source takes files (`gans import`).

    Attributes:
        about: what such a file is, in a sentence.
        pieces: a file as pieces, a few MiB each at most. It reads the file through before it gives the first, so that a file that
            is not whole, or not of this kind, raises BadData before anything is landed.
        needs, takes: the fields of `ImportOptions` that it must be told, and that it may be told.
        notes: what was read out of a file, in words, from the context of its pieces.
    """

    about: str
    pieces: Callable[[File, ImportOptions, Reference], Iterator[Piece]]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    notes: Callable[[Mapping[str, Any]], Iterator[str]] = lambda context: iter(())


NEVER_STALE: Final = timedelta(days=100 * 365)
"""What a person imports holds until the next import."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source as `load`, the command and the ledger know it: one that only takes files is no more than this.

    Attributes:
        name: the module's name; also the word in the CLI, the ledger and the landing.
        provider: who answers, or whose files they are.
        docs: the upstream's documentation, or that of the files.
        licence: the SPDX identifier, or the name of the terms, that the data comes under.
        reads: the reference tables that `plan` reads, or `files.pieces`.
        writes: the tables that `parse` gives rows for.
        files: the files that it takes; None for none.
        stale_after: how long after a good run its data counts as fresh.
        retention: how long its captures may be kept, where that is limited: older ones are deleted from the landing, never
            archived and not replayed, its rejects name no item, and rows that are older go from its tables.
    """

    name: str
    provider: str
    docs: str
    licence: str
    writes: tuple[str, ...]
    parse: Parse
    reads: tuple[str, ...] = ()
    files: Files | None = None
    stale_after: timedelta = NEVER_STALE
    retention: timedelta | None = None


class CollectedSource(Source, frozen=True, kw_only=True):
    """A source that is asked, whole: the registry, the schedule and the infrastructure read it from here.

    Attributes:
        schedule: when it is asked.
        hosts: the hosts it may ask, and no others; none for a source that discovers its hosts.
        discovers_hosts: whether its hosts come from the watchlist and the answers: any of the public internet, by https.
        secret: the key it needs, if any.
        quota: how much it may be asked, where that is counted by the month.
        pause: the least time between two requests to one host.
        budget: how long a run may go on asking. Of a source that discovers its hosts, each may use up a quarter of it, with
            requests that fail or are slow; others are not kept waiting for it any longer.
        follow: what to ask next, where an answer names it.
        holds_until: for a source whose answers are the present state: until when one holds by its own word. Before that it is
            not asked for again, and an answer that is the same as the last, byte for byte, is not landed again.
    """

    schedule: Schedule
    stale_after: timedelta
    hosts: tuple[str, ...]
    reads: tuple[str, ...]
    plan: Plan
    secret: Secret | None = None
    quota: Quota | None = None
    pause: timedelta = timedelta(0)
    budget: timedelta = timedelta(minutes=14)
    follow: Follow = _follows_nothing
    discovers_hosts: bool = False
    holds_until: Callable[[Capture], datetime] | None = None
