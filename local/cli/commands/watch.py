"""The watchlist: watch add, remove, list, and the same for systems."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli.context import Json, configured_settings
from local.console import as_json, out, plain, table

if TYPE_CHECKING:
    from gans.storage.store import Store

app = typer.Typer(help="The watchlist: the cities and shared-mobility systems.", no_args_is_help=True)


@app.command("add")
def watch_add(
    language: Annotated[str, typer.Argument(help="The language of the Wikipedia article: en or de.")],
    title: Annotated[str, typer.Argument(help='The title of the article, like "Burlington, Ontario".')],
    region: Annotated[
        str | None, typer.Option(help="The part of its country (ISO 3166-2), like DE-BE: its holidays count.")
    ] = None,
) -> None:
    """Watch a city, named by its Wikipedia article."""
    from local import watchlist

    store, file = _watchlist()
    city = watchlist.add(store, file, language, title, region)
    follows = "`gans collect` fetches it now." if file else "The functions that read the watchlist begin by themselves."
    out.print(f"Watching {plain(city.wikipedia_title)} as city {city.city_id}. {follows}")


@app.command("remove")
def watch_remove(
    city: Annotated[str, typer.Argument(help="Its number or its title; of a broken watchlist its place too, like #2.")],
) -> None:
    """Stop watching a city; what was collected stays."""
    from local import watchlist

    removed = watchlist.remove(*_watchlist(), city)
    if removed is None:
        out.print(f"Took {plain(city)} out of the watchlist, which was not as it should be.")
        return
    out.print(
        f"No longer watching {plain(removed.wikipedia_title)}. Its rows stay; city_id {removed.city_id} is not given again."
    )


@app.command("list")
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


@app.command("add-system")
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


@app.command("remove-system")
def watch_remove_system(system: Annotated[str, typer.Argument(help="Its name on the watchlist.")]) -> None:
    """Stop watching a shared-mobility system; what was collected stays."""
    from local import watchlist

    removed = watchlist.remove_system(*_watchlist(), system)
    if removed is None:
        out.print(f"Took {plain(system)} out of the watchlist, which was not as it should be.")
    else:
        out.print(f"No longer watching {plain(removed.system_id)}. Its rows stay.")


@app.command("systems")
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
    from gans.storage.store import open_store

    settings = configured_settings()
    return open_store(settings.landing), settings.watchlist_file
