"""The page *Data*: the questions that people ask of the database, with the SQL that answers them, to be read and changed."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import Any, Final

import streamlit as st
from sqlalchemy.exc import DBAPIError

from dashboard.database import QUERY_S, engine, show_errors
from gans.reading.queries import queries, query

MOST_ROWS: Final = 1_000


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
    try:
        columns, rows, took_s = _answer(sql)
    except DBAPIError as error:
        st.error(f"{error.orig}", icon=":material/error:")
        st.caption(f"A query may only read, and take {QUERY_S:g} s at most.")
        return
    is_cut = len(rows) > MOST_ROWS
    shown = rows[:MOST_ROWS]
    st.markdown(f"**{len(shown):,}** rows{', the first of more: add a LIMIT, or aggregate' if is_cut else ''}, in {took_s:.2f} s")
    st.dataframe([dict(zip(_unique(columns), row, strict=True)) for row in shown])
    st.download_button(
        "CSV", _csv(columns, shown), f"{chosen.name}.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )


@st.cache_data(ttl=timedelta(minutes=1), max_entries=50, show_spinner="Asking the database …")
def _answer(sql: str) -> tuple[list[str], list[tuple[Any, ...]], float]:
    """The columns and rows, one more than are shown where there are more, and how long it took."""
    began = monotonic()
    columns, rows = query(engine(), sql, MOST_ROWS + 1)
    return columns, [tuple(row) for row in rows], monotonic() - began


def _unique(columns: Sequence[str]) -> list[str]:
    """The names of the columns, with a number where one comes again."""
    return [name if name not in columns[:index] else f"{name} ({index + 1})" for index, name in enumerate(columns)]


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
