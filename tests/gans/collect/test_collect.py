"""Plan, fetch, land: whatever happens, what was answered is kept, and only what was kept is remembered."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gans.collect import collect as module
from gans.collect import http
from gans.collect.collect import Collected, collect
from gans.collect.http import Http, Response
from gans.errors import BadData, ConfigError, NotModified, Permanent, QuotaExceeded, Transient
from gans.schedule import every
from gans.settings import Settings
from gans.source import Capture, CollectedSource, Provided, Reference, Request, Secret
from gans.sources import registry
from gans.storage.landing import Part, PartKey, read_part
from gans.storage.store import FolderStore, Store
from gans.storage.validators import KEPT, Validators, drop_validators, read_validators, write_validators
from local.simulator import Simulator

SLOT = datetime(2025, 3, 30, 3, tzinfo=UTC)
NOW = datetime(2025, 3, 30, 3, 1, tzinfo=UTC)


class Rows:
    """A `Reference` in memory."""

    def __init__(self, **tables: Any) -> None:
        self._tables = tables

    def rows(self, table: str) -> Any:
        return self._tables.get(table, ())


class Scripted(Http):
    """Gives the answer of each unit, or raises it; everything not scripted is 200 "ok"."""

    def __init__(self, **script: Response | Exception | type[BaseException]) -> None:
        super().__init__(Settings())
        self.script, self.asked = script, dict[str, dict[str, str]]()

    def get(self, source: CollectedSource, request: Request, conditions: Mapping[str, str] | None = None) -> Response:
        self.requests += 1
        self.asked[request.unit] = dict(conditions or {})
        outcome = self.script.get(request.unit, Response(200, {}, b"ok"))
        if isinstance(outcome, Response):
            return outcome
        raise outcome


class Broken(FolderStore):
    """A folder whose disk is full for what `is_full` says."""

    def __init__(self, root: Path, is_full: Callable[[str], bool]) -> None:
        super().__init__(root)
        self.is_full = is_full

    def write(self, key: str, data: bytes) -> None:
        if self.is_full(key):
            raise ConfigError(f"Cannot write {key}: No space left on device")
        super().write(key, data)


def probe(*units: str | Provided, **fields: Any) -> CollectedSource:
    def plan(reference: Reference, slot: datetime) -> Iterator[Request | Provided]:
        for unit in units:
            yield unit if isinstance(unit, Provided) else Request(unit=unit, url=f"https://api.test/{unit}", context={"of": unit})

    return CollectedSource(
        **{
            "name": "probe", "provider": "", "docs": "", "licence": "", "schedule": every(hours=1), "stale_after": timedelta(1),
            "hosts": ("api.test",), "reads": (), "writes": (), "plan": plan, "parse": lambda _: iter(()),
        }
        | fields
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


Run = Callable[..., Collected]


@pytest.fixture
def run(store: FolderStore) -> Run:
    """Collects for the slot; every reading of the clock is a second later."""
    seconds = iter(range(100_000))

    def run(source: CollectedSource, asking: Http, **overrides: Any) -> Collected:
        return collect(
            source,
            SLOT,
            http=asking,
            **{"store": store, "reference": Rows(), "clock": lambda: NOW + timedelta(seconds=next(seconds))} | overrides,
        )

    return run


def landed(store: Store) -> list[Part]:
    return [read_part(data) for key in store.keys("landing/") if (data := store.read(key)) is not None]


def captured(store: Store) -> list[Capture]:
    return [capture for part in landed(store) for capture in part.captures]


# every unit leaves a capture


def test_every_planned_unit_leaves_a_capture(run: Run, store: FolderStore) -> None:
    asking = Scripted(
        good=Response(200, {"content-type": "text/html"}, b"\xffbody"),
        same=NotModified("nothing newer", 304),
        busy=Transient("api.test answered 503 (tried 3 times)", 503),
        lost=Transient("api.test did not answer in time (tried 3 times)"),
        gone=Permanent("api.test answered 404", 404),
    )
    collected = run(probe(Provided("list", {"cities": [1]}), "good", "same", "busy", "lost", "gone"), asking)
    assert collected == Collected(collected.parts, units=6, transient=2, permanent=1)
    assert [(c.unit, c.url, c.status, c.body, c.error) for c in captured(store)] == [
        ("list", "", 0, b"", ""),
        ("good", "https://api.test/good", 200, b"\xffbody", ""),
        ("same", "https://api.test/same", 304, b"", ""),
        ("busy", "https://api.test/busy", 503, b"", "Transient: api.test answered 503 (tried 3 times)"),
        ("lost", "https://api.test/lost", 0, b"", "Transient: api.test did not answer in time (tried 3 times)"),
        ("gone", "https://api.test/gone", 404, b"", "Permanent: api.test answered 404"),
    ]
    assert [c.context for c in captured(store)][:2] == [{"cities": [1]}, {"of": "good"}]
    times = [c.fetched_at for c in captured(store)]
    assert times == sorted(set(times))
    (part,) = landed(store)
    assert (part.header.slot, part.header.part) == (SLOT, 1)
    footer = part.footer
    assert (footer.requests, footer.bytes_received, footer.captures, footer.is_cut_short, footer.note) == (5, 5, 6, False, "")
    assert collected.parts == list(store.keys("landing/")) == [str(PartKey.of(part.header))]


def test_after_a_used_up_quota_nothing_more_is_asked_and_every_unit_is_accounted_for(run: Run, store: FolderStore) -> None:
    http = Scripted(b=QuotaExceeded("api.test answered 429: no units left", 429))
    done = run(probe("a", "b", "c", "d"), http)
    assert (done.units, done.transient, done.permanent) == (4, 0, 3)
    assert list(http.asked) == ["a", "b"]
    assert {capture.unit: capture.error for capture in captured(store)} == {
        "a": "",
        "b": "QuotaExceeded: api.test answered 429: no units left",
        **dict.fromkeys("cd", "QuotaExceeded: not asked: the quota is used up"),
    }
    later = Scripted()
    run(probe("a", "b"), later)
    assert list(later.asked) == ["a", "b"], "the next run tries again"


def test_each_attempt_has_its_own_place(run: Run, store: FolderStore) -> None:
    for _ in range(3):
        run(probe("a"), Scripted())
    assert len(list(store.keys(f"landing/probe/{SLOT:%Y%m%dT%H%M%S.%f}Z/"))) == 3


def test_nothing_to_ask_is_landed_with_the_reason(run: Run, store: FolderStore) -> None:
    assert run(probe(reads=("cities", "airports")), Scripted()).units == 0
    (part,) = landed(store)
    assert part.captures == []
    assert part.footer.note == "nothing to ask: cities, airports gave no unit yet"


def test_progress_is_told(run: Run) -> None:
    progress: list[tuple[int, int]] = []
    run(
        probe("a", Provided("b", {}), "c"),
        Scripted(a=Permanent("no")),
        on_progress=lambda done, known: progress.append((done, known)),
    )
    assert progress == [(1, 3), (2, 3), (3, 3)]


def test_a_missing_key_is_said_before_anything_is_asked(run: Run, store: FolderStore) -> None:
    asking = Scripted()
    with pytest.raises(ConfigError, match="GANS_PROBE_KEY is not set"):
        run(probe("a", secret=Secret(setting="GANS_PROBE_KEY", header="X-Key")), asking)
    assert (asking.asked, list(store.keys(""))) == ({}, [])


def test_a_plan_that_cannot_be_made_asks_nothing(run: Run, store: FolderStore) -> None:
    def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
        yield Request(unit="a", url="https://api.test/a")
        raise ConfigError("the watchlist is wrong")

    asking = Scripted()
    with pytest.raises(ConfigError, match="watchlist"):
        run(probe(plan=plan), asking)
    assert (asking.asked, list(store.keys(""))) == ({}, [])


# a run that ends before its time


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_a_run_that_is_stopped_has_landed_what_it_had(run: Run, store: FolderStore, stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        run(probe("a", "b", "c", "d"), Scripted(c=stop))
    (part,) = landed(store)
    assert [capture.unit for capture in part.captures] == ["a", "b"]
    assert part.footer.is_cut_short
    assert part.footer.captures == 2


def test_a_run_that_is_stopped_at_once_leaves_its_line(run: Run, store: FolderStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(probe("a"), Scripted(a=KeyboardInterrupt))
    (part,) = landed(store)
    assert (part.captures, part.footer.is_cut_short, part.footer.note) == ([], True, "")


# parts


def bodies(**sizes: int) -> dict[str, Response]:
    return {unit: Response(200, {"etag": f'"{unit}"'}, bytes(size)) for unit, size in sizes.items()}


def test_large_answers_make_several_parts(run: Run, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 1000)
    collected = run(probe(*"zabcdef"), Scripted(**bodies(z=2000, a=500, b=500, c=1, d=5000, e=999, f=1)))
    parts = landed(store)
    assert [[capture.unit for capture in part.captures] for part in parts] == [["z"], ["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert [part.header.part for part in parts] == [1, 2, 3, 4, 5]
    assert len({part.header.attempt for part in parts}) == 1
    assert sum(part.footer.requests for part in parts) == 7
    assert sum(part.footer.bytes_received for part in parts) == 9001
    assert collected.parts == list(store.keys("landing/"))


def test_of_a_stopped_run_only_the_last_part_is_cut_short(run: Run, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 1000)
    with pytest.raises(KeyboardInterrupt):
        run(probe(*"abcd"), Scripted(**bodies(a=900, b=900, c=900), d=KeyboardInterrupt))
    assert [part.footer.is_cut_short for part in landed(store)] == [False, False, True]


# what is remembered


def test_the_second_run_asks_only_for_what_is_newer(run: Run, store: FolderStore) -> None:
    headers = {"etag": '"1"', "last-modified": "Sun, 30 Mar 2025 00:00:00 GMT"}
    first = Scripted(a=Response(200, headers, b"x"), b=Response(200, {"etag": '"2"'}, b"x"), d=Permanent("no", 404))
    run(probe(*"abcd"), first)
    assert set(map(str, first.asked.values())) == {"{}"}
    again = Scripted(a=NotModified("nothing newer", 304))
    run(probe(*"abcd"), again)
    assert again.asked == {
        "a": {"If-None-Match": '"1"', "If-Modified-Since": headers["last-modified"]},
        "b": {"If-None-Match": '"2"'},
        "c": {},
        "d": {},
    }
    third = Scripted()
    run(probe(*"abcd"), third)
    assert third.asked["a"] == again.asked["a"], "what is not modified keeps its validators"


def test_another_question_is_asked_in_full(run: Run, store: FolderStore) -> None:
    def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
        yield Request(unit="a", url="https://api.test/another")

    run(probe("a"), Scripted(a=Response(200, {"etag": '"1"'}, b"x")))
    asking = Scripted()
    run(probe(plan=plan), asking)
    assert asking.asked == {"a": {}}


def test_beside_another_context_it_is_asked_in_full(run: Run, store: FolderStore) -> None:
    def about(*cities: int) -> CollectedSource:
        request = Request(unit="a", url="https://api.test/a", context={"cities": list(cities), "of": {"x": 1, "y": 2}})
        return probe(plan=lambda reference, slot: iter((request,)))

    answer = Response(200, {"etag": '"1"'}, b"x")
    run(about(1), Scripted(a=answer))
    run(about(1, 2), asking := Scripted(a=answer))
    assert asking.asked == {"a": {}}, "the answer did not change, what it means did"
    run(about(1, 2), asking := Scripted(a=NotModified("nothing newer", 304)))
    assert asking.asked == {"a": {"If-None-Match": '"1"'}}


@pytest.mark.parametrize("etag", ['"a\u00a0"', '"a\nb"', "\x85", '"\x7f"', ""])
def test_an_etag_that_cannot_be_sent_back_is_not_remembered(run: Run, store: FolderStore, etag: str) -> None:
    run(probe("a"), Scripted(a=Response(200, {"etag": etag}, b"x")))
    asking = Scripted()
    run(probe("a"), asking)
    assert asking.asked == {"a": {}}


def test_after_a_while_it_is_asked_in_full_whatever_is_remembered(run: Run, store: FolderStore) -> None:
    """The loader and the next run may undo each other's changes to what is remembered: no such slip may last for ever."""
    run(probe("a"), Scripted(a=Response(200, {"etag": '"1"'}, b"x")), clock=lambda: NOW)
    for since, asked in ((KEPT - timedelta(seconds=1), {"If-None-Match": '"1"'}), (KEPT, {})):
        asking = Scripted(a=NotModified("nothing newer", 304))
        run(probe("a"), asking, clock=lambda since=since: NOW + since)
        assert asking.asked == {"a": asked}


