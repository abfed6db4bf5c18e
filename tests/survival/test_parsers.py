"""Whatever an upstream answers: rows within the limits of their tables, rejects or `BadData`; nothing else, and soon.

Hypothesis makes the answers: any bytes, any JSON, and the recorded answers with something changed (also those in the folder that
`GANS_CAPTURES` names). `make fuzz` tries many more of them than `make test`, and others each time.
"""

import html
import json
import math
import os
import re
import signal
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Date, Engine, Float, Integer, String

import gans.sources
from gans.errors import BadData
from gans.load.load import load
from gans.load.transform import ParsedPart, parse_part
from gans.source import Capture, CollectedSource, Reject, Request, Row, Source, rows_of
from gans.sources import registry
from gans.storage.landing import Footer, Header, Part, PartKey, PartWriter
from gans.storage.store import FolderStore
from gans.tables import Instant, column_facts, metadata
from gans.tables._columns import JSON_TEXT
from tests.conftest import fixed_keys
from tests.gans.sources.test_contracts import capture_of

EXAMPLES = int(os.environ.get("GANS_TEST_EXAMPLES", "0"))
"""How many answers each parser meets: those that `make fuzz` sets, or a few hundred that are the same each time."""

QUICK_EXAMPLES = 250
DATABASE_EXAMPLES = 40
CPU_SECONDS = 3.0
"""For one answer; more is a hang. An answer of a megabyte takes a tenth of it on a slow machine."""

SOURCES = registry()
RECORDED = Path(__file__).parents[1] / "gans" / "sources"
NOW = datetime(2025, 3, 30, 4, 56, 7, 890_123, tzinfo=UTC)
CAPTURED = {
    "airports": "airports/*",
    "cities": "wikipedia/**/*.html",
    "flights": "aerodatabox/*",
    "openweather": "openweather/*",
    "station_status": "gbfs/**/station_status*.json",
    "stations": "gbfs/**/station_information*.json",
    "vehicles": "gbfs/**/*e_status*.json",
    "weather": "openmeteo/*",
}
"""Which of the captures are answers for a source; the others know only the recorded answer of their tests."""

CAPTURE_BYTES = 60_000
"""Larger captures are left to the tests of the sources: each of thousands of changes to them would take long."""

