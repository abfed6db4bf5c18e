"""The `gans` command. Each command reads the settings, does one thing, and says what it did.

What takes long to import is imported by the commands that need it, so that the others answer at once.

Exit codes: 0 done; 1 a run failed or was partial; 2 wrong usage or configuration; 3 the database; 130 interrupted.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from dotenv import dotenv_values

from gans import __version__
from gans.clock import utc_now
from gans.errors import BadData, ConfigError
from gans.jobs import ARCHIVE, RETAIN
from gans.settings import Settings, read_settings, redacted
from gans.source import Source, registry
from local.console import ago, as_json, err, out, plain, progress, styled, table, time, told

if TYPE_CHECKING:
    from gans.archive.archive import Archived
    from gans.storage.landing import Store
    from local.pipeline import Outcome, Pipeline

T = TypeVar("T")

app = typer.Typer(
    help="Collect what moves people in a city, and keep it in one SQL database.",
    epilog="Settings come from the environment and from .env: GANS_DATABASE_URL, GANS_LANDING, … See `gans doctor`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
watch_app = typer.Typer(help="The watchlist: the cities and shared-mobility systems.", no_args_is_help=True)
sources_app = typer.Typer(help="The sources: what is collected, from whom, how often.", invoke_without_command=True)
db_app = typer.Typer(help="The database: its schema, a prompt, its URL.", no_args_is_help=True)
mysql_app = typer.Typer(help="A MySQL server on this machine.", no_args_is_help=True)
for name, part in (("watch", watch_app), ("sources", sources_app), ("db", db_app), ("mysql", mysql_app)):
    app.add_typer(part, name=name)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
Names = Annotated[list[str] | None, typer.Argument(help="Sources; all of them when none is named.", metavar="SOURCE")]
SINCE = typer.Option(None, "--from", help="First slot, like 2026-11-01 or 2026-11-01T03:00 (UTC).")
UNTIL = typer.Option(None, "--to", help="Last slot, included; a day alone means all of it.")


def main() -> None:
    """The command, with every expected error as one message and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by a service manager: as by Ctrl-C, land what there is
    try:
        code = app(standalone_mode=False) or 0
        if code == 130:
            raise KeyboardInterrupt
        sys.exit(code)
    except (KeyboardInterrupt, typer.Abort):
        err.print("Stopped. What was fetched is landed; `gans load` stores what is not stored yet.")
        sys.exit(130)
    except (ConfigError, BadData) as error:
        err.print(f"[red]{plain(error)}[/]")
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        err.print(
            f"[red]{plain(where)}{plain(error.strerror or error)}[/]\n`gans doctor` looks at everything that is configured."
        )
        sys.exit(2)
    except typer.TyperException as error:
        err.print(f"[red]{plain(error)}[/]")
        sys.exit(2)
    except Exception as error:
        from sqlalchemy.exc import SQLAlchemyError

        if not isinstance(error, SQLAlchemyError):
            raise
        hint = "Check GANS_DATABASE_URL; `gans doctor` looks at everything. What was landed is kept: `gans load` stores it later."
        err.print(f"[red]The database: {plain(getattr(error, 'orig', None) or error)}[/]\n{hint}")
        sys.exit(3)


def _environment() -> dict[str, str]:
    return {**{name: value or "" for name, value in dotenv_values(".env").items()}, **os.environ}


def _settings() -> Settings:
    return read_settings(_environment())


def _pipeline() -> "Pipeline":
    from local.pipeline import Pipeline

    pipeline = Pipeline(_settings())
    if pipeline.prepare():
        err.print(f"Set up the new database {plain(redacted(pipeline.settings.database_url))}.")
    return pipeline


def _chosen(sources: dict[str, Source], names: list[str] | None) -> list[Source]:
    """The named sources, in the order of what needs what."""
    if unknown := sorted(set(names or ()) - set(sources)):
        raise ConfigError(f"There is no source {', '.join(unknown)}. Known: {', '.join(sources)}.")
    return [source for source in sources.values() if not names or source.name in names]


