"""The `gans` command as its users meet it: what it prints, where, and with which exit code."""

import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main

from gans.errors import ConfigError
from gans.settings import Settings
from gans.source import Capture
from gans.storage.landing import Footer, Header, PartKey, PartWriter, read_part
from gans.storage.store import FolderStore
from gans.tables import metadata
from local import demo, schedule
from local.cli import main
from local.cli.main import app
from local.console import plain
from local.generate.answers import NOW
from local.servers import dashboard
from local.simulator import FAULTS, Simulator

ROOT = Path(__file__).parents[3]


class Output(NamedTuple):
    code: int
    out: str
    err: str


Gans = Callable[..., Output]


@pytest.fixture
def gans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gans:
    """The command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("GANS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Output:
        monkeypatch.setattr(sys, "argv", ["gans", *arguments])
        capsys.readouterr()
        try:
            main.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return Output(code, *capsys.readouterr())

    return run


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, gans: Gans) -> Iterator[Simulator]:
    """Four cities on the watchlist, and their upstreams."""
    with Simulator(cities=4) as running:
        monkeypatch.setenv("GANS_SIMULATOR_URL", running.url)
        for city in running.world.watchlist():
            assert gans("watch", "add", city["wikipedia_language"], city["wikipedia_title"]).code == 0
        yield running


def rows(table: str, database: str | Path = "data/gans.db") -> list[tuple[object, ...]]:
    with sqlite3.connect(database) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


@pytest.fixture
def shown(gans: Gans, demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the database of a demo that has just run here."""
    shutil.copytree(demo_folder, demo.FOLDER)
    monkeypatch.setattr("local.cli.commands.serve.utc_now", lambda: NOW)
    return demo.FOLDER / "gans.db"