profile = settings(
    max_examples=EXAMPLES or QUICK_EXAMPLES,
    deadline=None,  # wall time means nothing on a busy machine; see `in_time`
    derandomize=not EXAMPLES,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


class Answer(NamedTuple):
    """An answer, and the file that it was made from."""

    file: Path
    capture: Capture

    def __repr__(self) -> str:
        body = self.capture.body
        return f"{self.file.name}, changed to {body[:2_000]!r}{f' … ({len(body):,} bytes)' if len(body) > 2_000 else ''}"


@cache
def bases(name: str) -> list[Answer]:
    """The recorded answer of a source, then its captures where they are at hand."""
    source, folder = SOURCES[name], RECORDED / name
    (path,) = folder.glob("payload.*")
    files = [path]
    if os.environ.get("GANS_CAPTURES") and name in CAPTURED:
        files += sorted(Path(os.environ["GANS_CAPTURES"]).glob(CAPTURED[name]))
    capture = capture_of(source, b"")
    found = []
    for file in files:
        if file.suffix in (".json", ".geojson", ".html", ".csv") and file.stat().st_size <= CAPTURE_BYTES:
            fitting = _fitting(source, msgspec.structs.replace(capture, body=file.read_bytes()))
            if fitting is not None:
                found.append(Answer(file, fitting))
            assert found, f"{file} gives no row with the slot and the context of {folder / 'context.json'}: let one fit the other"
    return found


def _fitting(source: Source, capture: Capture) -> Capture | None:
    """The capture with a slot and a context under which it gives rows: perhaps the time it names, or one place for two."""
    named = re.search(rb"20\d\d-\d\d-\d\d[T ]\d\d:\d\d", capture.body)
    slots = [capture.slot, *([datetime.fromisoformat(named[0].decode()).replace(tzinfo=UTC)] if named else [])]
    one = {name: value[:1] if isinstance(value, list) else value for name, value in capture.context.items()}
    for slot in slots:
        for context in (capture.context, one):
            fitting = msgspec.structs.replace(capture, slot=slot, context=context)
            if parsed(source, fitting)[0]:
                return fitting
    return None


# What is tried


HOSTILE = (
    "", " ", "0", "-0", "NaN", "Infinity", "1e999", "٣", "½", "1,234,567", "1.234.567,8", "9" * 400, "2026-02-30T25:61",
    "2026-03-29T02:30", "0001-01-01T00:00", "9999-12-31T23:59", "2026-03-28T13:00+23:59", "2026-03-28 13:00Z",
    "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "'; DROP TABLE cities; --", '"', "\\", "\0", "\u202eabc", "\x1b[2J", "🛴",
    "\ud800", "é" * 10_000, "Etc/UTC", "../../etc/passwd", "<b>", "&#x202e;", "&lt;", "[1]", "{}", "null", "°F", "K", "m/s",
    "inch", "kn", "UTC+14",
)  # fmt: skip

NUMBERS = st.one_of(
    st.integers(-10, 10_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 1e308, -1e308, 5e-324, -0.0, 1e15]),
)
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
DEEP = "@deep@"
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=5), SCALARS, max_size=3),
    st.just(DEEP),
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4))
MARKUP = (
    "<table class=infobox>", "</table>", "<tr>", "</tr>", "<th>", "<td colspan=99999999 rowspan=-1>", "<td>", "</td>", "<!--",
    "-->",
    "<script>", "</script>", "<![CDATA[", "<div>" * 3_000, "<b>" * 300, "</div>" * 50, "<table><tr><td>" * 300, "<svg><title>",
    "<span style=display:none>", "&nbsp;", "&#0;", "&#xD800;", "&#x110000;", "&bogus;", "<br>" * 1_000, "<sup>2</sup>", "km2",
    "\0",
    '<span class="geo">91; 181</span>', '<span class="geo">nan; inf</span>', "<h1 id=firstHeading>", "<html>", "<base href=x>",
)  # fmt: skip


def encoded(tree: object, *, is_ascii: bool) -> bytes:
    """JSON, or nearly: `NaN`, numbers of 400 digits, half a surrogate pair and a nesting of thousands are left in."""
    text = json.dumps(tree, ensure_ascii=is_ascii)
    return text.encode(errors="surrogatepass").replace(f'"{DEEP}"'.encode(), b"[" * 5_000 + b"]" * 5_000)


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything in a tree but its root."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield (*path, key)
        yield from nodes(value, (*path, key))


@cache
def _tree(body: bytes) -> tuple[Any, list[list[tuple[Any, ...]]]]:
    """The answer, and the paths into it, those together that differ in their places in lists alone."""
    tree = json.loads(body)
    kinds: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for path in nodes(tree):
        kinds.setdefault(tuple("" if isinstance(step, int) else step for step in path), []).append(path)
    return tree, list(kinds.values())


@st.composite
def changed_json(draw: st.DrawFn, body: bytes) -> bytes:
    """The answer with some of its values swapped, dropped, repeated or renamed."""
    whole, kinds = _tree(body)
    tree = deepcopy(whole)
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)):
        *above, key = draw(st.sampled_from(kind))
        parent: Any = tree
        try:
            for step in above:
                parent = parent[step]
            there = parent[key]
        except (LookupError, TypeError):
            continue  # an earlier change took it away
        if isinstance(parent, str):
            continue  # or put a text in its place
        way = draw(st.sampled_from(("swap", "swap", "swap", "drop", "repeat", "rename", "nudge")))
        if way == "drop":
            del parent[key]
        elif way == "repeat" and isinstance(parent, list):
            parent[key:key] = [deepcopy(there)] * draw(st.sampled_from((1, 2, 300)))
        elif way == "rename" and isinstance(parent, dict):
            parent[draw(st.sampled_from((f"{key} ", f"{key}s", key.upper(), "")))] = parent.pop(key)
        elif way == "nudge" and isinstance(there, (int, float)) and abs(there) < 1e9:
            parent[key] = draw(st.sampled_from((-there, there * 1_000, there + 0.5, str(there), [there], bool(there))))
        else:
            parent[key] = draw(VALUES)
    return encoded(tree, is_ascii=draw(st.booleans()))


