"""Collecting and loading: collect, load, replay, status."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from gans.clock import utc_now
from gans.errors import ConfigError
from gans.sources import registry
from local.cli.context import (
    SINCE,
    UNTIL,
    Json,
    Names,
    Use,
    choose_sources,
    configured_settings,
    end_of,
    exit_code,
    open_pipeline,
    sources_with_keys,
)
from local.console import ago, as_json, err, out, plain, progress, show_outcome, styled, table

if TYPE_CHECKING:
    from local.pipeline import Outcome, Pipeline

app = typer.Typer()


@app.command()
def collect(names: Names = None, json: Json = False) -> None:
    """Ask the upstreams, keep what they said, and load it, in the order of what needs what."""
    from local import watchlist

    pipeline = open_pipeline(Use.UPSTREAMS)
    outcomes = []
    for source in sources_with_keys(pipeline, names):
        with progress(source.name) as on_progress:
            outcomes.append(pipeline.run(source, source.schedule.slot(utc_now()), on_progress))
        if not json:
            show_outcome(outcomes[-1])
        for city in watchlist.without_article(pipeline.store, outcomes[-1].collected.parts):
            advice = (
                "The simulator knows its own cities only; the real Wikipedia is not asked."
                if pipeline.settings.simulator_url
                else f"Correct its title in the watchlist, or `gans watch remove {city.city_id}`."
            )
            err.print(
                f"  City {city.city_id}: no article of {plain(city.wikipedia_language)} is called "
                f'"{plain(city.wikipedia_title)}". {advice}'
            )
    if json:
        as_json([_as_dict(outcome) for outcome in outcomes])
    raise typer.Exit(exit_code(outcome.status for outcome in outcomes))


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


@app.command()
def load(json: Json = False) -> None:
    """Load what is landed and not loaded yet (after a database was away)."""
    pipeline = open_pipeline()
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
    (found,) = choose_sources(registry(), [source])
    if found.retention:
        hours = found.retention // timedelta(hours=1)
        raise ConfigError(f"{source} cannot be replayed: its answers are kept for {hours} hours only, and loaded once.")
    slots = since and since.replace(tzinfo=UTC), end_of(until)
    empty = f"Nothing of {source} is landed for these slots. `gans status` shows what ran."
    from local.pipeline import landed

    if queue is None:
        pipeline = open_pipeline()
        _load(pipeline, landed(pipeline.store, source, *slots), json, empty)
        return
    from gans.storage.store import S3Store, open_store
    from local.replay_queue import send

    store = open_store(configured_settings().landing)
    if not isinstance(store, S3Store):
        raise ConfigError("--queue is for a landing on AWS: set GANS_LANDING to its bucket, like s3://gans-landing")
    keys = landed(store, source, *slots)
    with progress("send") as on_progress:
        send(queue, store.bucket, keys, on_progress)
    if json:
        as_json(keys)
    else:
        out.print(f"Sent {len(keys)} parts to the loader; `gans status` shows when they are loaded." if keys else empty)


def _load(pipeline: "Pipeline", keys: list[str], json: bool, empty: str) -> None:
    loaded = []
    with progress("load") as on_progress:
        for done, key in enumerate(keys, 1):
            loaded.append(pipeline.load(key))
            on_progress(done, len(keys))
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
    raise typer.Exit(exit_code(part.status for part in loaded))


@app.command()
def status(json: Json = False) -> None:
    """How every source is doing: last run, freshness, rows, failures, next run."""
    from local.status import statuses

    now, pipeline = utc_now(), open_pipeline(Use.DATABASE)
    found = statuses(pipeline, now)
    if json:
        as_json(found)
        return
    table(
        ("source", "data", "last slot\n(UTC)", "status", "rows", "refused", "failed,\n7 d", "next\nrun in"),
        (
            (
                one.source,
                styled(one.state),
                f"{one.last_slot:%m-%d %H:%M}" if one.last_slot else "–",
                styled(one.status),
                f"{one.rows:,}",
                str(one.rejected),
                f"{one.failed_runs} of {one.runs}",
                ago(one.next_slot, now).removeprefix("in ") if one.next_slot else "by hand",
            )
            for one in found
        ),
        numbers=("rows", "refused", "failed,\n7 d"),
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