WITHOUT_ZONE = b'{"a": {"url": "https://api.test/a", "context": "", "at": "2025-03-30T03:00:00", "If-None-Match": "1"}}'


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"a": 1}', b"\xff", WITHOUT_ZONE])
def test_a_memory_that_cannot_be_read_is_none(run: Run, store: FolderStore, damage: bytes) -> None:
    store.write("state/probe.json", damage)
    asking = Scripted(a=Response(200, {"etag": '"1"'}, b"x"))
    run(probe("a"), asking)
    assert asking.asked == {"a": {}}
    assert read_validators(store, "probe")["a"].etag == '"1"'


def test_what_could_not_be_landed_is_not_remembered(run: Run, tmp_path: Path) -> None:
    store = Broken(tmp_path, lambda key: key.startswith("landing/"))
    with pytest.raises(ConfigError, match="No space left"):
        run(probe("a"), Scripted(a=Response(200, {"etag": '"1"'}, b"x")), store=store)
    assert list(store.keys("")) == []


@pytest.mark.parametrize("full_from", [1, 2, 3])
def test_at_a_full_disk_only_what_was_landed_is_remembered(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_from: int
) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 1000)
    store = Broken(tmp_path, lambda key: key.startswith("landing/") and PartKey.parse(key).part >= full_from)
    with pytest.raises(ConfigError, match="No space left"):
        run(probe(*"abc"), Scripted(**bodies(a=900, b=900, c=900)), store=store)
    assert [capture.unit for capture in captured(store)] == list("abc"[: full_from - 1])
    assert list(read_validators(store, "probe")) == list("abc"[: full_from - 1])


