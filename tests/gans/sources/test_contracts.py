"""What every source must keep to. A new one is taken up by itself.

Beside its own test, a source has in `tests/gans/sources/<name>/` one small answer, or file, `payload.*`, and `context.json`,
which tells how it was captured (`Recorded`).
"""

import ast
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from sqlalchemy import Engine, select

import gans.sources
from gans import __version__
from gans.collect.files import OPTIONS
from gans.errors import BadData, NotKnown, NotReady
from gans.load.load import load
from gans.load.transform import ParsedPart, parse_part
from gans.source import (
    Capture,
    CollectedSource,
    File,
    ImportOptions,
    Item,
    Piece,
    Provided,
    Reject,
    Request,
    Row,
    Source,
    rows_of,
)
from gans.sources import _csv_files, asked, registry
from gans.storage.landing import Footer, Header, Part, PartKey, PartWriter
from gans.storage.store import FolderStore
from gans.tables import metadata
from tests.conftest import fixed_keys

SOURCES = registry()
FOLDER = Path(__file__).parent
NOW = datetime(2025, 3, 30, 4, 56, 7, 890_123, tzinfo=UTC)
LATER = timedelta(seconds=1)
PAYLOAD_BYTES = 50_000
REFERENCE: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "watched_cities": [
        {"city_id": 1, "wikipedia_language": "en", "wikipedia_title": "Burlington, Ontario", "is_watched": True},
        {"city_id": 2, "wikipedia_language": "de", "wikipedia_title": "Köln", "is_watched": True},
        {"city_id": 3, "wikipedia_language": "en", "wikipedia_title": "Ulm", "is_watched": False},
    ],
    "cities": [
        {
            "city_id": city_id, "name": name, "country_code": country, "latitude": latitude, "longitude": longitude,
            "elevation_m": 50.0, "timezone": zone, "area_km2": 405.0, "wikidata_id": None, "wikipedia_language": "en",
            "wikipedia_title": name, "is_watched": True,
        }
        for city_id, name, country, latitude, longitude, zone in (
            (1, "Burlington", "CA", 43.3167, -79.8, "America/Toronto"),
            (2, "Köln", "DE", 50.9364, 6.9528, "Europe/Berlin"),
            (3, None, None, None, None, None),
        )
    ],
}  # fmt: skip
"""The reference tables as `collect` knows them; the last of the cities is known by its number alone."""


def _cut(percent: int, payload: bytes) -> bytes:
    return payload[: len(payload) * percent // 100]


ERROR_PAGE = b"<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda payload: b"",
    "null": lambda payload: b"null",
    "a list": lambda payload: b"[]",
    "a list of nothing": lambda payload: b"[null]",
    "an object": lambda payload: b"{}",
    "a text": lambda payload: b'"Service Unavailable"',
    "an error page": lambda payload: ERROR_PAGE,
    "an error page behind it": lambda payload: payload + ERROR_PAGE,
    "noise": lambda payload: random.Random(1).randbytes(10_000),
    "another charset": lambda payload: payload.decode().encode("utf-16"),
    "deep": lambda payload: b"[" * 100_000,
    **{f"cut at {percent} %": partial(_cut, percent) for percent in (1, 10, 33, 50, 67, 90, 99)},
}


class Recorded(msgspec.Struct, forbid_unknown_fields=True):
    """What stands in `context.json`.

    Attributes:
        context: the context of the request, as `plan` gives it.
        slot: the scheduled time of the run; by default the source's slot at `NOW`.
        reference: rows of the tables that `plan` and `pieces` read, where those in `REFERENCE` do not do.
        options: of a file, what is said of it when it is imported.
    """

    context: dict[str, Any] = {}
    options: ImportOptions = ImportOptions()
    slot: datetime | None = None
    status: int = 200
    reference: dict[str, list[dict[str, Any]]] = {}