def _with_keys(pipeline: "Pipeline", names: list[str] | None) -> list[Source]:
    """The chosen sources that have the key they need; one that was not named is skipped without it, and that is said."""
    ready = []
    for source in _chosen(pipeline.sources, names):
        try:
            pipeline.settings.key(source.secret)
        except ConfigError as error:
            if names:
                raise
            err.print(f"  {source.name:<17} [yellow]skipped[/]: {plain(error)}")
        else:
            ready.append(source)
    return ready


@app.command()
def collect(names: Names = None, json: Json = False) -> None:
    """Ask the upstreams, keep what they said, and load it, in the order of what needs what."""
    from local import watchlist

    pipeline = _pipeline()
    outcomes = []
    for source in _with_keys(pipeline, names):
        with progress(source.name) as on_progress:
            outcomes.append(pipeline.run(source, source.schedule.slot(utc_now()), on_progress))
        if not json:
            told(outcomes[-1])
        for city in watchlist.without_article(pipeline.store, outcomes[-1].collected.parts):
            err.print(
                f"  City {city.city_id}: no article of {plain(city.wikipedia_language)} is called "
                f'"{plain(city.wikipedia_title)}". '
                f"Correct its title in the watchlist, or `gans watch remove {city.city_id}`."
            )
    if json:
        as_json([_as_dict(outcome) for outcome in outcomes])
    raise typer.Exit(_code(outcome.status for outcome in outcomes))


def _as_dict(outcome: "Outcome") -> dict[str, object]:
    return {
        "source": outcome.source,
        "slot": outcome.slot,
        "status": outcome.status,
        "units": outcome.collected.units,
        "rows": outcome.rows,
        "rejected": outcome.rejected,
        "error": outcome.error,
        "parts": outcome.collected.parts,
    }


def _code(statuses: Iterable[str]) -> int:
    return 0 if set(statuses) <= {"ok", "not_modified"} else 1


@app.command()
def load(json: Json = False) -> None:
    """Load what is landed and not loaded yet (after a database was away)."""
    pipeline = _pipeline()
    _load(pipeline, pipeline.pending(), json, "Nothing waits in the landing.")


@app.command()
def replay(
    source: Annotated[str, typer.Argument(help="The source whose landed answers are read again.")],
    since: datetime | None = SINCE,
    until: datetime | None = UNTIL,
    queue: Annotated[str | None, typer.Option(help="URL of the loader's queue on AWS: it loads, not this machine.")] = None,
    json: Json = False,
) -> None:
    """Load landed answers again, after a parser was mended or into an empty database. Nothing is deleted."""
    (found,) = _chosen(registry(), [source])
    if found.keep:
        hours = found.keep // timedelta(hours=1)
        raise ConfigError(f"{source} cannot be replayed: its answers are kept for {hours} hours only, and loaded once.")
    slots = since and since.replace(tzinfo=UTC), _end(until)
    empty = f"Nothing of {source} is landed for these slots. `gans status` shows what ran."
    from local.pipeline import landed

    if queue is None:
        pipeline = _pipeline()
        _load(pipeline, landed(pipeline.store, source, *slots), json, empty)
        return
    from gans.storage.landing import S3Store, open_store
    from local.replay_queue import send

    store = open_store(_settings().landing)
    if not isinstance(store, S3Store):
        raise ConfigError("--queue is for a landing on AWS: set GANS_LANDING to its bucket, like s3://gans-landing")
    keys = landed(store, source, *slots)
    with progress("send") as on_progress:
        send(queue, store.bucket, keys, on_progress)
    if json:
        as_json(keys)
    else:
        out.print(f"Sent {len(keys)} parts to the loader; `gans status` shows when they are loaded." if keys else empty)


@app.command(name="retain")
def run_retain(json: Json = False) -> None:
    """Drop what need not be kept: old forecasts are thinned, refused items go after 90 days. On AWS it runs every night."""
    from gans.retain import retain

    pipeline = _pipeline()
    with progress("retain") as on_progress:
        retained = retain(pipeline.engine, utc_now(), on_progress=on_progress)
    if json:
        as_json(retained)
        return
    for name, rows in retained.rows.items():
        out.print(f"  {name:<20} {rows:>12,} rows dropped")


