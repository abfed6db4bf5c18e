"""The page *Map*: every station by what it lacks, the spots for the scooters in the truck, now or in any past hour."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import Final

import streamlit as st
from msgspec import structs

from dashboard.database import engine, show_errors
from dashboard.layers import DARK, LIGHT, deck, legend
from dashboard.text import plain
from gans.clock import utc_now
from gans.decisions import placement
from gans.decisions.placement import STATUS_OLD, WALK_M, Placement, PlacementRequest, geojson
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


@st.cache_data(ttl=timedelta(seconds=20), show_spinner=False, hash_funcs={PlacementRequest: structs.astuple})
def _placement(system_id: str, request: PlacementRequest, *, even_if_old: bool) -> Placement | str:
    """What is proposed now, or why nothing is."""
    try:
        proposed = propose(engine(), placement.decision, system_id, request, utc_now(), even_if_old=even_if_old)
    except NotReady as error:
        return str(error)
    answer: Placement = proposed.answer
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
        largest = max(range(len(systems)), key=lambda number: systems[number].stations)
        system = st.selectbox("System", systems, largest, format_func=lambda one: one.label, key="system", width=360)
        is_past = st.segmented_control("When", (NOW, PAST), default=NOW, required=True, key="when", width="content") == PAST
        request = None if is_past else _request()
    is_simulated = stations.is_simulated(engine()) is True
    state = _chosen_hour(system) if is_past else _current(system.system_id)
    if state is None or not state.stations:
        _nothing(state, is_past=is_past)
        return
    _summary(state, system, is_past=is_past, is_simulated=is_simulated)
    proposed = request and _placement(system.system_id, request, even_if_old=is_simulated)
    spots = proposed.spots if isinstance(proposed, Placement) else []
    drawn, listed = st.columns((5, 3))
    palette = DARK if st.context.theme.type == "dark" else LIGHT
    with drawn:
        width_px, height_px = (290, 400) if _is_phone() else (MAP_PX - 150, MAP_PX)
        st.pydeck_chart(
            deck(state.stations, spots, palette, width_px, request.walk_m if request else WALK_M),
            height=height_px,
            key=f"map-{system.system_id}",
        )
        st.html(legend(palette, with_stops=bool(spots)))
    with listed:
        if proposed is None:
            _most_wanted(state)
        elif isinstance(proposed, Placement):
            _list(proposed, state, system)
        else:
            st.info(plain(proposed))


def _is_phone() -> bool:
    headers = st.context.headers
    return headers.get("Sec-CH-UA-Mobile") == "?1" or "Mobile" in headers.get("User-Agent", "")


def _request() -> PlacementRequest:
    """What the crew has, by the widgets."""
    usual = PlacementRequest(scooters=40)
    with st.popover("Truck", icon=":material/local_shipping:", width="content"):
        return PlacementRequest(
            scooters=st.slider("Scooters in the truck", 0, 200, usual.scooters, key="scooters"),
            stops=st.slider("Stops at most", 1, 60, usual.stops, key="stops"),
            min_load=st.slider("Scooters for a stop at least", 1, 20, usual.min_load, key="min_load"),
            stop_minutes=st.slider("Minutes of a stop", 0.0, 30.0, usual.stop_minutes, 0.5, key="stop_minutes"),
            min_riders=st.slider("Riders for a scooter at least", 0.0, 1.0, usual.min_riders, 0.05, key="min_riders"),
            walk_m=st.slider("How far riders walk, m", 100, 1000, round(usual.walk_m), 50, key="walk"),
        )


def _chosen_hour(system: System) -> SystemState | None:
    """The system in the hour that is chosen; None where no hour is known."""
    known = stations.hours(engine(), system.system_id)
    if known is None:
        return None
    first, last = (hour.astimezone(system.zone).date() for hour in known)
    day, hour = st.columns((1, 3), vertical_alignment="bottom")
    on: date = day.date_input("Day", last, first, last, key=f"day-{system.system_id}")
    hours = stations.hours_of(engine(), system, on)
    if not hours:
        return SystemState(known[1], None, False, [])
    chosen = hours[-1]
    if len(hours) > 1:
        names = _names(hours, system)
        chosen = hour.select_slider("Hour", hours, chosen, format_func=names.__getitem__, key=f"hour-{system.system_id}-{on}")
    return _past(system.system_id, chosen)


def _names(hours: Sequence[datetime], system: System) -> dict[datetime, str]:
    """When each begins, local time; with the zone where a clock that is put back has it twice."""
    local = {hour: hour.astimezone(system.zone) for hour in hours}
    shown = [f"{begins:%H:%M}" for begins in local.values()]
    return {hour: f"{at:%H:%M %Z}" if shown.count(f"{at:%H:%M}") > 1 else f"{at:%H:%M}" for hour, at in local.items()}


def _nothing(state: SystemState | None, *, is_past: bool) -> None:
    if state is None:
        st.info("No past hour is known yet: `gans archive` makes them from what was collected, hour by hour.")
    elif is_past:
        st.info("Nothing was collected on this day.")
    else:
        st.info("No station is known yet: `gans collect stations station_status` asks now.")


def _summary(state: SystemState, system: System, *, is_past: bool, is_simulated: bool) -> None:
    """The age of the data first, then what it says in a line."""
    zone = system.zone
    if is_past:
        assert state.at is not None
        begins = state.at.astimezone(zone)
        age = f":blue-badge[:material/history: {begins:%A %d %B %Y, %H:%M} to {begins + timedelta(hours=1):%H:%M}]"
    elif state.at is None:
        age = ":red-badge[:material/sync_problem: no status yet: `gans collect station_status`]"
    elif is_simulated:
        age = f":blue-badge[:material/science: simulated, as of {state.at.astimezone(zone):%H:%M}]"
    else:
        seconds = max((utc_now() - state.at).total_seconds(), 0)
        old = seconds > STATUS_OLD.total_seconds()
        ago = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
        icon = "sync_problem" if old else "schedule"
        age = f":{'red' if old else 'green'}-badge[:material/{icon}: {state.at.astimezone(zone):%a %H:%M:%S}, {ago} ago]"
        if old and state.fetched_at and utc_now() - state.fetched_at <= STATUS_OLD:
            age += " :red[It was fetched just now, and is old: the system's feed stands still.]"
        elif old:
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


def _list(proposed: Placement, state: SystemState, system: System) -> None:
    """The stops in words, for the crew."""
    spots, scooters = proposed.spots, proposed.scooters
    if not spots:
        none = "No stop is worth its time." if proposed.short else "Nobody is short of a vehicle: there is nothing to place."
        st.markdown(none if scooters else "The truck is empty.")
        return
    where = "one stop" if len(spots) == 1 else f"{len(spots)} stops"
    kept = f" {proposed.kept} of {scooters} stay in the truck: each would serve too few." if proposed.kept else ""
    st.markdown(
        f"**Put {scooters - proposed.kept} scooters at {where}** for about {proposed.riders:.0f} riders: "
        f"{proposed.minutes:.0f} min with {proposed.drive_km:.1f} km of way, as the crow flies.{kept}"
    )
    items = "".join(
        f'<li style="margin:0 0 .7em"><b>{spot.scooters}</b> near <b>{escape(spot.near)}</b> ({spot.near_m:.0f} m), '
        f"about {spot.riders:.1f} riders<br><small>{escape(spot.reason)}"
        f"<br>{spot.latitude:.5f}, {spot.longitude:.5f} · "
        f'<a style="color:inherit" href="{spot.map_url}" target="_blank" rel="noopener noreferrer">OpenStreetMap</a></small></li>'
        for spot in spots
    )
    # Beside the map the list scrolls; under it, on a phone, nothing may look as if it were the end.
    with st.container(height="content" if _is_phone() else MAP_PX - 90, border=False):
        st.html(f'<ol style="padding-left:1.6em;margin:0">{items}</ol>')
    assert state.at is not None
    st.download_button(
        "GeoJSON for the phones",
        geojson(spots, state.at),
        f"{system.system_id}-spots.geojson",
        "application/geo+json",
        icon=":material/download:",
    )
