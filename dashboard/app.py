"""What `gans dashboard` serves: the pages and how one goes from one to another."""

from pathlib import Path

import pandas  # type: ignore[import-untyped]  # noqa: F401 - wholly, before Altair meets what another thread has half imported
import streamlit as st

from dashboard.pages import city, data, sources
from dashboard.pages import map as map_page

st.set_page_config(page_title="Gans", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
st.html(
    "<style>.stMainBlockContainer { padding-top: 4rem; padding-bottom: 2rem } "
    ".stTextArea textarea { font-family: monospace; font-size: .85rem } "
    # Streamlit's own download of a table defuses nothing; the page Data has a button for one.
    ".stElementToolbar button[aria-label='Download as CSV'] { display: none }</style>"
)
st.navigation(
    [
        st.Page(map_page.page, title="Map", icon=":material/map:", url_path="map", default=True),
        st.Page(city.page, title="City", icon=":material/location_city:", url_path="city"),
        st.Page(data.page, title="Data", icon=":material/table_view:", url_path="data"),
        st.Page(sources.page, title="Pipeline", icon=":material/conveyor_belt:", url_path="pipeline"),
    ],
    position="top",
).run()