def _end(until: datetime | None) -> datetime | None:
    """The last slot that `--to` names."""
    end = until.replace(hour=23, minute=59, second=59) if until and (until.hour, until.minute) == (0, 0) else until
    return end and end.replace(tzinfo=UTC)


def _load(pipeline: "Pipeline", keys: list[str], json: bool, empty: str) -> None:
    loaded = []
    with progress("load") as on_progress:
        for place, key in enumerate(keys, 1):
            loaded.append(pipeline.load(key))
            on_progress(place, len(keys))
    if json:
        as_json(loaded)
    elif not loaded:
        out.print(empty)
    else:
        rows, refused = sum(sum(part.rows.values()) for part in loaded), sum(part.rejected for part in loaded)
        out.print(f"Loaded {len(loaded)} parts: {rows:,} rows, {refused} refused.")
        for part in loaded:
            if part.status in ("failed", "partial"):
                out.print(f"  {plain(part.key)}  {styled(part.status)}  {plain(part.error)}")
    raise typer.Exit(_code(part.status for part in loaded))


@app.command(name="archive")
def run_archive(since: datetime | None = SINCE, until: datetime | None = UNTIL, json: Json = False) -> None:
    """Compact the hours that are over: Parquet files in the archive, and the stations' history. --from or --to does it again."""
    from gans.archive.archive import ROOT, archive  # duckdb: only here

    pipeline, now = _pipeline(), utc_now()
    source = pipeline.sources["station_status"]
    last = _end(until) or now
    with progress("archive") as on_progress:
        hours = archive(
            pipeline.store,
            pipeline.engine,
            source,
            min(last + timedelta(hours=1), now),
            since and since.replace(tzinfo=UTC),
            is_again=bool(since or until),
            on_progress=on_progress,
        )
    unreadable = {key: reason for hour in hours for key, reason in hour.unreadable.items()}
    if json:
        as_json(hours)
    elif hours:
        out.print(f"Archived {_archived(hours)}, in {plain(ROOT)} of the landing.")
        for key, reason in unreadable.items():
            out.print(f"  {plain(key)}  {styled('failed')}  {plain(reason)}")
    elif next(pipeline.store.keys(f"landing/{source.name}/"), None):
        out.print("Nothing to archive: every hour that is over is archived as it is landed.")
    else:
        out.print("No station was asked yet: `gans watch add-system` names a system, and `gans schedule` asks it every minute.")
    raise typer.Exit(1 if unreadable else 0)


def _archived(hours: "list[Archived]") -> str:
    systems = {system.system_id for hour in hours for system in hour.systems}
    rows, size_mb = sum(hour.rows for hour in hours), sum(hour.file_bytes for hour in hours) / 1e6
    return f"{len(hours)} hours of {len(systems)} systems: {rows:,} rows, {size_mb:.1f} MB"


