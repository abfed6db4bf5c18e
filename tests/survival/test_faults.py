"""Whatever the upstreams and the network do: no traceback, every planned unit accounted for, and the next run heals it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
import urllib3.util.connection
from sqlalchemy import Engine, select

from gans.settings import Settings
from gans.source import Capture, CollectedSource, Provided
from gans.sources import asked
from gans.storage.landing import PartKey, read_part
from gans.storage.reference import Snapshots
from gans.storage.store import FolderStore
from gans.storage.watchlist import read_watchlist
from gans.tables import collection_runs, metadata, rejects
from local.pipeline import Pipeline
from local.simulator import FAULTS, Faults, Simulator, server
from local.simulator.upstream import Answer, Upstream
from tests.conftest import Once
from tests.survival.conftest import KEYS, NOW, Gans, Rows, content, hurried, write_watchlist

SOURCES = asked()
MIXED = 0.3
"""The share of the requests that meet a fault, where all faults are mixed."""

REASONS = {
    "rate_limited": "answered 429",
    "server_error": "answered 500",
    "bad_gateway": "answered 502",
    "timeout": "did not answer in time",
    "reset": "broke off",
    "huge": "MiB and was cut off",
    "bomb": "MiB and was cut off",
    "slow_drip": "the answer ",  # took too long, or broke off: whichever time-out comes first
    "redirect_private": "Refused to ask http://169.254.169.254",
}
"""What is recorded, for a fault that leaves no answer; the others are answers that `parse` refuses."""

SLOW = {"slow_drip", "timeout"}
"""What lasts as long as we wait."""

READABLE = {"wrong_charset", "private_links", "wrong_clock"}
"""Something of such an answer can still be understood, and stands until the next."""


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The addresses that were connected to: never another than the simulator's."""
    addresses: list[str] = []
    connect = urllib3.util.connection.create_connection

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> Any:
        addresses.append(address[0])
        return connect(address, *arguments, **options)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", create_connection)
    yield addresses
    assert set(addresses) <= {"127.0.0.1"}


@pytest.fixture(scope="session")
def undisturbed(once: Once) -> dict[str, Rows]:
    """What the tables tell after one run of everything without a fault."""
    found: dict[str, Rows] = once("undisturbed", _run_undisturbed)[1]
    return found


def _run_undisturbed(folder: Path) -> dict[str, Rows]:
    with Simulator(cities=3, clock=lambda: NOW) as simulator:
        write_watchlist(folder, simulator.world)
        pipeline = Pipeline(
            Settings(
                database_url=f"sqlite:///{folder}/gans.db",
                landing=str(folder / "data"),
                watchlist=folder / "watchlist.toml",
                contact="x",
                simulator_url=simulator.url,
                keys=KEYS,
            )
        )
        pipeline.prepare()
        for source in pipeline.asked().values():
            assert pipeline.run(source, source.schedule.slot(NOW)).status == "ok"
        found = content(pipeline.engine)
        pipeline.engine.dispose()
    return found


@pytest.fixture(autouse=True)
def configured(gans: Gans, database_url: str, engine: Engine) -> None:
    gans.set(GANS_DATABASE_URL=database_url)


def assert_accounted(folder: Path, engine: Engine) -> None:
    """Every planned unit was landed, and each is a good answer, an unchanged one, a reject or a failure in the ledger."""
    store = FolderStore(folder / "data")
    with engine.connect() as connection:
        lines = {line.landing_key: line for line in connection.execute(select(collection_runs))}
        refused = Counter(map(tuple, connection.execute(select(rejects.c.source, rejects.c.attempt_at, rejects.c.unit))))
        reasons = list(connection.execute(select(rejects.c.reason)).scalars())
    assert all(reasons)
    landed: dict[tuple[str, datetime], list[str]] = {}
    for text in store.keys("landing/"):
        key, part, line = PartKey.parse(text), read_part(store.read(text) or b""), lines.pop(text)
        units = [capture for capture in part.captures if capture.url]
        landed.setdefault((key.source, key.attempt), []).extend(capture.unit for capture in units)
        unanswered = [capture.unit for capture in units if capture.error]
        unchanged = [capture.unit for capture in units if capture.status == 304]
        answered = [capture for capture in units if not capture.error and capture.status != 304]
        doubtful = [capture for capture in answered if refused[key.source, key.attempt, capture.unit]]
        bad = [capture.unit for capture in doubtful if not _stored(engine, SOURCES[key.source], capture)]
        assert all(refused[key.source, key.attempt, unit] == 1 for unit in unanswered)
        assert line.units_planned == len(units) == len(unanswered) + len(unchanged) + len(answered)
        assert line.units_failed == len(unanswered) + len(bad)
        of_line = sum(count for of, count in refused.items() if of[:2] == (key.source, key.attempt))
        assert line.rows_rejected == of_line
        good = len(answered) - len(bad)
        unspoilt = "not_modified" if unchanged and not good else "ok"
        spoilt = "partial" if good or unchanged else "failed"
        status = spoilt if of_line else unspoilt
        assert line.status == status, line
        assert bool(line.error) >= (status in ("partial", "failed"))
        assert line.bytes_received == sum(len(capture.body) for capture in part.captures)
    assert not lines, "the ledger tells of parts that are not landed"
    reference = Snapshots(store, read_watchlist(store, folder / "watchlist.toml"))
    newest = {source: max(attempt for name, attempt in landed if name == source) for source, _ in landed}
    for name, attempt in newest.items():
        plan = SOURCES[name].plan(reference, SOURCES[name].schedule.slot(NOW))
        planned = {unit.unit for unit in plan if not isinstance(unit, Provided)}
        assert planned <= set(landed[name, attempt]), "a planned unit has left nothing"


