"""A small SQL prompt on whatever database is configured, for when no client is at hand. It only reads."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Inspector, inspect
from sqlalchemy.exc import DBAPIError

from gans.database.engine import open_reader
from gans.errors import Refused
from gans.reading.answer import Limits
from gans.reading.ask import Answer, ask
from gans.settings import Settings
from gans.tables import metadata
from local.console import as_json, count, err, out, plain, table

MAX_ROWS: Final = 200
LIMITS: Final = Limits(rows=100_000, bytes=64 << 20, seconds=300)
SCHEMA: Final = ["table", "column", "type", "meaning"]
HELP: Final = """A query ends with ;  Leave with Ctrl-D or .quit.
.tables      the tables and views
.schema X    the columns of one of them; without X, of all
.help        this"""

_PIECES: Final = (
    r"'(?:[^']|'')*'", r'"(?:[^"]|"")*"', r"`[^`]*`", r"--[^\n]*", r"/\*.*?\*/", r"[^;'\"`/-]", r"-(?!-)", r"/(?!\*)",
)  # fmt: skip
_STATEMENT: Final = re.compile(f"(?>(?:{'|'.join(_PIECES)})*);", re.DOTALL)
_COMMENT: Final = re.compile(r"\s*(--[^\n]*(\n|\Z)|/\*.*?\*/)", re.DOTALL)


def statements(sql: str) -> tuple[list[str], str]:
    """The statements of a text, without their `;` and the comments in front of them, and what follows the last `;`."""
    found, end = [], 0
    while one := _STATEMENT.match(sql, end):
        found.append(_bare(one[0][:-1]))
        end = one.end()
    return [one for one in found if one], sql[end:] if _bare(sql[end:]) else ""


def _bare(sql: str) -> str:
    while comment := _COMMENT.match(sql):
        sql = sql[comment.end() :]
    return sql.strip()


def run(settings: Settings, sql: str, json: bool) -> None:
    """Answers each statement and command of a text, one after the other, until one is refused.

    Raises:
        Refused: a statement may not run, or the database refuses it, and why.
        DBAPIError: it is away.
    """
    answers = []
    for one in _split(sql):
        try:
            answers.append(_answer(settings, one))
        except EOFError:
            break
        if not json:
            _show_answer(answers[-1])
        elif answers[-1].is_cut:
            raise Refused(f"The answer has more than {LIMITS.rows:,} rows. Add a LIMIT, or aggregate.")
    if json:
        lists = [[dict(zip(answer.columns, row, strict=True)) for row in answer.rows] for answer in answers]
        as_json(lists[0] if len(lists) == 1 else lists)


def _split(sql: str) -> Iterator[str]:
    """The statements, and the commands, which begin a line with a dot."""
    rest = ""
    for line in sql.splitlines(keepends=True):
        if not rest and _is_command(line):
            yield line.strip()
            continue
        found, rest = statements(rest + line)
        yield from found
    if rest:
        yield _bare(rest)


def _answer(settings: Settings, one: str) -> Answer:
    if not _is_command(one):
        return ask(settings, one, LIMITS)
    name, _, argument = one.strip().rstrip(";").lstrip(".").partition(" ")
    if name not in _COMMANDS:
        return Answer([""], [(f"There is no .{name}.",), *((line,) for line in HELP.splitlines())])
    return _COMMANDS[name](settings, argument.strip())


def _is_command(line: str) -> bool:
    return line.lstrip().startswith(".") or line.strip().rstrip(";").lower() in ("help", "quit", "exit")


def _tables(settings: Settings, _: str) -> Answer:
    with _inspected(settings) as found:
        names = [(name, "table") for name in found.get_table_names()] + [(name, "view") for name in found.get_view_names()]
    return Answer(["name", "kind"], sorted(names))


def _schema(settings: Settings, name: str) -> Answer:
    """The columns of a table or view, with what is known of them."""
    columns = []
    with _inspected(settings) as found:
        names = [one for one in (*found.get_table_names(), *found.get_view_names()) if name.lower() in ("", one.lower())]
        for one in names:
            comments = {c.name: c.comment for c in metadata.tables[one].columns} if one in metadata.tables else {}
            columns += [(one, c["name"], str(c["type"]), comments.get(c["name"]) or "") for c in found.get_columns(one)]
    if not names:
        return Answer([""], [(f"There is no table or view {name!r}; .tables lists them.",)])
    return Answer(SCHEMA, columns)


@contextmanager
def _inspected(settings: Settings) -> Iterator[Inspector]:
    engine = open_reader(settings.for_people())
    try:
        yield inspect(engine)
    finally:
        engine.dispose()


def _help(_: Settings, __: str) -> Answer:
    return Answer([""], [(line,) for line in HELP.splitlines()])


def _quit(_: Settings, __: str) -> Answer:
    raise EOFError


_COMMANDS: Final[Mapping[str, Callable[[Settings, str], Answer]]] = {
    "tables": _tables,
    "schema": _schema,
    "help": _help,
    "quit": _quit,
    "exit": _quit,
}


def _show_answer(answer: Answer) -> None:
    columns, rows = answer.columns, answer.rows
    if columns == [""]:
        for (line,) in rows:
            out.print(plain(line))
    elif columns == SCHEMA:
        table(columns, ([plain(value) for value in row] for row in rows))  # the meaning goes on in a next line
    elif columns:
        show(columns, rows, is_cut=answer.is_cut)


def show(columns: list[str], rows: Sequence[Sequence[Any]], *, is_cut: bool = False) -> None:
    """The first rows as a table; one value a line where the terminal is too narrow for that."""
    cells = [[plain("" if value is None else value) for value in row] for row in rows[:MAX_ROWS]]
    widths = [max(len(text) for text in column) for column in zip(columns, *cells, strict=True)]
    if sum(widths) + 2 * len(widths) - 2 <= out.width or not rows:
        table(columns, cells)
    else:
        for number, row in enumerate(cells, 1):
            out.print(f"[dim]── {number}[/]")
            for name, value in zip(columns, row, strict=True):
                out.print(f"[bold]{plain(name):<{max(map(len, columns))}}[/]  {value}")
    found = f"more than {len(rows):,} rows" if is_cut else count(len(rows), "row")
    out.print(f"[dim]{found}{f', the first {MAX_ROWS} shown' if len(rows) > MAX_ROWS else ''}[/]")


def prompt(settings: Settings) -> None:
    """Reads statements up to their `;` and answers them, until the end of input."""
    with _inspected(settings) as inspector:
        kind = inspector.dialect.name
    out.print(f"{kind}. End a query with ;  Leave with Ctrl-D.  .help says more.  Try: SELECT * FROM source_freshness;")
    rest = ""
    while True:
        try:
            line = input("   … " if rest else "sql> ")
            if not rest and _is_command(line):
                found = [line]
            else:
                found, rest = statements(f"{rest}{line}\n")
            for one in found:
                try:
                    _show_answer(_answer(settings, one))
                except (Refused, DBAPIError) as error:
                    err.print(f"[red]{plain(getattr(error, 'orig', None) or error)}[/]")
        except EOFError:
            return
        except KeyboardInterrupt:
            rest = ""
            out.print()