@app.command(name="schedule")
def run_schedule(names: Names = None) -> None:
    """Run every source at its times, archive every hour and retain every night, as EventBridge would on AWS, until Ctrl-C."""
    from sqlalchemy.exc import DBAPIError

    from gans.archive.archive import LATE, archive
    from gans.retain import retain
    from local import schedule
    from local.schedule import Job

    pipeline = _pipeline()
    sources = _with_keys(pipeline, names)
    is_ending = Event()

    def attempt(name: str, run: Callable[[], T]) -> T | None:
        try:
            return run()
        except (ConfigError, DBAPIError) as error:
            err.print(f"  {name:<17} [red]{plain(getattr(error, 'orig', None) or error)}[/]")
            return None

    def fire(source: Source, slot: datetime) -> None:
        outcome = attempt(source.name, lambda: pipeline.run(source, slot))
        if outcome is None:
            return
        told(outcome)
        for reader in pipeline.readers(changed for part in outcome.loaded for changed in part.published):
            if reader in sources and reader is not source:
                fire(reader, reader.schedule.slot(utc_now()))

    def archive_hours(_: datetime) -> None:
        store, engine, source, now = pipeline.store, pipeline.engine, pipeline.sources["station_status"], utc_now()
        hours = attempt(
            "archive", lambda: archive(store, engine, source, now, now - LATE, has_time=lambda: not is_ending.is_set())
        )
        if hours:
            out.print(f"  {'archive':<17} {_archived(hours)}")

    def thin(_: datetime) -> None:
        if retained := attempt("retain", lambda: retain(pipeline.engine, utc_now())):
            out.print(f"  {'retain':<17} {sum(retained.rows.values()):,} rows dropped")

    jobs = [Job(source.name, source.schedule, partial(fire, source)) for source in sources]
    if any(source.name == "station_status" for source in sources):
        jobs.append(Job("archive", ARCHIVE, archive_hours, is_upkeep=True))
    jobs.append(Job("retain", RETAIN, thin, is_upkeep=True))
    now = utc_now()
    for job in jobs:
        following = job.schedule.next(now)
        out.print(f"  {job.name:<17} {job.schedule}, next {time(following)} ({ago(following, now)})")
    try:
        schedule.serve(jobs, utc_now)
    finally:
        is_ending.set()


@app.command()
def status(json: Json = False) -> None:
    """How every source is doing: last run, freshness, rows, failures, next run."""
    from local.status import statuses

    now, pipeline = utc_now(), _pipeline()
    found = statuses(pipeline, now)
    if json:
        as_json(found)
        return
    table(
        ("source", "data", "last slot (UTC)", "status", "rows", "refused", "failed, 7 d", "next run"),
        (
            (
                one.source,
                styled(one.state),
                time(one.last_slot),
                styled(one.status),
                f"{one.rows:,}",
                str(one.rejected),
                f"{one.failed_runs} of {one.runs}",
                ago(one.next_slot, now),
            )
            for one in found
        ),
        numbers=("rows", "refused", "failed, 7 d"),
    )
    for one in found:
        if one.error:
            out.print(f"[dim]{one.source}: {plain(one.error)}[/]")
        if one.quota and one.quota_use:
            colour = "red" if one.quota_use > one.quota else "green"
            more = ": watch fewer cities, or take a larger plan" if colour == "red" else ""
            use = f"[{colour}]{one.quota_use:,} of {one.quota:,}[/] units a month ({plain(one.quota_plan)})"
            out.print(f"{one.source} would use {use}{more}")
    waiting = len(pipeline.pending())
    if waiting:
        out.print(f"{waiting} landed parts wait to be loaded: `gans load`.")
    if all(one.state == "never ran" for one in found):
        out.print("Nothing has run yet. `gans collect` asks the upstreams once, `gans schedule` keeps asking.")


@app.command()
def place(
    system: Annotated[str, typer.Option(help="The shared-mobility system, as the watchlist calls it, like velib.")],
    scooters: Annotated[int, typer.Option(min=1, max=1000, help="How many there are to be placed.")],
    walk: Annotated[int, typer.Option(min=100, max=1000, help="How far riders walk, m.")] = 300,
    geojson: Annotated[Path | None, typer.Option(help="Write the spots to this file too, for a map.")] = None,
    json: Json = False,
) -> None:
    """Where to put scooters now, to serve the most riders who find no vehicle at the stations."""
    from gans.decisions.placement import OLD  # h3: only here
    from gans.decisions.placement import geojson as as_geojson
    from local.place import proposed

    found = proposed(_pipeline().engine, system, scooters, walk)
    if geojson:
        geojson.write_bytes(as_geojson(found.spots, found.fetched_at))
    if json:
        as_json(found)
        return
    now = utc_now()
    is_old = now - found.fetched_at > OLD
    age = f"status of {time(found.fetched_at)} UTC, {ago(found.fetched_at, now)}"
    old = f"[red]{age}: `gans schedule` keeps it fresh[/]" if is_old else age
    out.print(f"{plain(system)}: {found.short:,} of {found.stations:,} stations lack {found.deficit:,.0f} vehicles; {old}")
    if not found.spots:
        out.print("Nobody is short of a vehicle: there is nothing to place.")
        return
    table(
        ("", "scooters", "riders", "latitude, longitude", "near", "why"),
        (
            (
                str(number),
                str(spot.scooters),
                f"{spot.riders:.1f}",
                f"{spot.latitude:.5f}, {spot.longitude:.5f}",
                f"{plain(spot.near)} ({spot.near_m:.0f} m)",
                plain(spot.reason),
            )
            for number, spot in enumerate(found.spots, 1)
        ),
        numbers=("", "scooters", "riders"),
    )
    if (placed := sum(spot.scooters for spot in found.spots)) < scooters:
        out.print(f"{placed} of {scooters} scooters are enough: the others would find no rider.")
    if geojson:
        out.print(f"Wrote {plain(geojson)}.")


