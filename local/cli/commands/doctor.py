"""What is configured, and which version this is: doctor, version."""

import typer

from gans import __version__
from local.cli.context import Json, configured_settings
from local.console import as_json, line, out, plain

app = typer.Typer()


@app.command(name="doctor")
def run_doctor(json: Json = False) -> None:
    """What is configured, what is missing, and where it was looked for. Asks no upstream."""
    from local import doctor

    findings = list(doctor.examine(configured_settings()))
    if json:
        as_json(findings)
    else:
        marks = {"ok": "[green]✓[/]", "note": "[yellow]•[/]", "wrong": "[red]✗[/]"}
        for finding in findings:
            line(f"{marks[finding.verdict]} {finding.what:<17} ", plain(finding.message))
    raise typer.Exit(2 if any(finding.verdict == "wrong" for finding in findings) else 0)


@app.command()
def version() -> None:
    """The version of Gans."""
    out.print(__version__)
