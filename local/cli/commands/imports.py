"""Files that people have: import."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from gans.errors import GansError, NotKnown
from gans.source import ImportOptions, Source
from gans.sources import registry
from local.cli.context import Json, Use, exit_code, open_pipeline
from local.console import as_json, err, out, plain, progress

if TYPE_CHECKING:
    from gans.collect.files import Imported
    from gans.load.load import Loaded

app = typer.Typer()


class _Import(TyperCommand):
    """Its help lists the sources that take files; the registry is read only for that."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.epilog = "\n\n".join(_taking())
        super().format_help(ctx, formatter)


def _taking() -> list[str]:
    """The sources that take files, and what these are."""
    return [f"{source.name}: {source.files.about}" for source in registry().values() if source.files]


def _source(name: str) -> Source:
    """The source of this name.

    Raises:
        NotKnown: there is none, or it takes no files.
    """
    source = registry().get(name)
    if source is None or source.files is None:
        problem = f"There is no source {name!r}" if source is None else f"{name} takes no files"
        raise NotKnown(f"{problem}. These take files: {'; '.join(_taking())}.")
    return source


@app.command(name="import", cls=_Import)
def run_import(
    source: Annotated[str, typer.Argument(help="The source that the files are for: see below.")],
    files: Annotated[list[Path], typer.Argument(help="Files, packed with gzip or not.", metavar="FILE…")],
    areas: Annotated[str | None, typer.Option(help="The area set that they are of, as `gans areas list` has it.")] = None,
    complete_to: Annotated[
        datetime | None,
        typer.Option(help="The last day that is counted whole, where the file does not say.", formats=["%Y-%m-%d"]),
    ] = None,
    simulated: Annotated[
        bool | None,
        typer.Option("--simulated/--not-simulated", help="Whether it is simulated; else a name with `simulated` in it says so."),
    ] = None,
    json: Json = False,
) -> None:
    """Land files of your own as captures of a source, and load them: the ledger, the rejects and `gans replay` know them.

    A file that is imported again changes nothing; one that begins where the last ended adds its days. A file that is not whole,
    or not of this source, is refused before anything is landed. A line that cannot be read costs only itself, and stands in the
    table `rejects`.

    gans import area_counts trips.csv.gz --areas chicago
    """
    found = _source(source)
    options = ImportOptions(areas=areas, is_simulated=simulated, complete_to=complete_to.date() if complete_to else None)
    pipeline = open_pipeline(Use.UPSTREAMS)
    done: list[dict[str, object]] = []
    statuses: list[str] = []
    for path in files:
        try:
            with progress(f"land {path.name}") as on_progress:
                imported = pipeline.import_file(found, path, options, on_progress)
        except GansError:
            if done and not json:
                err.print(f"Of the files before {plain(path.name)}, all is loaded; those after it were not looked at.")
            raise
        loaded = []
        with progress(f"load {path.name}") as on_progress:
            for number, key in enumerate(imported.parts, 1):
                loaded.append(pipeline.load(key))
                on_progress(number, len(imported.parts))
        statuses += [part.status for part in loaded]
        done.append(_as_dict(found, imported, loaded))
        if not json:
            _show(imported, loaded)
    if json:
        as_json(done)
    raise typer.Exit(exit_code(statuses))


def _as_dict(source: Source, imported: "Imported", loaded: "list[Loaded]") -> dict[str, object]:
    return {
        "source": source.name,
        "file": imported.file,
        "notes": imported.notes,
        "rows": _rows(loaded),
        "rejected": sum(part.rejected for part in loaded),
        "error": next((part.error for part in loaded if part.error), ""),
        "parts": imported.parts,
    }


def _rows(loaded: "list[Loaded]") -> dict[str, int]:
    tables = {name for part in loaded for name in part.rows}
    return {name: sum(part.rows.get(name, 0) for part in loaded) for name in sorted(tables)}


def _show(imported: "Imported", loaded: "list[Loaded]") -> None:
    rows = ", ".join(f"{number:,} {name}" for name, number in _rows(loaded).items()) or "no rows"
    rejected = sum(part.rejected for part in loaded)
    out.print(f"{plain(imported.file)}: {rows}{f', {rejected:,} refused' if rejected else ''}")
    for note in imported.notes:
        out.print(f"  {plain(note)}")
    if rejected:
        first = next(part for part in loaded if part.rejected)
        out.print(f"  [yellow]refused[/]: {plain(first.error)}")
        query = (
            f"SELECT unit, reason, item FROM rejects WHERE source = '{first.key.source}' ORDER BY attempt_at DESC, part, ordinal"
        )
        out.print(f'  all of them: gans db shell "{query}"', markup=False)