@app.command(name="dashboard")
def run_dashboard(
    port: Annotated[int, typer.Option(help="Its port.")] = 8501,
    address: Annotated[str, typer.Option(help="Where it listens; 0.0.0.0 lets the network in, with no password.")] = "127.0.0.1",
) -> None:
    """The map and the other pages, in a browser, on the configured database; they only read. Until Ctrl-C."""
    from gans.database.engine import open_reader
    from local.servers import dashboard

    open_reader(_settings()).dispose()  # a wrong setting is said here, not in the browser
    dashboard.serve(_environment(), address, port, lambda url: out.print(f"The dashboard is at {url}. Ctrl-C ends it."))


@watch_app.command("add")
def watch_add(
    language: Annotated[str, typer.Argument(help="The language of the Wikipedia article: en or de.")],
    title: Annotated[str, typer.Argument(help='The title of the article, like "Burlington, Ontario".')],
) -> None:
    """Watch a city, named by its Wikipedia article."""
    from local import watchlist

    store, file = _watchlist()
    city = watchlist.add(store, file, language, title)
    follows = "`gans collect` fetches it now." if file else "The functions that read the watchlist begin by themselves."
    out.print(f"Watching {plain(title)} as city {city.city_id}. {follows}")


@watch_app.command("remove")
def watch_remove(city: Annotated[str, typer.Argument(help="Its number or its title.")]) -> None:
    """Stop watching a city; what was collected stays."""
    from local import watchlist

    removed = watchlist.remove(*_watchlist(), city)
    out.print(
        f"No longer watching {plain(removed.wikipedia_title)}. Its rows stay; city_id {removed.city_id} is not given again."
    )


@watch_app.command("list")
def watch_list(json: Json = False) -> None:
    """The cities of the watchlist."""
    from local import watchlist

    cities = watchlist.cities(*_watchlist())
    if json:
        as_json(cities)
    elif not cities:
        out.print("Nothing is watched. Begin with `gans watch add en Berlin`.")
    else:
        rows = (
            (str(c.city_id), c.wikipedia_language, plain(c.wikipedia_title), "" if c.is_watched else "removed") for c in cities
        )
        table(("city_id", "language", "title", ""), rows, numbers=("city_id",))


@watch_app.command("add-system")
def watch_add_system(
    system: Annotated[str, typer.Argument(help="A name for it, given once, like velib: small letters, digits, _ and -.")],
    where: Annotated[str, typer.Argument(help="Its GBFS discovery document, or its System ID in MobilityData's catalogue.")],
    provider: Annotated[str, typer.Option(help="gbfs, or paris_opendata: then WHERE is a data set of its API.")] = "gbfs",
    city: Annotated[int | None, typer.Option(help="The city_id of the city that it serves.")] = None,
    ttl: Annotated[int | None, typer.Option(help="How long its answers hold, s, where its feeds tell it wrongly.")] = None,
) -> None:
    """Watch a shared-mobility system: its stations every minute, its vehicles every five."""
    from local import watchlist

    added = watchlist.add_system(*_watchlist(), system, where, provider, city, ttl)
    out.print(f"Watching {plain(added.system_id)}. `gans collect stations`, then `gans collect station_status` fetch it now.")


