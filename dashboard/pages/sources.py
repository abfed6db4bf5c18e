"""The page *Pipeline*: is every source fresh, what ran last, what was rejected and why."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import streamlit as st

from dashboard.database import engine, show_errors
from dashboard.text import plain
from gans.clock import utc_now
from gans.reading import freshness, stations

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
    simulated = stations.is_simulated(engine())
    late = [] if simulated else [row["source"] for row in found if not row["stale_at"] or row["stale_at"] <= now]
    if simulated:
        newest = max(row["last_slot_at"] for row in found)
        st.markdown(f":blue-badge[:material/science: simulated, as of {newest:%Y-%m-%d %H:%M}]")
    elif late:
        st.markdown(f":red-badge[:material/sync_problem: {len(late)} of {len(found)} sources are late] {plain(', '.join(late))}")
    else:
        st.markdown(f":green-badge[:material/check: all {len(found)} sources are fresh]")
    st.caption(f"All times UTC; read {now:%H:%M:%S}.")
    st.subheader("Sources", anchor=False)
    st.dataframe([{"source": row["source"], "data": _state(row, late, simulated), **_shown(row)} for row in found])
    st.subheader("Last runs", anchor=False)
    st.dataframe([_shown(row) for row in freshness.newest_runs(engine(), MOST)])
    st.subheader("Refused", anchor=False)
    refused = freshness.newest_rejects(engine(), MOST)
    if refused:
        st.dataframe([_shown(row) for row in refused])
    else:
        st.markdown("Nothing was refused.")


def _state(row: Mapping[str, Any], late: Collection[str], simulated: bool | None) -> str:
    return "simulated" if simulated else "late" if row["source"] in late else "fresh"


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without the zone, which the page says once, and with nothing for what is not there."""
    plain = {name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in row.items()}
    return {name: "" if value is None and name == "error" else value for name, value in plain.items()}
