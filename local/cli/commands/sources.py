"""The sources: sources, sources new."""

from pathlib import Path
from typing import Annotated

import typer

from gans.source import CollectedSource, Source
from gans.sources import registry
from local.cli.context import Json
from local.console import as_json, line, out

app = typer.Typer(help="The sources: what is collected, from whom, how often.", invoke_without_command=True)


@app.callback()
def sources(context: typer.Context, json: Json = False) -> None:
    """List the sources: what is collected, from whom, how often, under which licence."""
    if context.invoked_subcommand:
        return
    found = registry().values()
    if json:
        as_json([_as_dict(source) for source in found])
        return
    for source in found:
        when, key = "files (gans import)", ""
        if isinstance(source, CollectedSource):
            when = str(source.schedule)
            key = f", {source.secret.setting}{'' if source.secret.is_required else ' (optional)'}" if source.secret else ""
        line(f"[bold]{source.name:<17}[/] ", f"{source.provider}, {when}, {source.licence}{key}")
        line(f"{'':<18}", f"{', '.join(source.reads) or 'nothing'} → {', '.join(source.writes)}")


def _as_dict(source: Source) -> dict[str, object]:
    """What is to be known of a source; one that only takes files has no schedule."""
    return {
        **{key: getattr(source, key) for key in ("name", "provider", "docs", "licence", "reads", "writes")},
        "schedule": str(source.schedule) if isinstance(source, CollectedSource) else None,
        "takes_files": source.files is not None,
    }


@app.command("new")
def sources_new(name: Annotated[str, typer.Argument(help="A name in snake_case; also the module's and the table's.")]) -> None:
    """Write a new source with its table, its migration and its tests, ready to be edited."""
    from local.scaffold import scaffold, trial

    for path in scaffold(name, Path.cwd()):
        out.print(f"Wrote {path}")
    out.print("It works as it stands. Try it, then edit it (`make schema` also installs what the tests need):")
    out.print(f"  make schema\n  .venv/bin/pytest --databases sqlite -k {name}\n  gans db upgrade")
    out.print("The whole way without the upstream, whose answer a server on this machine gives, in a landing of its own:")
    for command in trial(name):
        out.print(f"  {command}", markup=False)