@watch_app.command("remove-system")
def watch_remove_system(system: Annotated[str, typer.Argument(help="Its name on the watchlist.")]) -> None:
    """Stop watching a shared-mobility system; what was collected stays."""
    from local import watchlist

    out.print(f"No longer watching {plain(watchlist.remove_system(*_watchlist(), system).system_id)}. Its rows stay.")


@watch_app.command("systems")
def watch_systems(json: Json = False) -> None:
    """The shared-mobility systems of the watchlist."""
    from local import watchlist

    systems = watchlist.systems(*_watchlist())
    if json:
        as_json(systems)
    elif not systems:
        out.print("No system is watched. `gans watch add-system NAME WHERE` begins; WHERE may be a System ID of the catalogue:")
        out.print("  gans db shell \"SELECT catalogue_id, name, location FROM system_catalogue WHERE country_code = 'FR'\"")
    else:
        rows = (
            (
                s.system_id,
                s.provider,
                plain(s.url or s.catalogue_id or ""),
                str(s.city_id or ""),
                "" if s.is_watched else "removed",
            )
            for s in systems
        )
        table(("system", "provider", "where", "city_id", ""), rows, numbers=("city_id",))


def _watchlist() -> tuple["Store", Path | None]:
    from gans.storage.landing import open_store

    settings = _settings()
    return open_store(settings.landing), settings.watchlist_file


@sources_app.callback()
def sources(context: typer.Context, json: Json = False) -> None:
    """List the sources: what is collected, from whom, how often, under which licence."""
    if context.invoked_subcommand:
        return
    found = registry().values()
    if json:
        keys = ("name", "provider", "docs", "licence", "reads", "writes")
        as_json([{**{key: getattr(source, key) for key in keys}, "schedule": str(source.schedule)} for source in found])
        return
    for source in found:
        key = source.secret and f", {source.secret.setting}{'' if source.secret.is_required else ' (optional)'}"
        out.print(f"[bold]{source.name:<17}[/] {source.provider}, {source.schedule}, {source.licence}{key or ''}")
        out.print(f"{'':<17} {', '.join(source.reads) or 'nothing'} → {', '.join(source.writes)}")


