"""What is there to look at and to try: the dashboard, the demo, the simulator."""

from typing import TYPE_CHECKING, Annotated

import typer

from gans.clock import utc_now
from gans.errors import ConfigError
from gans.settings import redacted
from local.cli.context import configured_settings, environment
from local.console import line, out, plain

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer()

TRIAL = "data/trial"
"""Where what is collected from a simulator may go."""


@app.command(name="dashboard")
def run_dashboard(
    port: Annotated[int, typer.Option(help="Its port.")] = 8501,
    address: Annotated[str, typer.Option(help="Where it listens; 0.0.0.0 lets the network in, with no password.")] = "127.0.0.1",
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name by which browsers call it, like gans.example.org; this machine's own are known."),
    ] = None,
    allow_writer: Annotated[
        bool, typer.Option("--allow-writer", help="Also as a user of the database who may do more than read.")
    ] = False,
) -> None:
    """The map and the other pages, in a browser, on the configured database; they only read. Until Ctrl-C."""
    from gans.database.engine import open_reader
    from local.servers import dashboard

    settings = configured_settings()
    for login in (settings.for_pages(), settings.for_people()):
        engine = open_reader(login)  # a wrong setting is said here, not in the browser
        if not allow_writer:
            _require_reader(engine)
        engine.dispose()
    dashboard.serve(
        environment(), address, port, lambda url: out.print(f"The dashboard is at {url}. Ctrl-C ends it."), hosts=host or ()
    )


def _require_reader(engine: "Engine") -> None:
    """Passes where the user of the database may only read.

    Raises:
        ConfigError: they may do more, and what to set.
    """
    from gans.database.grants import rights_beyond_reading

    if rights := rights_beyond_reading(engine):
        listed = ", ".join(rights[:3]) + (", …" if len(rights) > 3 else "")
        raise ConfigError(
            f"The dashboard would be {engine.url.username!r} to the database, who may do more than read ({listed}). Name a user "
            "with the right SELECT alone: GANS_READER_URL=mysql+pymysql://user:password@host:3306/gans (`gans mysql start` makes "
            "one). Or, where nobody else gets at the dashboard: gans dashboard --allow-writer"
        )


@app.command(name="demo")
def run_demo(cities: Annotated[int, typer.Option(min=1, max=1000, help="How many cities.")] = 10) -> None:
    """The whole way with simulated upstreams: no key, no network, no account."""
    from local import demo
    from local.cli.demo import Printed, show

    settings = demo.settings_for_demo(configured_settings())
    pipeline = demo.run(settings, utc_now(), cities, Printed())
    out.print()
    show(pipeline, utc_now())
    url = redacted(settings.database_url)
    out.print(f"\nAll of it is in {plain(url)}. What next:")
    see = "make dashboard" if url.startswith("sqlite") else "gans dashboard --allow-writer"
    for command, why in (
        (f"GANS_DATABASE_URL={plain(url)} {see}", "the stations on a map, in a browser"),
        ("source .venv/bin/activate", "so that this terminal finds gans"),
        (f"GANS_DATABASE_URL={plain(url)} gans db shell", "ask it anything in SQL"),
        ("gans collect", "the real upstreams, for the cities of watchlist.toml"),
        ("gans watch add en Lisbon", "another city"),
        ("gans --help", "everything else"),
    ):
        line(f"  {command:<25}    ", why)


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
    url = f"http://127.0.0.1:{port}"
    out.print(
        "In another terminal, in places of their own, for simulated answers never mix with real ones:\n"
        f"  export GANS_SIMULATOR_URL={url} GANS_LANDING={TRIAL} GANS_DATABASE_URL=sqlite:///{TRIAL}/gans.db\n"
        "  gans collect"
    )
    try:
        serve(port, cities, seed, faults)
    except OSError as error:
        raise ConfigError(f"Cannot listen on port {port}: {error.strerror}. Give another with --port.") from None
