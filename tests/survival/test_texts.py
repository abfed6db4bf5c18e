"""Whatever text an upstream sends: stored as it is or refused, never run as SQL, never obeyed by the terminal."""

import json
from dataclasses import replace
from datetime import time

import pytest
import tomlkit
from sqlalchemy import Engine, select

from gans.tables import cities, collection_runs, rejects
from local import demo
from local.simulator import Simulator, world
from local.simulator.upstream import Answer, upstreams
from tests.survival.conftest import Gans, Output, content, grown

NAMES = {
    "quotes": """O'Brien "the" `Great` \\' \\\\""",
    "an emoji": "Scooter 🛴 Town 👩🚀",
    "from right to left": "עיר \u202eabc\u202c مدينة",
    "SQL": "Robert'); DROP TABLE cities; --",
    "a placeholder": "100 % %s %(x)s :name ? {0} ${y}",
    "JSON": '"a": "b", \\u0041, null',
    "255 characters": "Llan" + "fair" * 62 + "gog",
}
CONTROL = "[red]bold[/] [link=x]\x1b]0;owned\x07\x1b[2J\x1b[31m\u202e\u2066\u009b31m\r\x08 '; DROP TABLE rejects; --"
"""What a terminal would obey."""

SHOWN = (("status",), ("status", "--json"), ("load",), ("watch", "list"), ("watch", "list", "--json"),
         ("db", "shell", "SELECT * FROM cities"), ("db", "shell", "SELECT * FROM cities", "--json"),
         ("db", "shell", "SELECT reason, item FROM rejects"), ("db", "shell", "SELECT reason, item FROM rejects", "--json"),
         ("db", "shell", "SELECT error FROM collection_runs"), ("replay", "cities"), ("replay", "weather"),
         ("replay", "cities", "--json"), ("replay", "weather", "--json"))  # fmt: skip

SHOWN_FROM_THERE = (("db", "shell", "SELECT * FROM cities"), ("db", "shell", "SELECT reason, item FROM rejects"))
"""Enough on a second and a third database: the command prints all that it shows in the same way."""


@pytest.fixture(autouse=True)
def configured(gans: Gans, database_url: str, engine: Engine) -> None:
    gans.set(GANS_DATABASE_URL=database_url)


def assert_printable(output: Output) -> None:
    """Nothing but text and line breaks goes to the terminal."""
    for stream in (output.out, output.err):
        assert all(c.isprintable() or c == "\n" for c in stream), stream


def rename(gans: Gans, simulator: Simulator, title: str) -> None:
    """Watches one city, which is called `title`."""
    (city, *_) = simulator.world.cities
    simulator.world.cities = (replace(city, language="en", titles={"en": title, "de": title}),)
    grown(simulator.world)
    # Not by `gans watch add`, which refuses some of these names: a file that was written by hand may have them.
    watched = {"city_id": 1, "wikipedia_language": "en", "wikipedia_title": title}
    (gans.folder / "watchlist.toml").write_text(tomlkit.dumps({"cities": [watched]}), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_stored_as_it_is(gans: Gans, simulator: Simulator, engine: Engine, database: str, name: str) -> None:
    rename(gans, simulator, name)
    output = gans("collect", "cities", "weather")
    with engine.connect() as connection:
        ((stored, title),) = connection.execute(select(cities.c.name, cities.c.wikipedia_title)).all()
        missing = connection.scalar(select(collection_runs.c.missing).where(collection_runs.c.source == "cities"))
    assert title == name
    assert output.code == 0, output
    if len(name) <= 200:
        assert stored == name
    else:
        assert stored is None
        assert json.loads(missing)["cities.name does not fit"] == 1
    assert_printable(output)
    for command in SHOWN if database == "sqlite" else SHOWN_FROM_THERE:
        assert_printable(gans(*command))
    found = json.loads(gans("db", "shell", "SELECT wikipedia_title FROM cities", "--json").out)
    assert found == [{"wikipedia_title": name}]


@pytest.mark.parametrize("long", ["é" * 10_000, "😀" * 10_000], ids=["of two bytes", "of four bytes"])
def test_what_is_too_long_is_refused_and_shown_in_part(
    gans: Gans, simulator: Simulator, engine: Engine, monkeypatch: pytest.MonkeyPatch, long: str
) -> None:
    body = json.dumps({"error": True, "reason": long}, ensure_ascii=False).encode()
    _answer_with(monkeypatch, Answer(200, {"Content-Type": "application/json"}, body))
    gans("collect", "cities")
    simulator.inject("server_error", host="api.open-meteo.com")
    output = gans("collect", "weather")
    assert output.code == 1
    with engine.connect() as connection:
        ((reason, item),) = connection.execute(select(rejects.c.reason, rejects.c.item)).all()
    assert reason == f"Open-Meteo says: {long}"[: len(reason)]
    assert 500 < len(reason) <= 1_000
    shown = item.rstrip("\ufffd")  # it may end within a character
    assert shown == body.decode()[: len(shown)]
    assert len(shown) >= 1_000


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("status", [200, 400, 500])
def test_what_a_terminal_would_obey_is_only_shown(
    gans: Gans, simulator: Simulator, engine: Engine, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """As an error for programs, from every upstream, with a good status and with bad ones."""
    assert gans("collect").code == 0
    before = content(engine)
    body = json.dumps({"error": True, "reason": CONTROL, CONTROL: CONTROL}, ensure_ascii=False).encode()
    _answer_with(monkeypatch, Answer(status, {"Content-Type": "text/plain"}, body))
    simulator.inject("server_error", times=1_000)
    monkeypatch.setattr("gans.collect.http.BACKOFF_S", 0.0)
    output = gans("collect")
    assert output.code == 1
    assert_printable(output)
    assert "[red]bold[/] [link=x]" in output.out
    for command in SHOWN:
        assert_printable(gans(*command))
    assert content(engine) == before
    with engine.connect() as connection:
        assert connection.execute(select(rejects.c.reason)).first()


def _answer_with(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Lets every upstream say this where it would refuse."""
    for upstream in {id(one): one for one in upstreams().values()}.values():
        monkeypatch.setattr(upstream, "refuse", lambda _status: answer)


@pytest.mark.databases("sqlite")  # the demo's own
@pytest.mark.parametrize("name", ["from right to left", "SQL"])
def test_the_demo_shows_names_only(gans: Gans, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (city, *others) = world._REAL_CITIES
    hostile = replace(city, language="en", titles={"en": NAMES[name], "de": NAMES[name]})
    monkeypatch.setattr(world, "_REAL_CITIES", (hostile, *others))
    monkeypatch.setattr(demo, "MORNING", (time(8), 0))  # it shows counts alone
    monkeypatch.delenv("GANS_DATABASE_URL")
    output = gans("demo", "--cities", "1")
    assert output.code == 0, output
    assert_printable(output)