def test_the_demo_ends_in_a_table_worth_looking_at_and_twice_doubles_nothing(
    gans: Gans, shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {table: len(rows(table, shown)) for table in metadata.tables}
    assert before["cities"] == 10
    assert before["systems"] == 2
    assert before["stations"] == before["station_status"] == 1450 + 60
    assert before["weather_forecasts"] == 10 * 6 * (168 + 40)  # by the hour, and in periods of three
    assert {table for table, count in before.items() if not count} <= {"area_days", "proposals", "rejects", "weather_days"}
    monkeypatch.setattr(demo, "MORNING", (demo.MORNING[0], 1))  # of its minutes, an hour's are enough
    again = gans("demo")
    assert again.code == 0, again.err
    assert "The ledger" in again.out
    assert "the next 24 hours" in again.out
    assert "What next" in again.out
    of_the_morning = ("archived_hours", "station_hours", "station_usuals", "collection_runs")
    after = {table: len(rows(table, shown)) for table in metadata.tables}
    assert {table: count for table, count in after.items() if table not in of_the_morning} == {
        table: count for table, count in before.items() if table not in of_the_morning
    }
    assert all(0 < after[table] < before[table] for table in of_the_morning)


@pytest.mark.usefixtures("simulator")
def test_collect_fills_an_empty_folder_and_says_so(gans: Gans) -> None:
    output = gans("collect")
    assert output.code == 0, output
    assert "Set up the new database" in output.err
    assert re.search(r"cities .* ok .*4 city_populations", output.out)
    assert re.search(r"weather .* ok .*672 weather_forecasts", output.out)
    assert len(rows("weather_forecasts")) == 4 * 168


@pytest.mark.usefixtures("simulator")
def test_simulated_and_real_answers_never_mix(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gans("collect", "cities").code == 0
    monkeypatch.delenv("GANS_SIMULATOR_URL")
    for command in ("collect", "schedule"):
        output = gans(command)
        assert (output.code, output.out) == (2, "")
        assert "GANS_LANDING=data holds answers of simulated upstreams" in output.err
    assert gans("load").code == 0, "nobody is asked, and both are simulated"
    assert "simulated" in gans("doctor").out
    monkeypatch.setenv("GANS_LANDING", "other")
    output = gans("collect")
    assert (output.code, "GANS_DATABASE_URL=sqlite:///data/gans.db holds answers of simulated" in output.err) == (2, True)
    land_statuses(FolderStore(Path("other")), datetime.now(UTC) - timedelta(hours=1))
    for arguments in (("load",), ("replay", "station_status"), ("archive",), ("schedule",), ("collect",)):
        output = gans(*arguments)
        assert (output.code, output.err.count("\n")) == (2, 1), output
        assert "GANS_LANDING=other" in output.err or "GANS_DATABASE_URL" in output.err
    assert not rows("station_status")
    doctor = gans("doctor")
    assert (doctor.code, "must not mix with them" in doctor.out) == (2, True)


@pytest.mark.parametrize(
    ("configured", "own"),
    [
        ("sqlite:///data/gans.db", "sqlite:///data/demo/gans.db"),
        ("mysql+pymysql://u:p%40w@db:3306/gans", "mysql+pymysql://u:p%40w@db:3306/gans_demo"),
        ("mysql+pymysql://u@db/gans_demo", "mysql+pymysql://u@db/gans_demo"),
        (f"mysql+pymysql://u@db/{'x' * 64}", f"mysql+pymysql://u@db/{'x' * 59}_demo"),
    ],
)
def test_the_demo_has_a_database_of_its_own(configured: str, own: str) -> None:
    assert demo.settings_for_demo(Settings(database_url=configured)).database_url == own


@pytest.mark.usefixtures("simulator")
def test_json_is_all_that_stands_on_standard_output(gans: Gans) -> None:
    outcomes = json.loads(gans("collect", "--json").out)
    assert outcomes[0]["source"] == "cities"
    assert {("cities", "ok"), ("airports", "ok"), ("weather", "ok")} <= {(one["source"], one["status"]) for one in outcomes}
    status = json.loads(gans("status", "--json").out)
    assert {("cities", "fresh"), ("airports", "fresh"), ("weather", "fresh")} <= {(one["source"], one["state"]) for one in status}
    assert json.loads(gans("sources", "--json").out)[0]["name"] == "cities"
    assert len(json.loads(gans("watch", "list", "--json").out)) == 4
    assert json.loads(gans("db", "shell", "SELECT COUNT(*) AS n FROM cities", "--json").out) == [{"n": 4}]


def test_the_second_run_of_a_page_that_did_not_change_is_not_modified(gans: Gans, simulator: Simulator) -> None:
    assert gans("collect", "cities").code == 0
    before = rows("cities")
    output = gans("collect", "cities")
    assert output.code == 0
    assert "not_modified" in output.out
    assert [row[:10] for row in rows("cities")] == [row[:10] for row in before]


def test_a_failing_upstream_costs_one_source_and_the_next_run_heals_it(gans: Gans, simulator: Simulator) -> None:
    simulator.inject("error_page", times=1, host="api.open-meteo.com")
    output = gans("collect")
    assert output.code == 1
    assert re.search(r"cities .* ok ", output.out)
    assert re.search(r"weather .* failed ", output.out)
    assert "Not an answer of Open-Meteo" in gans("status").out
    assert gans("collect", "weather").code == 0
    assert len(rows("weather_forecasts")) == 4 * 168


@pytest.mark.usefixtures("simulator")
def test_load_and_replay_rebuild_a_lost_database_from_the_landing(gans: Gans) -> None:
    outcomes = json.loads(gans("collect", "--json").out)
    cities, weather = rows("cities"), rows("weather_forecasts")
    for file in Path("data").glob("gans.db*"):
        file.unlink()
    output = gans("load")
    assert output.code == 0, output
    assert f"Loaded {len(outcomes)} parts" in output.out
    assert (rows("cities"), rows("weather_forecasts")) == (cities, weather)
    Path("data/landing/weather/notes.txt").write_text("mine")
    assert "Nothing waits" in gans("load").out
    assert "Loaded 1 parts" in gans("replay", "weather").out
    assert (rows("cities"), rows("weather_forecasts")) == (cities, weather)
    assert "Nothing of weather is landed" in gans("replay", "weather", "--to", "2020-01-01").out


def test_the_watchlist_gives_a_number_once(gans: Gans) -> None:
    assert "Begin with" in gans("watch", "list").out
    assert "city 1" in gans("watch", "add", "en", "Berlin").out
    assert "city 2" in gans("watch", "add", "de", "München").out
    assert gans("watch", "remove", "München").code == 0
    assert "city 3" in gans("watch", "add", "en", "Lisbon").out
    assert "city 2" in gans("watch", "add", "de", "München").out
    twice = gans("watch", "add", "en", "Berlin")
    assert twice.code == 2
    assert "watched already, as city 1" in twice.err
    unknown = gans("watch", "remove", "Atlantis")
    assert unknown.code == 2
    assert "1 (en:Berlin)" in unknown.err


def test_a_system_is_watched_by_its_address_or_its_id(gans: Gans) -> None:
    assert "add-system" in gans("watch", "systems").out
    assert gans("watch", "add", "en", "Berlin").code == 0
    assert gans("watch", "add-system", "oslo", "oslobysykkel", "--city", "1").code == 0
    assert gans("watch", "add-system", "velib", "https://gbfs.example.com/gbfs.json", "--ttl", "60").code == 0
    assert gans("watch", "remove-system", "oslo").code == 0
    listed = json.loads(gans("watch", "systems", "--json").out)
    assert [(one["system_id"], one["url"], one["catalogue_id"], one["is_watched"]) for one in listed] == [
        ("oslo", None, "oslobysykkel", False),
        ("velib", "https://gbfs.example.com/gbfs.json", None, True),
    ]
    assert gans("watch", "add", "en", "Paris").code == 0
    assert len(json.loads(gans("watch", "systems", "--json").out)) == 2
    for wrong, reason in (
        (("add-system", "velib", "other"), "watched already"),
        (("add-system", "Vélib", "other"), "cannot be watched"),
        (("add-system", "plain", "http://gbfs.example.com/"), "cannot be watched"),
        (("add-system", "far", "other", "--city", "9"), "no city with the city_id"),
        (("remove-system", "oslo"), "give one of velib"),
    ):
        output = gans("watch", *wrong)
        assert (output.code, reason in output.err) == (2, True), output


def test_what_may_not_be_kept_cannot_be_replayed(gans: Gans) -> None:
    output = gans("replay", "vehicles")
    assert output.code == 2
    assert "kept for 24 hours only" in output.err


def land_statuses(store: FolderStore, at: datetime) -> None:
    """Lands an answer with three stations."""
    writer = PartWriter(Header(source="station_status", slot=at, attempt=at, part=1, code_version="0"))
    context = {"system_id": "testville", "provider": "gbfs", "timezone": "Europe/Berlin", "ttl_s": None}
    body = (ROOT / "tests" / "gans" / "sources" / "station_status" / "payload.json").read_bytes()
    writer.add(
        Capture(unit="testville", url="https://gbfs.example.com/", status=200, slot=at, fetched_at=at, context=context, body=body)
    )
    store.write(
        str(PartKey.of(writer.header)), writer.close(Footer(finished_at=at, requests=1, bytes_received=len(body), captures=1))
    )


def test_archive_compacts_what_is_over_and_again_where_that_is_wanted(gans: Gans) -> None:
    assert "No station was asked yet" in gans("archive").out
    store, at = FolderStore(Path("data")), datetime(2026, 1, 5, 7, 30, tzinfo=UTC)
    land_statuses(store, at)
    (hour,) = json.loads(gans("archive", "--json").out)
    assert (hour["hour"], hour["parts"], hour["unreadable"]) == ("2026-01-05T07:00:00Z", 1, {})
    (system,) = hour["systems"]
    assert (system["key"], system["rows"]) == ("archive/station_status/system_id=testville/date=2026-01-05/hour=07.parquet", 3)
    assert len(rows("station_hours")) == 3
    assert "Nothing to archive" in gans("archive").out
    assert "Nothing to archive" in gans("archive", "--from", "2026-01-06").out
    for option in ("--from", "--to"):
        assert "Archived 1 hours of 1 systems: 3 rows" in gans("archive", option, "2026-01-05").out
    store.write(bad := str(PartKey("station_status", at, at, 2)), b"")
    output = gans("archive")
    assert (output.code, bad in output.out, "cut short" in output.out) == (1, True, True), output


def test_the_schedule_looks_after_what_is_stored_as_aws_does(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_at_once(jobs: list[schedule.Job], clock: object) -> None:
        for job in jobs:
            job.run(job.schedule.slot(datetime.now(UTC)))

    monkeypatch.setattr(schedule, "serve", all_at_once)
    land_statuses(FolderStore(Path("data")), datetime.now(UTC) - timedelta(hours=1))
    output = gans("schedule", "station_status")
    assert output.code == 0, output.err
    assert re.search(r"archive +every 1 h, next [^\n]+:05", output.out)
    assert re.search(r"retain +daily at 01:40 UTC", output.out)
    assert re.search(r"archive +1 hours of 1 systems: 3 rows", output.out)
    assert re.search(r"retain +0 rows dropped", output.out)
    assert len(rows("station_hours")) == 3
    assert "archive" not in gans("schedule", "stations").out, "whoever asks for the statuses archives them"


def test_a_persons_comments_in_the_watchlist_stay(gans: Gans) -> None:
    text = '# ours\n[[cities]]\ncity_id = 7 # lucky\nwikipedia_language = "en"\nwikipedia_title = "Oslo"\n'
    Path("watchlist.toml").write_text(text)
    gans("watch", "add", "en", "Bergen")
    assert Path("watchlist.toml").read_text().startswith(text)
    assert "8" in gans("watch", "list").out


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (["collect", "wether"], {}, 2, "There is no source wether. Known: cities, "),
        (["collect"], {"GANS_DATABASE": "x"}, 2, "Unknown setting GANS_DATABASE"),
        (["collect"], {"GANS_DATABASE_URL": "postgresql://x/y"}, 2, "is not a database that Gans runs on"),
        (["status"], {"GANS_DATABASE_URL": "mysql+pymysql://u:hunter2@127.0.0.1:1/gans"}, 3, "gans doctor"),
        (["collect"], {"GANS_SIMULATOR_URL": "http://example.org"}, 2, "must be on this machine"),
        (["collect"], {}, 2, "There is no watchlist"),
        (["sources", "new", "bikes"], {}, 2, "Run this in the folder of the repository"),
        (["watch", "add", "xx", "Berlin"], {}, 2, "in en and de, not in 'xx'"),
        (["nonsense"], {}, 2, "nonsense"),
        (["collect", "--nonsense"], {}, 2, "--nonsense"),
        (["simulator", "--fault", "server_error=often"], {}, 2, "NAME=RATE"),
    ],
)
def test_what_is_wrong_is_one_message_with_what_to_do(
    gans: Gans, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str], code: int, message: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    output = gans(*arguments)
    assert output.code == code
    assert message in output.err
    assert "Traceback" not in output.err
    assert "hunter2" not in output.out + output.err


def test_doctor_tells_what_is_missing(gans: Gans) -> None:
    output = gans("doctor")
    assert output.code == 2
    assert "There is no watchlist" in output.out
    gans("watch", "add", "en", "Berlin")
    assert gans("doctor").code == 0
    verdicts = {one["what"]: one["verdict"] for one in json.loads(gans("doctor", "--json").out)}
    assert verdicts["database"] == "note"
    assert verdicts["landing"] == "ok"


def test_a_rebuilt_database_is_compared_and_what_differs_ends_in_a_failure(gans: Gans, simulator: Simulator) -> None:
    assert gans("rebuild").code == 2, "nothing is landed"
    assert gans("collect", "cities", "weather").code == 0
    output = gans("rebuild")
    assert (output.code, "Both are the same." in output.out) == (0, True), output.err
    assert re.search(r"Loaded 2 parts: [\d,]+ rows in \d+ s \([\d,]+ s per million rows\)\.", output.out)
    assert "GANS_DATABASE_URL=sqlite:///data/gans_rebuilt.db" in output.out
    with sqlite3.connect("data/gans.db") as connection:
        connection.execute("UPDATE cities SET name = 'Elsewhere' WHERE city_id = 1")
    output = gans("rebuild")
    assert (output.code, "They differ." in output.out) == (1, True)
    assert re.search(r"cities +4 +4 +1 +1 name", output.out)
    (cities,) = [one for one in json.loads(gans("rebuild", "--json").out)["tables"] if one["table"] == "cities"]
    assert (cities["changed"], cities["columns"]) == (1, ["name"])


def test_a_backup_is_made_once(gans: Gans) -> None:
    gans("db", "upgrade")
    made = gans("db", "backup", "copy.db")
    assert (made.code, made.out.startswith("Backed up sqlite:///data/gans.db into copy.db: ")) == (0, True)
    assert rows("countries", "copy.db") == rows("countries")
    again = gans("db", "backup", "copy.db")
    assert (again.code, "copy.db is there already" in again.err) == (2, True)


def test_doctor_and_what_reads_notice_a_view_that_is_missing(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    gans("watch", "add", "en", "Berlin")
    gans("db", "upgrade")
    with sqlite3.connect(gans("db", "url").out.strip().removeprefix("sqlite:///")) as file:
        file.execute("DROP VIEW city_hours")
    for command in ("doctor", "status"):
        output = gans(command)
        assert (output.code, "has no view city_hours. Run `gans db upgrade`" in output.out + output.err) == (2, True)
    assert gans("db", "upgrade").code == 0
    assert (gans("doctor").code, gans("status").code) == (0, 0)


def test_a_key_is_named_and_never_shown(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANS_OPENMETEO_KEY", "hunter2")
    output = gans("doctor")
    assert "with the key of GANS_OPENMETEO_KEY" in output.out
    assert "hunter2" not in output.out + output.err


@pytest.mark.usefixtures("simulator")
def test_a_source_without_its_key_is_skipped_and_says_which_and_the_others_go_on(
    gans: Gans, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = gans("collect")
    assert output.code == 0
    (line,) = [line for line in output.err.splitlines() if "flights" in line]
    assert "skipped: No key: GANS_AERODATABOX_KEY is not set. Looked in the environment and in .env" in line
    assert output.err.count("skipped: No key: GANS_OPENWEATHER_KEY is not set.") == 1
    assert gans("collect", "flights").code == 2, "it was asked for"
    assert "skipped, for it needs a key: set GANS_AERODATABOX_KEY" in gans("doctor").out
    monkeypatch.setenv("GANS_AERODATABOX_KEY", "any")
    assert gans("collect", "flights").code == 0
    assert len(rows("flights")) > 100


@pytest.mark.usefixtures("simulator")
def test_status_fits_80_columns_and_names_each_source_whole(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    gans("collect", "cities", "systems_catalogue")
    lines = [line for line in gans("status").out.splitlines() if line]
    for name in ("cities", "systems_catalogue", "station_status"):
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        assert len(line.rstrip()) <= 80


@pytest.mark.usefixtures("simulator")
def test_status_says_how_much_of_a_quota_a_month_would_use_before_it_is_used(gans: Gans) -> None:
    assert "would use" not in gans("status").out
    gans("collect", "cities", "airports")
    airports = len({row[1] for row in rows("city_airports")})
    # A day has four firings for today and one for tomorrow, of two windows each; a window costs two units.
    units = airports * 5 * 2 * 2 * 31
    assert f"flights would use {units:,} of 600 units a month (AeroDataBox BASIC on RapidAPI)" in gans("status").out
    found = {one["source"]: (one["quota_use"], one["quota"]) for one in json.loads(gans("status", "--json").out)}
    assert found["flights"] == (units, 600)
    assert found["weather"] == (None, None)


def test_a_used_up_quota_is_recorded_and_asked_for_once_a_run(
    gans: Gans, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANS_AERODATABOX_KEY", "any")
    gans("collect", "cities", "airports")
    simulator.inject("quota_exceeded", host="aerodatabox.p.rapidapi.com")
    assert gans("collect", "flights").code == 1
    assert sum(request.startswith("aerodatabox") for request in simulator.requests) == 1
    assert "QuotaExceeded: aerodatabox.p.rapidapi.com answered 429" in gans("status").out
    assert gans("collect", "flights").code == 0, "the next run heals it"


def test_settings_may_stand_in_a_file_and_the_environment_wins(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("GANS_DATABASE_URL=mysql+pymysql://u:secret@host/one\n")
    assert gans("db", "url").out.strip() == "mysql+pymysql://u:***@host/one"
    monkeypatch.setenv("GANS_DATABASE_URL", "sqlite:///two.db")
    assert gans("db", "url").out.strip() == "sqlite:///two.db"


def test_upgrade_says_from_where_to_where(gans: Gans) -> None:
    assert "From nothing to revision" in gans("db", "upgrade").out
    assert "Already at revision" in gans("db", "upgrade").out


def test_retain_says_what_it_dropped(gans: Gans, shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANS_DATABASE_URL", f"sqlite:///{shown}")
    monkeypatch.setattr("local.cli.commands.maintain.utc_now", lambda: NOW)
    assert re.search(r"weather_forecasts +0 rows dropped", gans("retain").out)
    before = len(rows("weather_forecasts", shown))
    monkeypatch.setattr("local.cli.commands.maintain.utc_now", lambda: NOW + timedelta(days=70))
    dropped = json.loads(gans("retain", "--json").out)["rows"]["weather_forecasts"]
    assert 0 < dropped == before - len(rows("weather_forecasts", shown))


def test_the_shell_only_reads(gans: Gans) -> None:
    gans("db", "upgrade")
    assert gans("db", "shell", "DELETE FROM countries").code == 2
    assert "249" in gans("db", "shell", "SELECT COUNT(*) FROM countries").out


def test_a_typo_in_sql_says_what_the_database_said_and_nothing_of_settings(gans: Gans) -> None:
    assert gans("db", "shell", "SELECT 1").code == 2, "there is no database yet"
    gans("db", "upgrade")
    for sql in ("SELECT nonsense", "SELEC 1", "SELECT * FROM nonsense"):
        wrong = gans("db", "shell", sql)
        assert (wrong.code, wrong.out, wrong.err.count("\n")) == (2, "", 1)
        assert "GANS" not in wrong.err
    for file in Path("data").glob("gans.db*"):
        file.unlink()
    Path("data/gans.db").write_text("This is no database. " * 100)
    away = gans("db", "shell", "SELECT * FROM cities")
    assert (away.code, "Check GANS_DATABASE_URL" in away.err) == (3, True)


def test_the_shell_answers_several_statements_a_file_and_a_pipe(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    gans("db", "upgrade")
    several = "-- one; it's\nSELECT 'a;b' AS x;\n/* two; */ SELECT 2 AS y\n;"
    assert json.loads(gans("db", "shell", several, "--json").out) == [[{"x": "a;b"}], [{"y": 2}]]
    Path("q.sql").write_text(several, encoding="utf-8-sig")
    assert gans("db", "shell", "-f", "q.sql").out.split() == ["x", "a;b", "1", "row", "y", "2", "1", "row"]
    assert gans("db", "shell", "-f", "absent.sql") == (2, "", "absent.sql cannot be read: No such file or directory.\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 AS n"))
    assert json.loads(gans("db", "shell", "--json").out) == [{"n": 1}]
    stopped = gans("db", "shell", "SELECT 1 AS n; SELECT nonsense; SELECT 3 AS m")
    assert (stopped.code, "nonsense" in stopped.err, "m" in stopped.out) == (2, True, False)
    Path("q.sql").write_bytes("SELECT 'ä'".encode("latin-1"))
    for arguments, said in (
        (("-f", "q.sql"), "not in UTF-8"),
        (("-f", "absent"), "absent"),
        (("-f", "q.sql", "SELECT 1"), "not both"),
    ):
        assert (gans("db", "shell", *arguments).code, said in gans("db", "shell", *arguments).err) == (2, True)


def test_the_shell_tells_what_there_is(gans: Gans) -> None:
    gans("db", "upgrade")
    assert re.search(r"city_hours +view", gans("db", "shell", ".tables").out)
    assert re.search(r"cities +elevation_m +(INTEGER|DOUBLE) +\w", gans("db", "shell", ".schema cities;").out)
    assert "lists them" in gans("db", "shell", ".schema nonsense").out
    for word in (".help", "help", "HELP;", ".nonsense"):
        assert ".schema X" in gans("db", "shell", word).out


def test_rows_that_a_terminal_cannot_hold_stand_one_below_the_other(gans: Gans, monkeypatch: pytest.MonkeyPatch) -> None:
    gans("db", "upgrade")
    monkeypatch.setattr("local.console.out.width", 80)
    sql = "SELECT country_code, 'x' AS {}, name FROM countries WHERE country_code = 'NA'"
    assert "NA            x  Namibia" in gans("db", "shell", sql.format("a")).out
    lines = gans("db", "shell", sql.format("a" * 80)).out.splitlines()
    assert [line.split() for line in lines[:4]] == [["──", "1"], ["country_code", "NA"], ["a" * 80, "x"], ["name", "Namibia"]]


def test_control_characters_of_an_upstream_never_reach_the_terminal() -> None:
    assert plain("a\x1b[31mb\u202ec\n[bold]d") == r"a\x1b[31mb\u202ec \[bold]d"


def test_ctrl_c_lands_what_there_was(gans: Gans, simulator: Simulator, tmp_path: Path) -> None:
    simulator.inject("timeout", times=3, host="en.wikipedia.org", match="Paris")
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also below a run in the background
    program = f"{heard}; from local.cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", program, "collect", "cities"],
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    while process.poll() is None and not any("Paris" in path for path in simulator.requests):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Stopped" in err
    assert "Traceback" not in err
    (part,) = Path("data/landing").rglob("*.gz")
    read = read_part(part.read_bytes())
    assert read.footer.is_cut_short
    assert 1 < len(read.captures) < 5
    PartKey.parse(part.relative_to("data").as_posix())
    assert "Loaded 1 parts" in gans("load").out


@pytest.mark.parametrize("arguments", [["--help"], ["simulator", "--help"], ["version"], ["sources"], ["watch", "list"]])
def test_what_takes_long_to_import_is_left_to_the_commands_that_need_it(arguments: list[str], gans: Gans) -> None:
    program = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from local.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    heavy = {"alembic", "apscheduler", "boto3", "bs4", "local.simulator", "lxml", "pymysql", "requests", "sqlalchemy", "urllib3"}
    assert heavy & set(done.stderr.split()) == set()


def test_a_fault_that_there_is_not_tells_those_that_there_are(gans: Gans) -> None:
    output = gans("simulator", "--fault", "help")
    assert output.code == 2
    assert all(name in output.err for name in FAULTS)


def commands(group: typer.main.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, command in group.commands.items():
        yield (*path, name), command.help or ""
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    readme = "".join(path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    for path, text in commands(typer.main.get_command(app)):
        assert len(text) > 15, f"gans {' '.join(path)} has no help"
        assert f"gans {' '.join(path)}" in readme, f"gans {' '.join(path)} is neither in the README nor in docs"


def test_the_dashboard_says_what_is_missing_before_it_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="`make dashboard` installs them"):
        dashboard.serve({}, "127.0.0.1", 8501, print)
    assert capsys.readouterr().out == ""
