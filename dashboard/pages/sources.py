"""The page *Pipeline*: is every source fresh, what ran last, what was rejected and why."""

from typing import Any

import streamlit as st

from dashboard.database import engine, show_errors
from gans.clock import utc_now
from gans.reading import freshness

MOST = 100


@st.fragment(run_every="60s")
@show_errors
def page() -> None:
    """Draws the page, and again every minute."""
    now = utc_now()
    found = freshness.sources(engine())
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
    st.dataframe(freshness.newest_runs(engine(), MOST))
    st.subheader("Refused", anchor=False)
    refused = freshness.newest_rejects(engine(), MOST)
    if refused:
        st.dataframe(refused)
    else:
        st.markdown("Nothing was refused.")


def _named(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "source"}