@st.composite
def changed_pieces(draw: st.DrawFn, body: bytes, pattern: bytes, new: st.SearchStrategy[str]) -> bytes:
    """The answer with some of its pieces swapped, dropped, moved or repeated: the matches of `pattern`, and what is between."""
    pieces = re.split(b"(" + pattern + b")", body)
    for index in draw(st.lists(st.integers(0, len(pieces) - 1), min_size=1, max_size=6)):
        way = draw(st.sampled_from(("new", "new", "add", "drop", "repeat", "move")))
        if way == "new":
            pieces[index] = draw(new).encode(errors="surrogatepass")
        elif way == "add":
            pieces[index] += draw(new).encode(errors="surrogatepass")
        elif way == "drop":
            pieces[index] = b""
        elif way == "repeat":
            pieces[index] *= draw(st.sampled_from((2, 3, 200)))
        else:
            other = draw(st.integers(0, len(pieces) - 1))
            pieces[index], pieces[other] = pieces[other], pieces[index]
    return b"".join(pieces)


@st.composite
def changed_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    """The answer with some bytes changed, put in or taken out, perhaps cut short."""
    found = bytearray(body)
    for offset in draw(st.lists(st.integers(0, len(body)), min_size=1, max_size=8)):
        offset = min(offset, len(found))
        way = draw(st.sampled_from(("flip", "flip", "in", "out", "cut")))
        if way == "flip" and offset < len(found):
            found[offset] = draw(st.integers(0, 255))
        elif way == "in":
            found[offset:offset] = draw(st.one_of(st.binary(max_size=8), st.sampled_from((b'"', b"[" * 2_000, b"<", b"9"))))
        elif way == "out":
            del found[offset : offset + draw(st.integers(1, 2_000))]
        elif way == "cut" and offset > len(found) // 2:
            del found[offset:]
    return bytes(found)


def changed(base: Answer) -> st.SearchStrategy[bytes]:
    body = base.capture.body
    ways = [changed_bytes(body)]
    if base.file.suffix in (".json", ".geojson"):
        ways += [changed_json(body)] * 4
    elif base.file.suffix == ".html":
        ways += [changed_pieces(body, rb"<[^>]*>", st.one_of(TEXTS, st.sampled_from(MARKUP), NUMBERS.map(str)))] * 4
    else:
        ways += [changed_pieces(body, rb"[,\n]", st.one_of(TEXTS, NUMBERS.map(str), st.just('"' + "x" * 140_000)))] * 4
    return st.one_of(ways)


ANYTHING = st.one_of(
    st.binary(max_size=300),
    TREES.map(lambda tree: encoded(tree, is_ascii=True)),
    TEXTS.map(lambda text: text.encode(errors="replace")),
)


@st.composite
def answers(draw: st.DrawFn, name: str) -> Answer:
    """Any answer to a source."""
    known = bases(name)
    base = draw(st.one_of(st.just(known[0]), st.sampled_from(known)))
    body = draw(st.one_of([changed(base)] * 7 + [ANYTHING]))
    return Answer(base.file, msgspec.structs.replace(base.capture, body=body))


# What must hold


class TooLong(BaseException):
    """An answer took too long; no `except Exception` of a parser may take it for its own."""


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Fails what takes more than so many seconds of this process's own time, whatever else the machine does."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    except TooLong:
        pytest.fail(f"it took more than {seconds:.0f} s", pytrace=False)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def parsed(source: Source, capture: Capture) -> tuple[list[Row], list[Reject]]:
    """What `parse` gives; a capture that is bad as a whole is one reject. Any other exception is the test's."""
    try:
        items = list(source.parse(capture))
    except BadData as error:
        return [], [Reject(str(error), "")]
    return list(rows_of(items)), [item for item in items if isinstance(item, Reject)]