def _stored(engine: Engine, source: CollectedSource, capture: Capture) -> bool:
    """Whether rows came of an answer, and still stand."""
    tables = [metadata.tables[name] for name in source.writes if "fetched_at" in metadata.tables[name].columns]
    with engine.connect() as connection:
        return any(connection.execute(select(1).where(t.c.fetched_at == capture.fetched_at).limit(1)).first() for t in tables)


@pytest.mark.databases("sqlite")  # the next test stores what is kept of faults elsewhere too
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_every_answer_is_recorded_and_heals(
    fault: str, gans: Gans, simulator: Simulator, engine: Engine, undisturbed: dict[str, Rows]
) -> None:
    assert gans("collect").code == 0
    assert content(engine) == undisturbed
    simulator.faults = Faults({fault: 1.0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_DRIP_SECONDS", 0.02)
        hurried(patch, read_s=0.15 if fault in SLOW else 5.0, tries=1)
        assert gans("collect").code == 1
    assert_accounted(gans.folder, engine)
    with engine.connect() as connection:
        newest = connection.execute(select(rejects.c.reason).order_by(rejects.c.attempt_at.desc())).scalars().first()
    assert REASONS.get(fault, "") in str(newest)
    assert fault in READABLE or content(engine) == undisturbed
    assert gans("status").code == 0
    simulator.faults = Faults()
    assert gans("collect").code == 0
    if fault not in READABLE:  # whose rows, counted above, have now made way for better ones
        assert_accounted(gans.folder, engine)
    assert content(engine) == undisturbed


@pytest.mark.databases("sqlite", "mysql")
@pytest.mark.parametrize("seed", range(2))
def test_all_faults_mixed_are_recorded_and_heal(
    seed: int, gans: Gans, simulator: Simulator, engine: Engine, undisturbed: dict[str, Rows]
) -> None:
    each = 1 - (1 - MIXED) ** (1 / len(FAULTS))
    simulator.faults = Faults(dict.fromkeys(FAULTS, each), seed)
    with pytest.MonkeyPatch.context() as patch:
        hurried(patch, read_s=0.3)
        for _ in range(3):
            assert gans("collect").code in (0, 1)
            assert_accounted(gans.folder, engine)
    simulator.faults = Faults()
    assert gans("collect").code == 0
    assert content(engine) == undisturbed


def test_a_page_that_broke_off_is_not_remembered(
    gans: Gans, simulator: Simulator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a page has the ETag of the whole one: remembered, the next run would be told that nothing changed."""

    def cut(answer: Answer, _: Upstream) -> Answer:
        return replace(answer, body=answer.body[: answer.body.index(b"infobox") + 500])

    monkeypatch.setitem(cast("dict[str, object]", FAULTS), "truncated", cut)
    city = simulator.world.cities[0]
    simulator.inject("truncated", host=f"{city.language}.wikipedia.org", match=city.title)
    output = gans("collect", "cities")
    assert output.code == 1
    assert "partial" in output.out
    assert gans("collect", "cities").code == 0
    assert len(content(engine)["city_populations"]) == len(simulator.world.cities)
    assert "not_modified" in gans("collect", "cities").out


def test_an_answer_without_an_etag_is_not_taken_for_the_one_before_it(
    gans: Gans, simulator: Simulator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old ETag would bring "nothing changed" for an answer that is no longer the last one that was landed."""

    def other(answer: Answer, _: Upstream) -> Answer:
        return Answer(200, {"Content-Type": "text/html"}, answer.body.replace(b"3,677,472", b"3,677,473"))

    assert gans("collect", "cities").code == 0
    first = content(engine)
    monkeypatch.setitem(cast("dict[str, object]", FAULTS), "error_page", other)
    simulator.inject("error_page", match="Berlin")
    assert gans("collect", "cities").code == 0
    assert content(engine) != first
    assert gans("collect", "cities").code == 0
    assert content(engine) == first


def test_links_into_a_private_network_are_refused_and_never_asked(
    gans: Gans, simulator: Simulator, engine: Engine, connected: list[str]
) -> None:
    simulator.faults = Faults({"private_links": 1.0})
    assert gans("collect").code == 1
    with engine.connect() as connection:
        refused = connection.execute(select(rejects.c.source, rejects.c.reason).where(rejects.c.reason.contains("169.254"))).all()
    assert {source for source, _ in refused} == {"stations", "station_status", "vehicles"}
    assert all("Refused to ask https://169.254.169.254" in reason for _, reason in refused)
    assert not any("169.254" in address for address in connected)