@sources_app.command("new")
def sources_new(name: Annotated[str, typer.Argument(help="A name in snake_case; also the module's and the table's.")]) -> None:
    """Write a new source with its table, its migration and its tests, ready to be edited."""
    from local.scaffold import scaffold

    for path in scaffold(name, Path.cwd()):
        out.print(f"Wrote {path}")
    out.print("It works as it stands. Try it, then edit it (`make schema` also installs what the tests need):")
    out.print(f"  make schema\n  .venv/bin/pytest --databases sqlite -k {name}\n  gans db upgrade")


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest revision, and its views to their present text."""
    from gans.database import migrate
    from gans.database.engine import open_engine

    engine = open_engine(_settings())
    before = migrate.revision(engine)
    migrate.upgrade(engine)
    after = migrate.head()
    out.print(
        f"Already at revision {after}; the views were made anew."
        if before == after
        else f"From {before or 'nothing'} to revision {after}."
    )


@db_app.command("shell")
def db_shell(
    sql: Annotated[str | None, typer.Argument(help="One query, instead of a prompt.")] = None, json: Json = False
) -> None:
    """Query the database; it only reads."""
    from gans.database.engine import open_reader, query
    from local.cli import shell

    engine = open_reader(_settings())
    if sql is None:
        shell.prompt(engine)
        return
    columns, rows = query(engine, sql)
    if json:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        shell.show(columns, rows)


@db_app.command("url")
def db_url() -> None:
    """The URL of the configured database, without its password."""
    out.print(plain(redacted(_settings().database_url)))


@mysql_app.command("start")
def mysql_start(
    mariadb: Annotated[bool, typer.Option("--mariadb", help="MariaDB instead of MySQL.")] = False,
    port: Annotated[int | None, typer.Option(help="Its port; 33306 (MariaDB: 33307) when free.")] = None,
) -> None:
    """Start MySQL: one that is installed, or in Docker, or (as root on Debian) from Debian's packages. Its data stays."""
    from sqlalchemy import create_engine, text

    from local.servers import mysql

    server = mysql.start("mariadb" if mariadb else None, port, on_progress=lambda line: err.print(plain(line)))
    with create_engine(server.url).begin() as connection:
        connection.execute(text("CREATE DATABASE IF NOT EXISTS gans CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
    out.print(
        f"{plain(server.how)} ({plain(server.version)}) runs. To use it:\n  export GANS_DATABASE_URL={server.url}gans",
    )


@mysql_app.command("stop")
def mysql_stop() -> None:
    """Stop the servers that `gans mysql start` started; their data stays."""
    from local.servers import mysql

    stopped = [server for flavour in mysql.PORTS if (server := mysql.stop(mysql.default_home(flavour)))]
    for server in stopped:
        out.print(f"Stopped {plain(server.how)}.")
    if not stopped:
        out.print("None of ours runs.")


@app.command(name="doctor")
def run_doctor(json: Json = False) -> None:
    """What is configured, what is missing, and where it was looked for. Asks no upstream."""
    from local import doctor

    findings = list(doctor.examine(_settings()))
    if json:
        as_json(findings)
    else:
        marks = {"ok": "[green]✓[/]", "note": "[yellow]•[/]", "wrong": "[red]✗[/]"}
        for finding in findings:
            out.print(f"{marks[finding.verdict]} {finding.what:<12} {plain(finding.message)}")
    raise typer.Exit(2 if any(finding.verdict == "wrong" for finding in findings) else 0)


@app.command(name="demo")
def run_demo(cities: Annotated[int, typer.Option(min=1, max=1000, help="How many cities.")] = 10) -> None:
    """The whole way with simulated upstreams: no key, no network, no account."""
    from local import demo

    settings = demo.settings_for_demo(_settings())
    pipeline = demo.run(settings, utc_now(), cities)
    out.print()
    demo.show(pipeline, utc_now())
    url = redacted(settings.database_url)
    out.print(
        f"\nAll of it is in {plain(url)}. What next:\n"
        f"  GANS_DATABASE_URL={plain(url)} make dashboard    the stations on a map, in a browser\n"
        "  source .venv/bin/activate    so that this terminal finds gans\n"
        f"  GANS_DATABASE_URL={plain(url)} gans db shell     ask it anything in SQL\n"
        "  gans collect                 the real upstreams, for the cities of watchlist.toml\n"
        "  gans watch add en Lisbon     another city\n"
        "  gans --help                  everything else",
    )


@app.command()
def simulator(
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.")] = 8099,
    cities: Annotated[int, typer.Option(min=1, max=10_000, help="How many cities.")] = 10,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 7,
    fault: Annotated[
        list[str] | None, typer.Option(help="NAME=RATE, like server_error=0.3; `--fault help` says the names.")
    ] = None,
) -> None:
    """Serve simulated upstreams until Ctrl-C; `GANS_SIMULATOR_URL` makes the other commands ask them."""
    from local.simulator import Faults, serve
    from local.simulator.faults import known

    try:
        faults = Faults({known(name): float(rate) for name, _, rate in (one.partition("=") for one in fault or ())})
    except ValueError as error:
        raise ConfigError(f"--fault: {error}. Give NAME=RATE with a rate from 0 to 1.") from None
    out.print(f"In another terminal: GANS_SIMULATOR_URL=http://127.0.0.1:{port} gans collect")
    try:
        serve(port, cities, seed, faults)
    except OSError as error:
        raise ConfigError(f"Cannot listen on port {port}: {error.strerror}. Give another with --port.") from None


@app.command()
def version() -> None:
    """The version of Gans."""
    out.print(__version__)