def part_of(source: Source, capture: Capture) -> Part:
    header = Header(source=source.name, slot=capture.slot, attempt=capture.fetched_at, part=1, code_version="")
    return Part(
        header, [capture], Footer(finished_at=capture.fetched_at, requests=1, bytes_received=len(capture.body), captures=1)
    )


def assert_fits(result: ParsedPart) -> None:
    """Every value of every row is one that its column can hold, on every database."""
    for (table, columns), rows in result.rows.items():
        for row in rows:
            for name, value in zip(columns, msgspec.structs.astuple(row), strict=True):
                column = metadata.tables[table].columns[name]
                if value is None:
                    assert column.nullable, column
                elif isinstance(column.type, Instant):
                    assert value.utcoffset() == timedelta(0), column
                elif isinstance(column.type, Date):
                    assert type(value) is date, column
                elif isinstance(column.type, (Integer, Float)):
                    assert math.isfinite(value), column
                    assert column_facts(column).ge <= value <= column_facts(column).le, column
                    assert isinstance(column.type, Float) or isinstance(value, int), column
                elif isinstance(column.type, String):
                    assert len(value) <= (column.type.length or (2**21 if column.type is JSON_TEXT else 4_000)), column
                    assert "\0" not in value, column
                    value.encode()


class Facts(NamedTuple):
    """All that an answer, its context and the source's own words say: numbers, and the letters of its texts in a row."""

    numbers: list[float]
    texts: str


FACTORS = (1.0, 3.6, 25.4, 0.1, 2.54, 1.609344, 1.852, 0.3048, 2.589988110336, 100.0, 0.01, 0.0040468564224, 1e3, 1e6)
"""Of the units that upstreams use to ours: m/s, inch, mm, mile, knot, foot, square mile, share, hectare, acre; thousand…"""

DERIVED = {
    "timezone", "local_on", "local_hour_of_week", "hour_of_week", "distance_km", "distance_m", "areas", "cell", "outline",
}  # fmt: skip
"""Columns that are reckoned from others."""

SUMS = {"precipitation_mm"}
"""Columns that may be the sum of two: rain and snow."""

