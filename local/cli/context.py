"""What all commands share: their common options, the settings and the pipeline."""

import codecs
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from dotenv import dotenv_values
from dotenv.parser import parse_stream

from gans.errors import ConfigError, NotKnown
from gans.settings import Settings, read_settings, redacted
from gans.source import CollectedSource, Source
from local.console import err, plain

if TYPE_CHECKING:
    from local.pipeline import Pipeline

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


Names = Annotated[list[str] | None, typer.Argument(help="Sources; all of them when none is named.", metavar="SOURCE")]


SINCE = typer.Option(None, "--from", help="First slot, like 2026-11-01 or 2026-11-01T03:00 (UTC).")


UNTIL = typer.Option(None, "--to", help="Last slot, included; a day alone means all of it.")


def environment() -> dict[str, str]:
    """The environment over `.env` of the current folder.

    Raises:
        ConfigError: `.env` is in an encoding that cannot be told, or a line of it sets nothing.
    """
    file = Path(".env")
    text = _decoded(file.read_bytes()) if file.is_file() else ""
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            told = binding.original.string  # with the blank lines before it
            line = binding.original.line + told[: len(told) - len(told.lstrip())].count("\n")
            raise ConfigError(f"Line {line} of .env cannot be read: write NAME=value, or # in front of what is no setting.")
    return {**{name: value or "" for name, value in dotenv_values(stream=StringIO(text)).items()}, **os.environ}


def _decoded(data: bytes) -> str:
    """The text of `.env`: UTF-8, or UTF-16 with its mark, as PowerShell writes it."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            f".env is not in UTF-8 (line {line}), but in Windows-1252 or the like, perhaps. Save it as UTF-8."
        ) from None
    if "\0" in text:
        raise ConfigError(".env is not in UTF-8, but in UTF-16 without its mark, perhaps. Save it as UTF-8.")
    return text


def configured_settings() -> Settings:
    """The settings that hold here.

    Raises:
        ConfigError: one of them is wrong.
    """
    return read_settings(environment())


class Use(Enum):
    """What a command does with the pipeline: each does what those before it do."""

    DATABASE, LANDING, UPSTREAMS = range(3)


def open_pipeline(use: Use = Use.LANDING) -> "Pipeline":
    """The pipeline on the configured landing and database, which is set up where it is new.

    Raises:
        ConfigError: a setting is wrong, or the landing, the database and the upstreams do not belong together.
    """
    from local.pipeline import Pipeline

    pipeline = Pipeline(configured_settings())
    if pipeline.prepare():
        err.print(f"Set up the new database {plain(redacted(pipeline.settings.database_url))}.")
    if use is not Use.DATABASE:
        pipeline.agree(asks=use is Use.UPSTREAMS)
    return pipeline


S = TypeVar("S", bound=Source)


def choose_sources(sources: dict[str, S], names: list[str] | None) -> list[S]:
    """The named sources, in the order of what needs what."""
    if unknown := sorted(set(names or ()) - set(sources)):
        raise NotKnown(f"There is no source {', '.join(unknown)}. Known: {', '.join(sources)}.")
    return [source for source in sources.values() if not names or source.name in names]


def sources_with_keys(pipeline: "Pipeline", names: list[str] | None) -> list[CollectedSource]:
    """The chosen sources that have the key they need; one that was not named is skipped without it, and that is said."""
    ready = []
    for source in choose_sources(pipeline.asked(), names):
        try:
            pipeline.settings.key(source.secret)
        except ConfigError as error:
            if names:
                raise
            err.print(f"  {source.name:<17} [yellow]skipped[/]: {plain(error)}")
        else:
            ready.append(source)
    return ready


def exit_code(statuses: Iterable[str]) -> int:
    """0 where every run was good, else 1."""
    return 0 if set(statuses) <= {"ok", "not_modified"} else 1


def end_of(until: datetime | None) -> datetime | None:
    """The last slot that `--to` names."""
    end = until.replace(hour=23, minute=59, second=59) if until and (until.hour, until.minute) == (0, 0) else until
    return end and end.replace(tzinfo=UTC)
