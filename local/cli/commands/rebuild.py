"""A database made anew: rebuild."""

from typing import TYPE_CHECKING

import typer

from local.cli.context import Json, configured_settings
from local.console import as_json, count, out, plain, progress, table

if TYPE_CHECKING:
    from local.rebuild import Rebuilt

app = typer.Typer()


@app.command()
def rebuild(json: Json = False) -> None:
    """Make a new database of everything in the landing, and compare it with the one that is there.

    For a database that is lost, damaged or doubted, or after a parser was mended for all time. The new one stands beside the
    configured one, on its server or in its folder, with _rebuilt behind its name; the configured one is only read. Where it is
    gone, nothing is compared.

    1. Every landed part is loaded, oldest first.

    2. Every hour of the stations that is over is archived: station_hours, station_usuals, and the files of the archive anew.

    3. What nothing landed makes is copied from the old database: proposals, and hours whose answers are no longer kept.

    4. Retention drops what need not be kept.

    5. Every table is compared with the old one, row by row. Not compared are collection_runs.loaded_at and code_version,
    archived_hours.archived_at and station_usuals.fetched_at, which say when a row was made; and runs of sources whose answers may
    not be kept (vehicles).

    It may be stopped at any time and run again: it goes on where it was. It takes about one minute per million rows, on MySQL
    two, and says how long it took; a year of one large system, asked every minute, has more than a billion. Collecting may go on
    meanwhile. For a comparison without differences stop it first, then `gans archive` and `gans retain`, then this once more.

    Exit code 1 where something differs.
    """
    from local.rebuild import rebuild as run

    rebuilt = run(configured_settings(), progress)
    if json:
        as_json(rebuilt)
    else:
        _show(rebuilt)
    raise typer.Exit(0 if rebuilt.is_same else 1)


def _show(rebuilt: "Rebuilt") -> None:
    rate = f" ({rebuilt.load_s / rebuilt.rows * 1e6:,.0f} s per million rows)" if rebuilt.rows else ""
    out.print(f"Loaded {count(rebuilt.parts, 'part')}: {rebuilt.rows:,} rows in {rebuilt.load_s:,.0f} s{rate}.")
    for key, reason in rebuilt.unusable.items():
        out.print(f"  {plain(key)}  {plain(reason)}")
    copied = f"copied {count(rebuilt.copied, 'row')} that nothing landed makes"
    out.print(f"Archived {count(rebuilt.hours, 'hour')}, {copied}, dropped {count(rebuilt.dropped, 'row')} by retention.")
    if rebuilt.archived_alone:
        alone = count(rebuilt.archived_alone, "hour")
        out.print(f"[yellow]{alone} of the archive are no longer landed: the files stay, but station_hours lacks them.[/]")
    if rebuilt.not_compared:
        out.print(
            f"[yellow]Not compared: {plain(rebuilt.not_compared)}.[/] What nothing landed makes (proposals) is lost with it."
        )
    else:
        table(
            ("table", "old", "new", "missing", "added", "changed", "like"),
            (
                (
                    one.table,
                    f"{one.rows:,}",
                    f"{one.other_rows:,}",
                    *(f"{number:,}" if number else "" for number in (one.missing, one.added, one.changed)),
                    plain(f"{one.example} {', '.join(one.columns)}".strip()),
                )
                for one in rebuilt.tables
            ),
            numbers=("old", "new", "missing", "added", "changed"),
        )
        out.print("[green]Both are the same.[/]" if rebuilt.is_same else "[red]They differ.[/]")
    out.print(f"To work with the new one: GANS_DATABASE_URL={plain(rebuilt.database)}")
