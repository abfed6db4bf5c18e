"""The decisions: place."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from gans.clock import utc_now
from local.cli.context import Json, open_pipeline
from local.console import ago, as_json, out, plain, table, time

app = typer.Typer()


@app.command()
def place(
    system: Annotated[str, typer.Option(help="The shared-mobility system, as the watchlist calls it, like velib.")],
    scooters: Annotated[int, typer.Option(min=1, max=1000, help="How many there are to be placed.")],
    walk: Annotated[int, typer.Option(min=100, max=1000, help="How far riders walk, m.")] = 300,
    geojson: Annotated[Path | None, typer.Option(help="Write the spots to this file too, for a map.")] = None,
    json: Json = False,
) -> None:
    """Where to put scooters now, to serve the most riders who find no vehicle at the stations."""
    from gans.decisions import placement  # h3: only here
    from gans.lifecycle.propose import propose
    from gans.lifecycle.record import record

    engine, now = open_pipeline().engine, utc_now()
    proposed = propose(engine, placement.decision, system, placement.PlacementRequest(scooters, walk), now)
    record(engine, proposed, now)
    found, fetched_at = proposed.answer, proposed.basis.data_at
    if geojson:
        geojson.write_bytes(placement.geojson(found.spots, fetched_at))
    if json:
        as_json({"system_id": system, "fetched_at": fetched_at, **structs.asdict(found), "basis": proposed.basis})
        return
    is_old = now - fetched_at > placement.STATUS_OLD
    age = f"status of {time(fetched_at)} UTC, {ago(fetched_at, now)}"
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
