"""The page *Data*: the questions that people ask of the database, with the SQL that answers them, to be read and changed."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import Any, Final

import streamlit as st

from dashboard.database import engine, settings, show_errors
from dashboard.text import plain
from gans.errors import Refused
from gans.reading.answer import Limits
from gans.reading.ask import Answer, ask
from gans.reading.queries import queries

LIMITS: Final = Limits(rows=1_000, bytes=4 << 20, seconds=20)


@show_errors
def page() -> None:
    """Draws the page."""
    known = queries()
    chosen = st.selectbox("Question", known, format_func=lambda one: one.question, key="question")
    if chosen.note:
        st.caption(chosen.note)
    lines = min(max(chosen.sql.count("\n") + 2, 8), 24)
    sql = st.text_area("SQL", chosen.sql, height=lines * 24, key=f"sql-{chosen.name}")
    st.button("Run", icon=":material/play_arrow:", help="Or Ctrl+Enter in the text")  # to leave the text is to run it
    if not sql.strip():
        st.info("Write a query, or choose another question.")
        return
    engine()  # a database that these pages cannot read is told of as on the others
    try:
        answer, took_s = _answer(sql)
    except Refused as error:
        st.error(plain(error), icon=":material/error:")
        return
    columns, rows = answer.columns, answer.rows
    more = ", the first of more: add a LIMIT, or aggregate" if answer.is_cut else ""
    st.markdown(f"**{len(rows):,}** rows{more}, in {took_s:.2f} s")
    st.dataframe([dict(zip(_unique(columns), row, strict=True)) for row in rows])
    st.download_button(
        "CSV", _csv(columns, rows), f"{chosen.name}.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )


@st.cache_data(ttl=timedelta(minutes=1), max_entries=20, show_spinner="Asking the database …")
def _answer(sql: str) -> tuple[Answer, float]:
    """The answer, and how long it took."""
    began = monotonic()
    return ask(settings(), sql, LIMITS), monotonic() - began


def _unique(columns: Sequence[str]) -> list[str]:
    """The names of the columns, with a number where one comes again."""
    return [name if name not in columns[:index] else f"{name} ({index + 1})" for index, name in enumerate(columns)]


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_defused(cell) for cell in row] for row in (columns, *rows))
    return text.getvalue().encode()


_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def _defused(cell: Any) -> Any:
    """A cell that a spreadsheet shows and does not run: `'` in front of a text that begins like a formula, and is no number.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    runs = isinstance(cell, str) and cell.lstrip(" \n").startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    return f"'{cell}" if runs and not _NUMBER.fullmatch(cell) else cell
