"""The area sets: areas add, list, remove."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import structs

from gans.errors import ConfigError
from local.cli.context import Json, Use, exit_code, open_pipeline
from local.console import as_json, count, err, out, plain

if TYPE_CHECKING:
    from local.areas import Changed

app = typer.Typer(help="The area sets: the named areas that demand is counted in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name of the set, like chicago: small letters, digits, _ and -.")]


@app.command("add")
def areas_add(
    name: Name,
    file: Annotated[Path | None, typer.Argument(help="GeoJSON: a FeatureCollection of named polygons.")] = None,
    name_field: Annotated[str | None, typer.Option(help="The property that holds an area's name.")] = None,
    number_field: Annotated[str, typer.Option(help="The property that holds its number, where it has one.")] = "",
    city: Annotated[str | None, typer.Option(help="The watched city that the set is of: its holidays and weather count.")] = None,
    cells: Annotated[
        str | None, typer.Option(help="Instead of a file: the H3 cells of this watched city.", metavar="CITY")
    ] = None,
    resolution: Annotated[int, typer.Option(help="Of these cells: 8 is 0.7 km² each, 9 is 0.1 km².")] = 8,
    json: Json = False,
) -> None:
    """Add a set of areas, or give a set its areas anew: from GeoJSON, or the H3 cells of a city.

    gans areas add chicago areas.geojson --name-field community --number-field area_numbe

    gans areas add berlin --cells Berlin --resolution 8
    """
    from local import areas

    if (file is None) == (cells is None):
        raise ConfigError("Give either a file of GeoJSON or --cells CITY.")
    pipeline = open_pipeline(Use.UPSTREAMS)
    if file is None:
        changed = areas.add_cells(pipeline, name, str(cells), resolution)
    elif name_field is None:
        raise ConfigError("--name-field says which property holds an area's name, like --name-field community.")
    else:
        changed = areas.add_polygons(pipeline, name, file, name_field, number_field, city)
    areas_of, cells_of = (changed.loaded.rows.get(table, 0) for table in ("areas", "area_cells"))
    _show(changed, json, f"{plain(name)} has {count(areas_of, 'area')} of {cells_of:,} cells.")


@app.command("remove")
def areas_remove(name: Name, json: Json = False) -> None:
    """Take a set out of use; what was counted in it stays."""
    from local import areas

    changed = areas.remove(open_pipeline(Use.UPSTREAMS), name)
    _show(changed, json, f"{plain(name)} is out of use. What was counted in it stays; `gans areas add` brings it back.")


def _show(changed: "Changed", json: bool, done: str) -> None:
    loaded = changed.loaded
    if json:
        as_json({"notes": changed.notes, **structs.asdict(loaded)})
    elif loaded.status == "ok":
        out.print(done)
        for note in changed.notes:
            out.print(f"  [yellow]{note}[/]")
    else:
        err.print(f"[red]{plain(loaded.error)}[/]")
    raise typer.Exit(exit_code([loaded.status]))


@app.command("list")
def areas_list(json: Json = False) -> None:
    """The sets in use, and the days that were counted in each."""
    from gans.reading.areas import counted_sets

    sets = counted_sets(open_pipeline(Use.DATABASE).engine)
    if json:
        as_json(sets)
    elif not sets:
        out.print("There is no area set. `gans areas add NAME FILE.geojson --name-field FIELD` adds one.")
    for one in [] if json else sets:
        head = f"{count(one.areas or 0, 'area')} ({one.kind}), {one.timezone}" if one.kind else "known by its name alone"
        out.print(f"[bold]{plain(one.area_set):<17}[/] {head}")
        if one.days:
            trips = {"started": one.trips_started, "ended": one.trips_ended}
            counted = ", ".join(f"{number:,} trips {measure}" for measure, number in trips.items() if number is not None)
            out.print(
                f"{'':<17} {counted or 'no trips'} on {count(one.days, 'day')}, {one.first_on} to {one.last_on}, "
                f"complete to {one.complete_to or '–'}"
            )