class Rows:
    """A `Reference` in memory."""

    def __init__(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self._rows = rows

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self._rows.get(table, ())


@cache
def recorded(name: str) -> Recorded:
    return msgspec.json.decode((FOLDER / name / "context.json").read_bytes(), type=Recorded)


@cache
def payload(name: str) -> bytes:
    (path,) = (FOLDER / name).glob("payload.*")
    return path.read_bytes()


def slot_of(source: Source) -> datetime:
    return recorded(source.name).slot or (source.schedule.slot(NOW) if isinstance(source, CollectedSource) else NOW)


def reference_of(source: Source) -> Rows:
    return Rows({**REFERENCE, **recorded(source.name).reference})


def planned(source: CollectedSource) -> list[Request | Provided]:
    return list(source.plan(reference_of(source), slot_of(source)))


def file_of(body: bytes, name: str = "recorded.csv") -> File:
    return File(name, NOW, NOW, lambda: BytesIO(body))


def pieces_of(source: Source, body: bytes) -> list[Piece]:
    assert source.files
    return list(source.files.pieces(file_of(body), recorded(source.name).options, reference_of(source)))


def capture_of(source: Source, body: bytes) -> Capture:
    """The capture of an answer; of a source that only takes files, of a piece with the context of the whole payload's."""
    recording, context = recorded(source.name), recorded(source.name).context
    if source.files:
        (piece,) = pieces_of(source, payload(source.name))
        context = msgspec.json.decode(msgspec.json.encode(piece.context))
    return Capture(
        unit="recorded",
        url="https://recorded/",
        status=recording.status,
        slot=slot_of(source),
        fetched_at=NOW,
        context=context,
        body=body,
    )


def part_of(source: Source, captures: list[Capture]) -> Part:
    header = Header(source=source.name, slot=slot_of(source), attempt=NOW, part=1, code_version=__version__)
    return Part(
        header,
        captures,
        Footer(
            finished_at=NOW,
            requests=len(captures),
            bytes_received=sum(len(capture.body) for capture in captures),
            captures=len(captures),
        ),
    )


def parsed(source: Source, capture: Capture) -> tuple[list[Row], list[Reject]]:
    """What `parse` gives; a capture that is bad as a whole counts as one reject. Any other exception is the test's."""
    items: list[Item] = []
    try:
        items.extend(source.parse(capture))
    except BadData as error:
        return [], [Reject(str(error), "")]
    return list(rows_of(items)), [item for item in items if isinstance(item, Reject)]


def parsed_part(source: Source, capture: Capture) -> ParsedPart:
    return parse_part(source, part_of(source, [capture]), fixed_keys())


@pytest.fixture(params=list(SOURCES.values()), ids=list(SOURCES))
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.param
    return found


@pytest.fixture(params=list(asked().values()), ids=list(asked()))
def asked_source(request: pytest.FixtureRequest) -> CollectedSource:
    found: CollectedSource = request.param
    return found


@pytest.fixture(params=[source for source in SOURCES.values() if source.files], ids=lambda source: source.name)
def file_source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.param
    return found


def test_it_says_what_it_is(source: Source) -> None:
    assert source.parse.__module__ == f"gans.sources.{source.name}"
    assert source.provider
    assert source.licence
    assert urlsplit(source.docs).scheme == "https"


def test_it_says_whom_it_asks(asked_source: CollectedSource) -> None:
    assert asked_source.plan.__module__ == asked_source.parse.__module__
    assert bool(asked_source.hosts) != asked_source.discovers_hosts
    assert all(urlsplit(f"https://{host}/").hostname == host for host in asked_source.hosts)


def test_it_says_which_files_it_takes(file_source: Source) -> None:
    files = file_source.files
    assert files
    assert files.about
    assert files.pieces.__module__ == file_source.parse.__module__
    assert {*files.needs, *files.takes} <= set(OPTIONS) == set(ImportOptions.__struct_fields__)
    assert not set(files.needs) & set(files.takes)


def test_what_it_writes_are_tables(source: Source) -> None:
    assert source.writes
    assert set(source.writes) <= metadata.tables.keys()


@pytest.mark.parametrize("instant", [NOW, datetime(2024, 2, 29, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_its_slots_follow_each_other(asked_source: CollectedSource, instant: datetime) -> None:
    slot, following = asked_source.schedule.slot(instant), asked_source.schedule.next(instant)
    assert slot <= instant < following == slot + asked_source.schedule.period
    assert asked_source.schedule.slot(slot) == slot
    assert asked_source.stale_after >= asked_source.schedule.period


def test_without_reference_there_is_nothing_to_ask(asked_source: CollectedSource) -> None:
    if asked_source.reads:
        assert all(isinstance(unit, Provided) for unit in asked_source.plan(Rows({}), slot_of(asked_source)))


def test_its_plan_is_the_same_every_time(asked_source: CollectedSource) -> None:
    plan = planned(asked_source)
    assert plan == planned(asked_source)
    assert any(isinstance(unit, Request) for unit in plan)
    units = Counter(unit.unit for unit in plan)
    assert units.most_common(1)[0][1] == 1, "two requests for one unit would share its ETag and its rejects"
    assert msgspec.json.decode(msgspec.json.encode([unit.context for unit in plan])) == [unit.context for unit in plan]


def test_it_asks_only_the_hosts_that_it_names_and_shows_no_key(asked_source: CollectedSource) -> None:
    for request in planned(asked_source):
        if isinstance(request, Request):
            asked = urlsplit(request.url)
            assert asked.scheme == "https"
            assert asked.netloc in asked_source.hosts or asked_source.discovers_hosts
            assert not asked.query
            assert not asked_source.secret or asked_source.secret.param not in request.params
            assert not asked_source.secret or asked_source.secret.header not in request.headers


def test_what_a_plan_gives_is_understood(asked_source: CollectedSource) -> None:
    for unit in planned(asked_source):
        if isinstance(unit, Provided):
            provided = Capture(unit=unit.unit, url="", status=0, slot=slot_of(asked_source), fetched_at=NOW, context=unit.context)
            result = parsed_part(asked_source, provided)
            assert result.rows
            assert result.refused == []


def test_its_payload_is_small(source: Source) -> None:
    assert len(payload(source.name)) <= PAYLOAD_BYTES


def test_its_payload_has_the_context_that_the_plan_gives(asked_source: CollectedSource) -> None:
    contexts = [unit.context.keys() for unit in planned(asked_source) if isinstance(unit, Request)]
    assert asked_source.follow is not _default("follow") or recorded(asked_source.name).context.keys() in contexts


def _default(field: str) -> object:
    return next(found.default for found in msgspec.structs.fields(CollectedSource) if found.name == field)


def test_its_payload_becomes_rows(source: Source) -> None:
    capture = capture_of(source, payload(source.name))
    rows, rejected = parsed(source, capture)
    assert rows
    assert rejected == []
    assert parsed(source, capture) == (rows, rejected)
    assert {row.table for row in rows} <= set(source.writes)
    result = parsed_part(source, capture)
    assert result.refused == []
    assert result.status == "ok"
    assert sum(map(len, result.rows.values())) == len(rows), "two rows have one key"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_payload_gives_good_rows_or_says_why_not(source: Source, damage: str) -> None:
    capture = capture_of(source, DAMAGES[damage](payload(source.name)))
    rows, rejected = parsed(source, capture)
    result = parsed_part(source, capture)
    assert [refused.reason for refused in result.refused] == [reject.reason for reject in rejected]
    assert sum(map(len, result.rows.values())) <= len(rows)


def test_no_changed_byte_makes_it_fail(source: Source) -> None:
    whole, chance = payload(source.name), random.Random(source.name)
    for index in chance.sample(range(len(whole)), min(len(whole), 100)):
        for byte in (b"\xff", b'"'):
            parsed(source, capture_of(source, whole[:index] + byte + whole[index + 1 :]))


@pytest.mark.parametrize("path", sorted(Path(gans.sources.__path__[0]).glob("*.py")), ids=lambda path: path.stem)
def test_a_module_of_sources_knows_no_clock_and_no_chance(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not imported & {"os", "random", "secrets", "socket", "time", "uuid"}
    assert not {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"now", "today", "utcnow"}


def test_collecting_it_needs_no_database_and_no_parser(source: Source) -> None:
    heavy = {"alembic", "bs4", "lxml", "pandas", "pycountry", "pymysql", "sqlalchemy", "tzfpy"}
    program = f"import json, sys, gans.collect.collect, gans.sources.{source.name}; print(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not heavy & set(json.loads(run.stdout))


def test_its_file_is_cut_into_pieces_that_can_be_read_alone(file_source: Source) -> None:
    """The same every time; and what was read out of the file is told in words."""
    whole = payload(file_source.name)
    pieces = pieces_of(file_source, whole)
    assert pieces == pieces_of(file_source, whole)
    assert file_source.files
    assert all(note and note.isprintable() for note in file_source.files.notes(pieces[0].context))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_before_its_first_piece(
    file_source: Source, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one of many pieces, of which only the last shows the damage."""
    assert file_source.files
    monkeypatch.setattr(_csv_files, "PIECE_BYTES", 64)
    body = DAMAGES[damage](payload(file_source.name))
    pieces = file_source.files.pieces(file_of(body), recorded(file_source.name).options, reference_of(file_source))
    refused = ""
    try:
        next(pieces)
    except BadData as error:
        refused = str(error)
    assert "recorded.csv" in refused


def test_a_file_of_a_set_that_is_not_there_is_none(file_source: Source) -> None:
    assert file_source.files
    options = recorded(file_source.name).options
    if options.areas is None:
        return
    with pytest.raises(NotReady, match="gans areas add"):
        next(file_source.files.pieces(file_of(payload(file_source.name)), options, Rows({})))
    other = msgspec.structs.replace(options, areas="nowhere")
    with pytest.raises(NotKnown, match=f"no area set 'nowhere'.*Known: {options.areas}"):
        next(file_source.files.pieces(file_of(payload(file_source.name)), other, reference_of(file_source)))


def test_loading_it_twice_is_loading_it_once(source: Source, engine: Engine, tmp_path: Path) -> None:
    capture = capture_of(source, payload(source.name))
    part = part_of(source, [capture])
    writer = PartWriter(part.header)
    writer.add(capture)
    store, key = FolderStore(tmp_path), str(PartKey(source.name, slot_of(source), NOW, 1))
    store.write(key, writer.close(part.footer))
    loaded, tables = [], []
    for _ in range(2):
        loaded.append(load(key, store=store, engine=engine, sources=SOURCES, clock=lambda: max(NOW, slot_of(source)) + LATER))
        tables.append(dict(_tables(engine)))
    assert loaded[0].status == "ok"
    assert {name: len(tables[0][name]) for name in loaded[0].rows} == loaded[0].rows
    assert tables[0] == tables[1]


def _tables(engine: Engine) -> Iterator[tuple[str, list[Any]]]:
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            yield str(table.name), list(connection.execute(select(table).order_by(*table.primary_key)))
