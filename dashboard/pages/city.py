"""The page *City*: the next 72 hours as riders will meet them, in the city's own time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import altair as alt
import streamlit as st

from dashboard.database import engine, show_errors
from dashboard.text import plain
from gans.clock import utc_now
from gans.reading import hours
from gans.reading.hours import City, Earlier

BLUE, ORANGE, GREY, GREEN = "#3A96D6", "#D55E00", "#8A8F98", "#009E73"
"""After Okabe and Ito (https://jfly.uni-koeln.de/color/), which the colour-blind tell apart; so do dashes and shapes."""

Chart = alt.LayerChart | alt.FacetChart

TOOLTIP: Final = [
    alt.Tooltip("hour:N"),
    alt.Tooltip("condition:N", title="weather"),
    alt.Tooltip("temperature_c:Q", title="temperature, °C", format=".1f"),
    alt.Tooltip("precipitation_mm:Q", title="rain, mm", format=".1f"),
    alt.Tooltip("wind_speed_kmh:Q", title="wind, km/h", format=".0f"),
    alt.Tooltip("wind_gust_kmh:Q", title="gusts, km/h", format=".0f"),
    alt.Tooltip("landings:N", title="flights landing"),
]

_NO_CITY: Final = """\
**No city is known yet.** Watch one and ask for it:

```sh
gans watch add en Berlin
gans collect
```
"""
_SOURCES: Final = (
    "Shaded: hours to ride in, dry, above freezing and without strong gusts. Triangles: gusts. Grey in the landings: not known. "
    "Weather: [Open-Meteo](https://open-meteo.com/) (CC BY 4.0). Arrivals: AeroDataBox. Holidays: Nager.Date."
)


@show_errors
def page() -> None:
    """Draws the page."""
    known = hours.cities(engine())
    if not known:
        st.markdown(_NO_CITY)
        return
    city = st.selectbox("City", known, format_func=lambda one: one.name, key="city", width=360)
    coming = hours.coming(engine(), city, utc_now())
    if not coming:
        st.info(f"No forecast for {plain(city.name)} yet: `gans collect weather` asks now.")
        return
    before = hours.earlier(engine(), city, coming)
    _summary(city, coming, before)
    values = _values(city, coming, before)
    for chart in (_temperature(values), _rain(values), _wind(values), _arrivals(values)):
        st.altair_chart(chart, width="stretch")
    st.caption(_SOURCES)


def _summary(city: City, coming: Sequence[Any], before: Earlier | None) -> None:
    zone = city.zone
    rideable = sum(row["is_rideable"] or 0 for row in coming)
    holidays = dict.fromkeys(
        f"{plain(row['holiday'])} on {row['hour_at'].astimezone(zone):%A}" for row in coming if row["holiday"] is not None
    )
    issued = f"Forecast of {coming[0]['weather_issued_at'].astimezone(zone):%a %H:%M}"
    if before:
        issued += f"; dashed, that of {before.issued_at.astimezone(zone):%a %H:%M}"
    else:
        issued += "; no forecast of a day before is kept yet"
    st.markdown(
        f"**{rideable}** of the next **{len(coming)}** hours are hours to ride in. {issued}. Times in {plain(city.timezone)}."
        + (f"  \n:material/celebration: {', '.join(holidays)}" if holidays else "")
    )


def _values(city: City, coming: Sequence[Any], before: Earlier | None) -> list[dict[str, Any]]:
    """A mapping per hour. Times are the city's own, written as if they were UTC: Vega knows no other zone but the browser's."""
    zone = city.zone

    def shown(instant: datetime) -> str:
        return instant.astimezone(zone).replace(tzinfo=UTC).isoformat()

    forecasts = before.forecasts if before else {}
    return [
        {
            **{name: row[name] for name in hours.NUMBERS},
            "hour": f"{row['hour_at'].astimezone(zone):%A %H:%M}",
            "condition": row["condition_label"],
            "landings": "not known" if row["arrivals"] is None else str(row["arrivals"]),
            "holiday": row["holiday"],
            "at": shown(row["hour_at"]),
            "end": shown(row["hour_at"] + timedelta(hours=1)),
            "temperature_before_c": forecasts.get(row["hour_at"], (None, None))[0],
            "precipitation_before_mm": forecasts.get(row["hour_at"], (None, None))[1],
        }
        for row in coming
    ]


def _panel(values: list[dict[str, Any]], height_px: int, *layers: alt.Chart) -> Chart:
    """Layers over the shaded hours to ride in, all panels on the same hours; each hour tells of itself wherever one points."""
    x = alt.X(
        "at:T",
        title=None,
        scale=alt.Scale(type="utc", domain=[values[0]["at"], values[-1]["end"]]),
        axis=alt.Axis(
            tickCount=12,
            labelExpr="utcFormat(datum.value, '%a %H:%M')",
        ),
    )
    shade = alt.Chart().mark_rect(color=GREEN, opacity=0.14).encode(x2="end:T").transform_filter("datum.is_rideable == 1")
    shown = (layer.encode(x="at:T") for layer in layers)
    # On top, with nothing to see: a shade or a line alone would leave most of the panel without a tooltip.
    hours = alt.Chart().mark_rect(opacity=0).encode(x="at:T", x2="end:T", tooltip=TOOLTIP)
    return alt.layer(shade.encode(x=x), *shown, hours, data=alt.InlineData(values), height=height_px)


def _y(field: str, title: str, **scale: Any) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, axis=alt.Axis(minExtent=48, tickCount=4), scale=alt.Scale(**scale))


def _line(field: str, title: str, colour: str, **scale: Any) -> alt.Chart:
    line: alt.Chart = alt.Chart().mark_line(color=colour, strokeWidth=2.5).encode(_y(field, title, **scale))
    return line


def _older(field: str, title: str, **scale: Any) -> alt.Chart:
    line: alt.Chart = alt.Chart().mark_line(color=GREY, strokeDash=[5, 4]).encode(_y(field, title, **scale))
    return line


def _bars(field: str, title: str, colour: str) -> alt.Chart:
    bars: alt.Chart = alt.Chart().mark_bar(color=colour)
    return bars.encode(_y(field, title), x2="end:T", y2=alt.datum(0))


def _temperature(values: list[dict[str, Any]]) -> Chart:
    older = _older("temperature_before_c", "°C", zero=False)
    return _panel(values, 190, *_if_kept(values, older), _line("temperature_c", "°C", ORANGE, zero=False))


def _rain(values: list[dict[str, Any]]) -> Chart:
    older = _older("precipitation_before_mm", "rain, mm")
    return _panel(values, 140, _bars("precipitation_mm", "rain, mm", BLUE), *_if_kept(values, older))


def _if_kept(values: list[dict[str, Any]], older: alt.Chart) -> list[alt.Chart]:
    return [older] if any(value["temperature_before_c"] is not None for value in values) else []


def _wind(values: list[dict[str, Any]]) -> Chart:
    gusts = alt.Chart().mark_point(color=GREY, shape="triangle-up", size=22).encode(_y("wind_gust_kmh", "wind, km/h"))
    return _panel(values, 140, gusts, _line("wind_speed_kmh", "wind, km/h", BLUE))


def _arrivals(values: list[dict[str, Any]]) -> Chart:
    unknown = alt.Chart().mark_rect(color=GREY, opacity=0.3).encode(x2="end:T").transform_filter("datum.arrivals === null")
    known = _bars("arrivals", "landings", BLUE).transform_filter("datum.arrivals !== null")
    return _panel(values, 140, unknown, known)