def test_what_meant_nothing_is_forgotten_and_no_more(store: FolderStore) -> None:
    write_validators(store, "probe", {unit: Validators(url="x", context="", at=NOW, etag=unit) for unit in "abc"})
    drop_validators(store, "probe", ["b", "unknown"])
    assert list(read_validators(store, "probe")) == ["a", "c"]
    write_validators(store, "probe", {"a": Validators(url="y", context="", at=NOW, etag="newer")})
    assert read_validators(store, "probe")["a"].etag == "newer"
    drop_validators(store, "other", ["a"])
    assert list(store.keys("")) == ["state/probe.json"]


def test_what_was_forgotten_meanwhile_stays_forgotten(run: Run, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first parts of a long run are loaded while its last are being collected."""
    monkeypatch.setattr(module, "PART_BYTES", 1000)

    def loader(done: int, known: int) -> None:
        if done == 3:
            drop_validators(store, "probe", ["a"])

    run(probe(*"abcd"), Scripted(**bodies(a=900, b=900, c=900, d=900)), on_progress=loader)
    assert list(read_validators(store, "probe")) == ["b", "c", "d"]


# following


def test_what_an_answer_names_is_asked_next(run: Run, store: FolderStore) -> None:
    def follow(capture: Capture) -> Iterator[Request]:
        for unit in json.loads(capture.body):
            yield Request(unit=unit, url=f"https://api.test/{unit}")

    asking = Scripted(
        a=Response(200, {}, b'["a1", "a2"]'),
        a1=Response(200, {}, b'["a1x"]'),
        a1x=Response(200, {}, b"[]"),
        a2=Transient("busy"),
        b=Response(200, {}, b"[]"),
    )
    progress: list[tuple[int, int]] = []
    collected = run(probe("a", "b", follow=follow), asking, on_progress=lambda done, known: progress.append((done, known)))
    assert [capture.unit for capture in captured(store)] == ["a", "a1", "a1x", "a2", "b"]
    assert (collected.units, collected.transient) == (5, 1)
    assert progress == [(1, 4), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_an_answer_that_cannot_be_followed_costs_nothing_else(run: Run, store: FolderStore) -> None:
    def follow(capture: Capture) -> Iterator[Request]:
        yield Request(unit=f"{capture.unit}1", url="https://api.test/x")
        raise BadData("not a discovery file")

    run(probe("a", "b", follow=lambda capture: follow(capture) if capture.unit == "a" else iter(())), Scripted())
    assert [capture.unit for capture in captured(store)] == ["a", "b"]


def endless(capture: Capture) -> Iterator[Request]:
    """Names the next unit, for ever."""
    yield Request(unit=f"{capture.unit}x", url="https://api.test/x")


def swarming(capture: Capture) -> Iterator[Request]:
    """Names more units than anyone can count."""
    for number in count():
        yield Request(unit=f"{capture.unit}.{number}", url="https://api.test/x")


@pytest.mark.parametrize(
    ("follow", "asked", "failed"),
    [
        (endless, ["a", "ax", "axx", "axxx", "b"], ["axxxx", "bx"]),
        (swarming, ["a", "a.0", "a.1", "a.2", "b"], ["a.3", "a.0.0", "a.1.0", "a.2.0", "b.0"]),
    ],
)
def test_answers_that_name_ever_more_are_cut_off_and_that_is_recorded(
    run: Run, store: FolderStore, monkeypatch: pytest.MonkeyPatch, follow: Any, asked: list[str], failed: list[str]
) -> None:
    monkeypatch.setattr(module, "MAX_FOLLOWED", 3)
    asking, progress = Scripted(), list[tuple[int, int]]()
    collected = run(probe("a", "b", follow=follow), asking, on_progress=lambda done, known: progress.append((done, known)))
    assert sorted(asking.asked) == sorted(asked)
    refused = [capture for capture in captured(store) if capture.error]
    assert [capture.unit for capture in refused] == failed
    assert {(c.status, c.url, c.error) for c in refused} == {
        (0, "https://api.test/x", "Permanent: not asked: the answers of this run name more than 3 requests")
    }
    assert (collected.units, collected.permanent) == (len(asked) + len(failed), len(failed))
    assert progress[-1] == (collected.units, collected.units)


# hosts side by side


class Hanging(BaseHTTPRequestHandler):
    """Answers what it is asked, unless by the name of the host that hangs: then it keeps silent until the other side is gone."""

    def do_GET(self) -> None:
        host = self.path.split("/")[1]
        if host == "hangs.example.org":
            self.connection.recv(1)
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(host)))
        self.end_headers()
        self.wfile.write(host.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hanging() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hanging)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_one_system_that_hangs_costs_the_others_nothing(run: Run, store: FolderStore, hanging: str) -> None:
    hosts = ["hangs", *(f"h{number}" for number in range(8)), "hangs", "hangs", "last"]

    def plan(reference: Reference, slot: datetime) -> Iterator[Request]:
        for number, host in enumerate(hosts):
            yield Request(unit=str(number), url=f"https://{host}.example.org/{number}")

    source = probe(plan=plan, hosts=(), discovers_hosts=True, budget=timedelta(seconds=6))
    collected = run(source, Http(Settings(simulator_url=hanging)))
    assert (collected.units, collected.transient, collected.permanent) == (12, 3, 0)
    assert [(c.unit, c.body.decode()) for c in captured(store)] == [
        (str(number), "" if host == "hangs" else f"{host}.example.org") for number, host in enumerate(hosts)
    ], "what is landed is in the order of the plan"
    errors = [capture.error for capture in captured(store) if capture.error]
    assert errors[1:] == ["Transient: not asked: hangs.example.org has used up its 1.5 s of this run, failing or slow"] * 2


# the whole of it, against the simulator


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setattr(http, "BACKOFF_S", 0.0)
    monkeypatch.setattr(http, "READ_S", 0.3)
    with Simulator(cities=4) as running:
        yield running


def test_cities_are_collected_once_and_then_only_when_they_change(run: Run, store: FolderStore, simulator: Simulator) -> None:
    source, reference = registry()["cities"], Rows(watched_cities=simulator.world.watchlist())
    asking = Http(Settings(simulator_url=simulator.url))
    assert run(source, asking, reference=reference).permanent == 0
    assert [c.status for c in captured(store)] == [0, 200, 200, 200, 200]
    first = set(store.keys("landing/"))
    run(source, asking, reference=reference)
    (second,) = set(store.keys("landing/")) - first
    part = read_part(store.read(second) or b"")
    assert [c.status for c in part.captures] == [0, 304, 304, 304, 304]
    assert (part.footer.requests, part.footer.bytes_received) == (4, 0)


def test_faults_are_recorded_and_heal(run: Run, store: FolderStore, simulator: Simulator) -> None:
    source = registry()["cities"]
    nowhere = {"city_id": 99, "wikipedia_language": "en", "wikipedia_title": "Nowhere", "is_watched": True}
    reference = Rows(watched_cities=[*simulator.world.watchlist(), nowhere])
    asking = Http(Settings(simulator_url=simulator.url))
    titles = [city.title for city in simulator.world.cities]
    simulator.inject("server_error", times=99, match=titles[0])
    simulator.inject("reset", times=1, match=titles[1])
    simulator.inject("timeout", times=99, match=titles[2])
    collected = run(source, asking, reference=reference)
    assert (collected.units, collected.transient, collected.permanent) == (6, 2, 1)
    by_unit = {c.unit: c for c in captured(store)}
    cities = [str(city.city_id) for city in simulator.world.cities]
    assert by_unit[cities[0]].error.startswith("Transient: en.wikipedia.org answered 500")
    assert by_unit[cities[1]].status == by_unit[cities[3]].status == 200
    assert "did not answer in time" in by_unit[cities[2]].error
    assert by_unit["99"].error == "Permanent: en.wikipedia.org answered 404 Not Found"


# what it must not know


def test_it_knows_no_sql_and_nothing_heavy() -> None:
    program = "import sys, json, gans.collect.collect; print(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "pymysql", "alembic", "boto3", "botocore", "bs4", "lxml", "pandas", "pycountry", "tzfpy"}
    assert not heavy & set(json.loads(run.stdout))


# answers that tell the present state


def holding(until: datetime, *units: str, **fields: Any) -> CollectedSource:
    return probe(*units, schedule=every(minutes=1), holds_until=lambda capture: until, **fields)


def statuses(store: Store) -> list[int]:
    return [capture.status for capture in captured(store)]


def test_an_answer_that_holds_is_not_asked_for_again(run: Run, store: FolderStore) -> None:
    source = holding(NOW + timedelta(minutes=5), "a")
    asking = Scripted()
    for minutes in (0, 1, 4, 4.6, 5):
        run(source, asking, clock=lambda minutes=minutes: NOW + timedelta(minutes=minutes))
    assert statuses(store) == [200, 304, 304, 304, 304]
    assert asking.requests == 3, "it was asked again half a minute early, which is half the period"
    again = Scripted(a=Response(200, {}, b"new"))
    run(source, again, clock=lambda: NOW + timedelta(minutes=6))
    assert (again.requests, statuses(store)[-1]) == (1, 200)


@pytest.mark.parametrize("until", [timedelta(0), timedelta(minutes=1), timedelta(days=9)])
def test_an_answer_of_a_time_to_come_holds_for_nothing(run: Run, store: FolderStore, until: timedelta) -> None:
    ahead = NOW + timedelta(hours=2)
    script = {"a": Response(200, {"etag": '"1"'}, b"same")}
    run(holding(ahead + until, "a"), Scripted(**script), clock=lambda: ahead)
    asking = Scripted(**script)
    run(holding(NOW, "a"), asking)
    assert (asking.asked, statuses(store)) == ({"a": {}}, [200, 200])


@pytest.mark.parametrize(
    ("stale_after", "most"),
    [
        (timedelta(days=3), timedelta(days=1)),
        (timedelta(hours=9), timedelta(hours=9)),
        (timedelta(minutes=5), timedelta(hours=1)),
    ],
)
def test_no_answer_holds_for_longer_than_it_counts_as_fresh(run: Run, stale_after: timedelta, most: timedelta) -> None:
    source, asking = holding(NOW.replace(year=9000), "a", stale_after=stale_after), Scripted()
    for age in (timedelta(0), most - timedelta(minutes=1), most):
        run(source, asking, clock=lambda age=age: NOW + age)
    assert asking.requests == 2


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(days=2), timedelta(days=365 * 37)])
def test_a_date_of_a_time_to_come_is_not_sent_back(run: Run, store: FolderStore, ahead: timedelta) -> None:
    dates = {"a": NOW + ahead, "b": NOW}
    headers = {unit: {"last-modified": format_datetime(at, usegmt=True)} for unit, at in dates.items()}
    run(probe("a", "b"), Scripted(**{unit: Response(200, told, b"x") for unit, told in headers.items()}), clock=lambda: NOW)
    asking = Scripted()
    run(probe("a", "b"), asking)
    assert asking.asked == {"a": {}, "b": {"If-Modified-Since": headers["b"]["last-modified"]}}


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        (datetime(900, 3, 30, 3, tzinfo=UTC), "lies before the year 2000"),
        (datetime(1999, 12, 31, 23, tzinfo=UTC), "lies before the year 2000"),
        (NOW + timedelta(hours=1, seconds=1), r"lies more than a period \(every 1 h\) ahead of the clock"),
        (datetime(2062, 3, 30, 3, tzinfo=UTC), r"The slot 2062-03-30T03:00:00\+00:00 is refused"),
        (datetime.max.replace(tzinfo=UTC), "ahead of the clock, which shows 2025-03-30 03:01 UTC"),
    ],
)
def test_what_is_no_slot_asks_and_lands_nothing(store: FolderStore, slot: datetime, reason: str) -> None:
    asking = Scripted()
    with pytest.raises(ConfigError, match=reason):
        collect(probe("a"), slot, store=store, reference=Rows(), http=asking, clock=lambda: NOW)
    assert (asking.requests, list(store.keys(""))) == (0, [])


def test_the_next_slot_may_be_asked_for_early(store: FolderStore) -> None:
    slot = NOW + timedelta(hours=1)
    collected = collect(probe("a"), slot, store=store, reference=Rows(), http=Scripted(), clock=lambda: NOW)
    assert [PartKey.parse(key).slot for key in collected.parts] == [slot]


def test_the_same_answer_is_not_landed_again(run: Run, store: FolderStore) -> None:
    source = holding(NOW, "a")
    for body in (b"one", b"one", b"two", b"two", b"one"):
        run(source, Scripted(a=Response(200, {}, body)))
    assert statuses(store) == [200, 304, 200, 304, 200]
    assert [capture.body for capture in captured(store) if capture.body] == [b"one", b"two", b"one"]


def test_an_answer_that_meant_nothing_is_asked_for_again(run: Run, store: FolderStore) -> None:
    source, asking = holding(NOW + timedelta(days=1), "a"), Scripted()
    run(source, asking)
    drop_validators(store, "probe", ["a"])
    run(source, asking)
    assert (asking.requests, statuses(store)) == (2, [200, 200])


def test_what_is_followed_is_asked_for_whole_every_time(run: Run, store: FolderStore) -> None:
    def follow(capture: Capture) -> Iterator[Request]:
        if capture.unit == "a":
            yield Request(unit="b", url="https://api.test/b")

    script = {"a": Response(200, {"etag": '"1"'}, b"a"), "b": Response(200, {"etag": '"2"'}, b"b")}
    source = holding(NOW + timedelta(days=1), "a", follow=follow)
    for _ in range(2):
        asking = Scripted(**script)
        run(source, asking)
    assert asking.asked == {"a": {}}
    assert statuses(store) == [200, 200, 200, 304]
