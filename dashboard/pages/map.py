"""The page *Map*: every station by what it lacks, the spots for the scooters in the truck, now or in any past hour."""

from datetime import date, datetime, time, timedelta
from html import escape
from typing import Final

import streamlit as st

from dashboard.database import engine, show_errors
from dashboard.layers import DARK, LIGHT, deck, legend
from gans.clock import utc_now
from gans.decisions import placement
from gans.decisions.placement import STATUS_OLD, WALK_M, Placement, PlacementRequest, Spot, geojson
from gans.errors import NotReady
from gans.lifecycle.propose import propose
from gans.reading import stations
from gans.reading.stations import System, SystemState

NOW, PAST = "Now", "Past hour"
MAP_PX: Final = 560
MOST_WANTED: Final = 15
_NO_SYSTEM: Final = """\
**No shared-mobility system is watched yet.** Watch one, by its GBFS address or by its id in MobilityData's catalogue, and ask it:

```sh
gans watch add-system oslo https://gbfs.urbansharing.com/oslobysykkel.no/gbfs.json
gans collect stations station_status
gans schedule        # every minute from then on
```
"""


@st.cache_data(ttl=timedelta(seconds=20), show_spinner=False)
def _current(system_id: str) -> SystemState:
    return stations.current(engine(), system_id)


@st.cache_data(ttl=timedelta(hours=1), max_entries=100, show_spinner=False)
def _past(system_id: str, hour_at: datetime) -> SystemState:
    return stations.past(engine(), system_id, hour_at)


@st.cache_data(ttl=timedelta(seconds=20), show_spinner=False)
def _placement(system_id: str, request: PlacementRequest) -> Placement | None:
    """What is proposed now; None where there is nothing yet to go by."""
    try:
        answer: Placement = propose(engine(), placement.decision, system_id, request, utc_now()).answer
    except NotReady:
        return None
    return answer


@st.fragment(run_every="60s")
@show_errors
def page() -> None:
    """Draws the page, and again every minute."""
    systems = stations.systems(engine())
    if not systems:
        st.markdown(_NO_SYSTEM)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        system = st.selectbox("System", systems, format_func=lambda one: one.label, key="system", width=360)
        moment = st.segmented_control("When", (NOW, PAST), default=NOW, required=True, key="when", width="content")
        with st.popover("Truck", icon=":material/local_shipping:", width="content"):
            scooters = st.slider("Scooters in the truck", 0, 200, 40, key="scooters")
            walk_m = st.slider("How far riders walk, m", 100, 1000, round(WALK_M), 50, key="walk")
    is_past = moment == PAST
    state = _chosen_hour(system) if is_past else _current(system.system_id)
    if state is None or not state.stations:
        _nothing(state, is_past=is_past)
        return
    _summary(state, system, is_past=is_past)
    proposed = None if is_past else _placement(system.system_id, PlacementRequest(scooters=scooters, walk_m=walk_m))
    spots = proposed.spots if proposed else []
    drawn, listed = st.columns((5, 3))
    palette = DARK if st.context.theme.type == "dark" else LIGHT
    with drawn:
        is_phone = st.context.headers.get("Sec-CH-UA-Mobile") == "?1" or "Mobile" in st.context.headers.get("User-Agent", "")
        width_px = 330 if is_phone else MAP_PX - 90
        st.pydeck_chart(deck(state.stations, spots, palette, width_px), height=MAP_PX, key=f"map-{system.system_id}")
        st.html(legend(palette))
    with listed:
        if is_past:
            _most_wanted(state)
        else:
            _list(spots, scooters, state, system)


def _chosen_hour(system: System) -> SystemState | None:
    """The system in the hour that is chosen; None where no hour is known."""
    known = stations.hours(engine(), system.system_id)
    if known is None:
        return None
    zone = system.zone
    first, last = (hour.astimezone(zone) for hour in known)
    day, hour = st.columns((1, 3), vertical_alignment="bottom")
    on: date = day.date_input("Day", last.date(), first.date(), last.date(), key=f"day-{system.system_id}")
    begins = hour.slider("Hour", 0, 23, last.hour, format="%02d:00", key=f"hour-{system.system_id}")
    return _past(system.system_id, datetime.combine(on, time(begins), zone))


