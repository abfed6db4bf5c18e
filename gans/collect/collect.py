"""Plan, fetch, land: what the upstreams said, kept as they said it. Knows no SQL and needs no database."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import islice

import msgspec

from gans import __version__
from gans.clock import utc_now
from gans.collect.http import Http, Response
from gans.collect.side_by_side import SideBySide
from gans.errors import BadData, ConfigError, NotModified, Permanent, QuotaExceeded, Transient
from gans.source import Capture, CollectedSource, Provided, Reference, Request
from gans.storage.landing import Footer, Header, PartKey, PartWriter
from gans.storage.store import Store
from gans.storage.validators import Validators, read_validators, validators_of, write_validators

PART_BYTES = 4 * 1024 * 1024
"""Bodies beyond this begin a new part, so that neither step ever holds more than a part in memory."""

MAX_FOLLOWED = 10_000
"""The most units of a run that answers may name: more than any honest upstream does, and no chain of answers is endless."""


class Collected(msgspec.Struct, frozen=True):
    """What a run did.

    Attributes:
        parts: the keys of what was landed.
        units: how many were planned, and followed from an answer.
        transient: how many got no answer now but may later; the platform should try the run again.
        permanent: how many got an answer that trying again will not change.
    """

    parts: list[str]
    units: int
    transient: int
    permanent: int


class _Run:
    """One attempt: the part that is being written, and the counts."""

    def __init__(self, source: CollectedSource, slot: datetime, store: Store, http: Http, clock: Callable[[], datetime]) -> None:
        self.source, self.slot, self.store, self.http, self.clock = source, slot, store, http, clock
        self.attempt = clock()
        self.parts: list[str] = []
        self.validators = read_validators(store, source.name)
        self.fresh: dict[str, Validators | None] = {}
        self.is_quota_used_up = False
        self._begin()

    def _begin(self) -> None:
        self.requests_before = self.http.requests
        self.writer = PartWriter(
            Header(
                source=self.source.name, slot=self.slot, attempt=self.attempt, part=len(self.parts) + 1, code_version=__version__
            )
        )

    def add(self, capture: Capture, *, is_followed: bool = False) -> None:
        if self.writer.captures and self.writer.body_bytes + len(capture.body) > PART_BYTES:
            self.land()
            self._begin()
        self.writer.add(capture)
        if 200 <= capture.status < 300:  # one without validators takes the place of one with them
            # What is followed is always asked for whole: without its body there would be nothing to follow.
            self.fresh[capture.unit] = None if is_followed else validators_of(capture, self._holds_until(capture))

    def _holds_until(self, capture: Capture) -> datetime | None:
        return self.source.holds_until(capture) if self.source.holds_until else None

    def land(self, *, is_cut_short: bool = False, note: str = "") -> None:
        """Keeps the part; only then the validators of its answers, since an answer that is not kept must be asked for again."""
        writer, header = self.writer, self.writer.header
        key = str(PartKey.of(header))
        requests = self.http.requests - self.requests_before
        self.store.write(
            key,
            writer.close(
                Footer(
                    finished_at=self.clock(),
                    requests=requests,
                    bytes_received=writer.body_bytes,
                    captures=writer.captures,
                    is_cut_short=is_cut_short,
                    note=note,
                )
            ),
        )
        self.parts.append(key)
        write_validators(self.store, header.source, self.fresh)
        self.fresh = {}


def collect(
    source: CollectedSource,
    slot: datetime,
    *,
    store: Store,
    reference: Reference,
    http: Http,
    clock: Callable[[], datetime] = utc_now,
    on_progress: Callable[[int, int], None] = lambda done, planned: None,
) -> Collected:
    """Asks what `source` plans for `slot` and lands every answer, also where there was none.

    Every planned unit leaves a capture: an answer, "not modified", or the reason why there is neither. Hosts are asked side by
    side, a few at once; what is landed is in the order of the plan, each answer before what it names. A run that is stopped has
    landed what it had.

    Args:
        on_progress: called with how many units are done, and how many are known of.

    Raises:
        ConfigError: the source's key is missing or the slot is not one (before any request), the watchlist is wrong, or the
            landing cannot be written.
    """
    if reason := source.schedule.why_no_slot(slot, clock()):
        raise ConfigError(reason)
    http.require_key(source)
    run = _Run(source, slot, store, http, clock)
    todo: deque[Request | Provided] = deque(source.plan(reference, slot))
    units, left = len(todo), MAX_FOLLOWED
    transient = permanent = done = 0
    is_cut_short = True
    asking = SideBySide(lambda request: _fetch(run, request), lambda answer: len(answer[0].body))
    try:
        asking.add(unit for unit in todo if isinstance(unit, Request))
        while todo:
            unit = todo.popleft()
            if isinstance(unit, Provided):  # it was known when the run began
                run.add(Capture(unit=unit.unit, url="", status=0, slot=slot, fetched_at=run.attempt, context=unit.context))
            else:
                capture, error = asking.take(unit)
                transient += isinstance(error, Transient)
                permanent += isinstance(error, Permanent)
                following = _following(source, capture, left + 1) if capture.body else []
                run.add(capture, is_followed=bool(following))
                units += len(following)
                if len(following) > left:
                    run.add(_not_asked(run, following.pop()))
                    permanent += 1
                    done += 1
                left -= len(following)
                todo.extendleft(reversed(following))
                asking.add(following)
            done += 1
            on_progress(done, units)
        is_cut_short = False
    finally:
        asking.end()
        note = "" if units else f"nothing to ask: {', '.join(source.reads) or 'the plan'} gave no unit yet"
        run.land(is_cut_short=is_cut_short, note=note)
    return Collected(run.parts, units, transient, permanent)


def _following(source: CollectedSource, capture: Capture, most: int) -> list[Request]:
    try:
        return list(islice(source.follow(capture), most))
    except BadData:
        return []  # `parse` meets the same answer, and says what is wrong with it


def _not_asked(run: _Run, request: Request) -> Capture:
    """The first request beyond `MAX_FOLLOWED`, as failed: it stands for all that its answer names after it."""
    reason = f"Permanent: not asked: the answers of this run name more than {MAX_FOLLOWED} requests"
    return Capture(
        unit=request.unit,
        url=request.full_url,
        status=0,
        slot=run.slot,
        fetched_at=run.clock(),
        context=request.context,
        error=reason,
    )


def _fetch(run: _Run, request: Request) -> tuple[Capture, Transient | Permanent | None]:
    """The answer to one request, and what went wrong."""
    known = run.validators.get(request.unit)
    if known and not known.are_for(request, run.attempt):
        known = None
    response, error = Response(0, {}, b""), None
    try:
        if run.is_quota_used_up:
            raise QuotaExceeded("not asked: the quota is used up")
        # Half a period early is near enough: an answer that holds for a period is asked for in every one.
        if known and known.is_fresh(run.clock() + run.source.schedule.period / 2, run.source.stale_after):
            raise NotModified("not asked: the last answer still holds", 304)
        response = run.http.get(run.source, request, known.headers() if known else {})
        if known and known.is_same(response.body):
            raise NotModified("the same as the last answer", 304)
    except NotModified as unchanged:
        response = Response(unchanged.status, {}, b"")
    except (Transient, Permanent) as failure:
        response, error = Response(failure.status, {}, b""), failure
        run.is_quota_used_up |= isinstance(failure, QuotaExceeded)
    reason = f"{type(error).__name__}: {error}" if error else ""
    url, now = request.full_url, run.clock()
    return (
        Capture(
            unit=request.unit,
            url=url,
            status=response.status,
            slot=run.slot,
            fetched_at=now,
            headers=response.headers,
            context=request.context,
            body=response.body,
            error=reason,
        ),
        error,
    )
