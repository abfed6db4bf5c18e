"""The decisions: place."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from gans.clock import utc_now
from gans.errors import ConfigError
from gans.geography import on_earth
from local.cli.context import Json, Use, open_pipeline
from local.console import ago, as_json, count, out, plain, table, time

app = typer.Typer()


def _place_on_earth(text: str) -> tuple[float, float]:
    """Latitude and longitude, of text like 48.8566,2.3522.

    Raises:
        ConfigError: it is no such text, or not on earth.
    """
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        latitude = longitude = float("nan")
    if not on_earth(latitude, longitude):
        raise ConfigError(f"--start {text}: give latitude and longitude in degrees, like 48.8566,2.3522.")
    return latitude, longitude


@app.command()
def place(
    system: Annotated[str, typer.Option(help="The shared-mobility system, as the watchlist calls it, like velib.")],
    scooters: Annotated[int, typer.Option(min=1, max=1000, help="How many are in the truck.")],
    walk: Annotated[int, typer.Option(min=100, max=1000, help="How far riders walk, m.")] = 300,
    stops: Annotated[int, typer.Option(min=1, max=1000, help="How many stops the crew makes at most.")] = 12,
    min_load: Annotated[int, typer.Option(min=1, max=1000, help="How many scooters a stop gets at least.")] = 1,
    stop_minutes: Annotated[
        float, typer.Option(min=0, max=1440, help="What a stop takes of the crew, min; 6 of them must bring a rider more.")
    ] = 5,
    min_riders: Annotated[
        float, typer.Option(min=0, max=1, help="A scooter that would serve fewer riders of the hour stays in the truck.")
    ] = 0.3,
    start: Annotated[str, typer.Option(help="Where the truck is; else it begins at the best stop.", metavar="LAT,LON")] = "",
    even_if_old: Annotated[bool, typer.Option("--even-if-old", help="Propose on old data too.")] = False,
    geojson: Annotated[Path | None, typer.Option(help="Write the spots to this file too, for a map.")] = None,
    json: Json = False,
) -> None:
    """Where to put scooters now, to serve the most riders who find no vehicle at the stations: stops in driving order."""
    from gans.decisions import placement  # h3: only here
    from gans.lifecycle.propose import propose
    from gans.lifecycle.record import record

    engine, now = open_pipeline(Use.DATABASE).engine, utc_now()
    request = placement.PlacementRequest(
        scooters=scooters,
        walk_m=walk,
        stops=stops,
        min_load=min_load,
        stop_minutes=stop_minutes,
        min_riders=min_riders,
        start=_place_on_earth(start) if start else None,
    )
    proposed = propose(engine, placement.decision, system, request, now, even_if_old=even_if_old)
    record(engine, proposed, now)
    found, data_at = proposed.answer, proposed.basis.data_at
    is_stale = now - data_at > placement.STATUS_OLD
    if geojson:
        geojson.write_bytes(placement.geojson(found.spots, data_at))
    if json:
        as_json({"system_id": system, "is_stale": is_stale, **structs.asdict(found), "basis": proposed.basis})
        return
    age = f"status of {time(data_at)} UTC, {ago(data_at, now)}"
    if is_stale:
        is_collected = now - proposed.basis.known_at <= placement.STATUS_OLD
        why = "the feed itself stands still" if is_collected else "`gans schedule` keeps it fresh"
        age = f"[red]{age}: {why}[/]"
    out.print(f"{plain(system)}: {found.short:,} of {found.stations:,} stations lack {found.deficit:,.0f} vehicles; {age}")
    if not found.short:
        out.print("Nobody is short of a vehicle: there is nothing to place.")
        return
    if found.spots:
        out.print(
            f"{count(len(found.spots), 'stop')} for {found.scooters - found.kept} scooters and about {found.riders:.0f} riders: "
            f"{found.minutes:.0f} min, of which {found.drive_km:.1f} km to drive as the crow flies"
        )
        table(
            ("", "scooters", "riders", "near", "why"),
            (
                (
                    str(number),
                    str(spot.scooters),
                    f"{spot.riders:.1f}",
                    f"{plain(spot.near)} ({spot.near_m:.0f} m)",
                    plain(spot.reason),
                )
                for number, spot in enumerate(found.spots, 1)
            ),
            numbers=("", "scooters", "riders"),
        )
        for number, spot in enumerate(found.spots, 1):
            out.print(f"{number:>2}  {spot.geo_uri}\n    {spot.map_url}")
    if found.kept:
        out.print(
            f"{found.kept} of {scooters} scooters stay in the truck: each would serve fewer than {min_riders:g} riders, "
            f"with at most {count(stops, 'stop')} of {stop_minutes:g} min and {min_load} scooters or more."
        )
    if geojson:
        out.print(f"Wrote {plain(geojson)}.")