def _nothing(state: SystemState | None, *, is_past: bool) -> None:
    if state is None:
        st.info("No past hour is known yet: `gans archive` makes them from what was collected, hour by hour.")
    elif is_past:
        st.info("Nothing was collected in this hour.")
    else:
        st.info("No station is known yet: `gans collect stations station_status` asks now.")


def _summary(state: SystemState, system: System, *, is_past: bool) -> None:
    """The age of the data first, then what it says in a line."""
    zone = system.zone
    if is_past:
        assert state.at is not None
        begins = state.at.astimezone(zone)
        age = f":blue-badge[:material/history: {begins:%A %d %B %Y, %H:%M} to {begins + timedelta(hours=1):%H:%M}]"
    elif state.at is None:
        age = ":red-badge[:material/sync_problem: no status yet: `gans collect station_status`]"
    else:
        seconds = max((utc_now() - state.at).total_seconds(), 0)
        old = seconds > STATUS_OLD.total_seconds()
        ago = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
        icon = "sync_problem" if old else "schedule"
        age = f":{'red' if old else 'green'}-badge[:material/{icon}: {state.at.astimezone(zone):%a %H:%M:%S}, {ago} ago]"
        if old:
            age += " :red[The collector has stopped, or the system does not answer: `gans status`.]"
        elif state.is_stale:
            age += " :orange[The system's own clock says that this is old.]"
    empty, full = (sum(getattr(station, name) for station in state.stations) for name in ("is_empty", "is_full"))
    what, find = ("stood empty for half an hour or longer", "found") if is_past else ("empty", "will find")
    st.markdown(
        f"{age}  \n**{len(state.stations):,}** stations, **{empty:,}** {what}, **{full:,}** full. "
        f"About **{state.deficit:,.0f}** riders of the hour {find} no vehicle."
    )


def _most_wanted(state: SystemState) -> None:
    """The stations of a past hour at which most riders found no vehicle: proposals are for now alone."""
    short = sorted((one for one in state.stations if one.deficit), key=lambda one: (-(one.deficit or 0), one.station_id))
    if not short:
        st.markdown("Everybody found a vehicle.")
        return
    st.markdown("**Where most riders found none**")
    items = "".join(
        f"<li><b>{escape(one.name)}</b>: {one.deficit:.1f} riders, {one.minutes_empty} min without a vehicle</li>"
        for one in short[:MOST_WANTED]
    )
    st.html(f'<ol style="padding-left:1.6em;margin:0">{items}</ol>')


def _list(spots: list[Spot], scooters: int, state: SystemState, system: System) -> None:
    """The spots in words, for the crew."""
    placed = sum(spot.scooters for spot in spots)
    riders = sum(spot.riders for spot in spots)
    if not spots:
        st.markdown("Nobody is short of a vehicle: there is nothing to place." if scooters else "The truck is empty.")
        return
    enough = f" {placed} of {scooters} are enough: the others would find no rider." if placed < scooters else ""
    where = "one spot" if len(spots) == 1 else f"{len(spots)} spots"
    st.markdown(f"**Put {placed} scooters at {where}** for about {riders:.0f} riders.{enough}")
    items = "".join(
        f'<li style="margin:0 0 .7em"><b>{spot.scooters}</b> near <b>{escape(spot.near)}</b> ({spot.near_m:.0f} m), '
        f"about {spot.riders:.1f} riders<br><small>{escape(spot.reason)}"
        f"<br>{spot.latitude:.5f}, {spot.longitude:.5f}</small></li>"
        for spot in spots
    )
    with st.container(height=MAP_PX - 90, border=False):
        st.html(f'<ol style="padding-left:1.6em;margin:0">{items}</ol>')
    assert state.at is not None
    st.download_button(
        "GeoJSON for the phones",
        geojson(spots, state.at),
        f"{system.system_id}-spots.geojson",
        "application/geo+json",
        icon=":material/download:",
    )
