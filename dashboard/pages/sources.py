"""The page *Pipeline*: is every source fresh, what ran last, what was refused and why."""

from typing import Any

import streamlit as st
from sqlalchemy import column, select, table

from dashboard.database import rows, show_errors
from gans.clock import utc_now
from gans.tables import Instant, collection_runs, rejects

MOST = 100
_freshness = table(
    "source_freshness",
    *(column(name, Instant) for name in ("last_slot_at", "last_good_slot_at", "stale_at")),
    *(column(name) for name in ("source", "runs", "failed_runs", "rows_offered", "rows_rejected")),
)


@st.fragment(run_every="60s")
@show_errors
def page() -> None:
    """Draws the page, and again every minute."""
    now = utc_now()
    found = rows(select(_freshness).order_by(_freshness.c.source))
    if not found:
        st.info("Nothing has run yet: `gans collect` asks the upstreams once, `gans schedule` keeps asking.")
        return
    late = [row["source"] for row in found if not row["stale_at"] or row["stale_at"] <= now]
    if late:
        st.markdown(f":red-badge[:material/sync_problem: {len(late)} of {len(found)} sources are late] {', '.join(late)}")
    else:
        st.markdown(f":green-badge[:material/check: all {len(found)} sources are fresh]")
    st.caption(f"All times UTC; read {now:%H:%M:%S}.")
    st.subheader("Sources", anchor=False)
    st.dataframe(
        [{"source": row["source"], "data": "late" if row["source"] in late else "fresh", **_named(row)} for row in found]
    )
    st.subheader("Last runs", anchor=False)
    runs = collection_runs.c
    query = select(runs.slot_at, runs.source, runs.status, runs.rows_offered, runs.rows_rejected, runs.error)
    st.dataframe(rows(query.order_by(runs.slot_at.desc(), runs.source).limit(MOST)))
    st.subheader("Refused", anchor=False)
    refused = rows(select(rejects).order_by(rejects.c.attempt_at.desc()).limit(MOST))
    if refused:
        st.dataframe(refused)
    else:
        st.markdown("Nothing was refused.")


def _named(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "source"}