_NUMBERS = (re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"), re.compile(r"[-−]?\d(?:[\d.,'’\s]*\d)?"))
"""As a program writes them, and as people do, with whatever stands between thousands."""


def facts_of(source: Source, capture: Capture) -> Facts:
    """What may stand in the rows of an answer."""
    code = "".join(path.read_text() for path in Path(gans.sources.__path__[0]).glob("*.py"))
    raw = capture.body.decode(errors="replace")
    forms = [raw, html.unescape(raw), html.unescape(re.sub(r"<[^>]*>", "", raw)), html.unescape(re.sub(r"<[^>]*>", " ", raw))]
    with suppress(ValueError, RecursionError):
        forms += strings(json.loads(raw))
    texts = "\n".join([*forms, code, json.dumps(capture.context, ensure_ascii=False)])
    numbers = set()
    for found in {number for pattern in _NUMBERS for number in pattern.findall(texts)}:
        plain = found.replace("−", "-")
        for without, point in (("", "."), (r"[,'’\s]", "."), (r"[.'’\s]", ","), (r"[.,'’\s]", ".")):
            with suppress(ValueError):
                numbers.add(float((re.sub(without, "", plain) if without else plain).replace(point, ".")))
    return Facts(sorted(number for number in numbers if math.isfinite(number)), letters(texts))


def letters(text: str) -> str:
    """The letters and digits of a text: parsers tidy what stands between them."""
    return "".join(c for c in text.casefold() if c.isalnum())


def strings(tree: Any) -> Iterator[str]:
    """Every text and number in a tree, as it reads without quotes and escapes."""
    if isinstance(tree, dict):
        yield from tree
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from strings(value)
    if not isinstance(tree, (dict, list)):
        yield str(tree)


def is_stated(value: object, column: str, facts: Facts) -> bool:
    """Whether a value is in what was told, in its unit or in another."""
    if value is None or isinstance(value, (bool, date)) or column in DERIVED:
        return True
    if isinstance(value, str):
        return all(letters(part) in facts.texts for part in re.split(r"[:\s]+", value))
    assert isinstance(value, (int, float))
    if column in ("latitude", "longitude"):  # may be in degrees, minutes and seconds
        return any(_is_near(one, facts.numbers, 1.0) for one in (value, abs(value)))
    slack = 0.51 if isinstance(value, int) else 0.051 if round(value, 1) == value else 0.0006
    ways = [(value / factor, slack / factor) for factor in FACTORS] + [(value * 1.8 + 32, slack * 1.8), (value + 273.15, slack)]
    if column in SUMS:
        ways += [(value - number, slack) for number in facts.numbers]
    return any(_is_near(of, facts.numbers, within + abs(of) * 1e-12) for of, within in ways)


def assert_stated(source: Source, capture: Capture, result: ParsedPart) -> None:
    """No row says what the answer does not: what is not in the rows of the unchanged answers stands in the changed one."""
    known = known_values(source.name)
    if new := values_of(result) - known:
        facts = facts_of(source, capture)
        for name, value in new:
            assert is_stated(value, name, facts), f"{name} is {value!r}, of which the answer says nothing"


@cache
def known_values(name: str) -> set[tuple[str, Any]]:
    """The values that the unchanged answers give, by column."""
    source, found = SOURCES[name], set[tuple[str, Any]]()
    return found.union(*(values_of(parse_part(source, part_of(source, base.capture), fixed_keys())) for base in bases(name)))


def values_of(result: ParsedPart) -> set[tuple[str, Any]]:
    """The values of all rows, each with its column."""
    return {
        item
        for (_, columns), rows in result.rows.items()
        for row in rows
        for item in zip(columns, msgspec.structs.astuple(row), strict=True)
    }


def _is_near(value: float, numbers: Sequence[float], within: float) -> bool:
    index = bisect_left(numbers, value - within)
    return index < len(numbers) and numbers[index] <= value + within


@pytest.fixture(params=list(SOURCES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_any_answer_is_rows_rejects_or_bad_data(name: str, record_property: Callable[[str, object], None]) -> None:
    source, tried, gave_rows = SOURCES[name], 0, 0

    @profile
    @given(answers(name))
    def holds(answer: Answer) -> None:
        nonlocal tried, gave_rows
        capture = answer.capture
        with in_time(CPU_SECONDS):
            rows, rejected = parsed(source, capture)
            result = parse_part(source, part_of(source, capture), fixed_keys())
            with suppress(BadData):
                following = source.follow(capture) if isinstance(source, CollectedSource) else ()
                assert all(isinstance(request, Request) for request in following)
        assert {row.table for row in rows} <= set(source.writes)
        assert len(result.refused) >= len(rejected)
        assert result.good + result.failed == 1
        assert_fits(result)
        assert_stated(source, capture, result)
        tried += 1
        gave_rows += bool(rows)

    holds()
    record_property("tried", f"{name}: {tried:,} answers, {gave_rows:,} of them gave rows")
    assert gave_rows > tried / 20, (
        f"only {gave_rows} of {tried} changed answers gave rows, so little of the parser is tried: let {bases(name)[0].file} "
        "hold three items or more, so that a change to one leaves the others"
    )


def test_what_passes_the_check_is_taken_by_every_database(name: str, engine: Engine, tmp_path: Path) -> None:
    """A limit that a database knows and the check does not would stop a whole batch."""
    source, store, attempts = SOURCES[name], FolderStore(tmp_path), count()

    @settings(profile, max_examples=DATABASE_EXAMPLES)
    @given(answers(name))
    def holds(answer: Answer) -> None:
        capture = answer.capture
        writer = PartWriter(
            Header(source=name, slot=capture.slot, attempt=NOW + timedelta(seconds=next(attempts)), part=1, code_version="")
        )
        writer.add(capture)
        key = str(PartKey.of(writer.header))
        store.write(key, writer.close(part_of(source, capture).footer))
        loaded = load(key, store=store, engine=engine, sources=SOURCES, clock=lambda: NOW)
        assert loaded.status in ("ok", "partial", "failed")
        assert not loaded.error.startswith("The part"), loaded.error

    holds()
