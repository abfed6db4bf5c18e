"""The simulator, over real sockets: the upstreams' formats, their refusals, and every fault as a client meets it."""

import math
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from typing import Any

import lxml.html
import pytest
import requests

from local.simulator import FAULTS, City, Faults, Simulator, World

NOW = datetime(2026, 3, 10, 9, 20, tzinfo=UTC)
FORECAST = "/api.open-meteo.com/v1/forecast"
BERLIN = "/en.wikipedia.org/wiki/Berlin"
LOCATION: dict[str, Any] = {"latitude": 52.52, "longitude": 13.41, "hourly": "temperature_2m,weather_code"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=lambda: NOW) as simulator:
        yield simulator


def get(simulator: Simulator, path: str, headers: dict[str, str] | None = None, /, **params: Any) -> requests.Response:
    return requests.get(simulator.url + path, params=params, headers=headers, timeout=10, allow_redirects=False)


@pytest.fixture(scope="module")
def pages() -> list[tuple[City, str]]:
    """The English articles of 200 cities."""
    with Simulator(cities=200) as simulator, requests.Session() as session:
        url = f"{simulator.url}/en.wikipedia.org/wiki/"
        return [(city, session.get(url + city.titles["en"], timeout=10).text) for city in simulator.world.cities]


def article(simulator: Simulator, language: str, title: str) -> Any:
    response = get(simulator, f"/{language}.wikipedia.org/wiki/{title}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    return lxml.html.document_fromstring(response.content.decode())


def cells(page: Any) -> dict[str, str]:
    """Label → data of the infobox, the last of a label; without styles."""
    for style in page.xpath("//style"):
        style.drop_tree()
    rows = page.xpath("//table[contains(@class, 'infobox')]//tr[count(*) = 2]")
    return {row[0].text_content().replace("•", "").strip(" \xa0:"): row[1].text_content() for row in rows}


class TestWorld:
    def test_is_the_same_for_the_same_seed_and_grows_by_adding(self) -> None:
        assert World(60, seed=3).cities == World(1000, seed=3).cities[:60]
        assert World(60, seed=3).cities != World(60, seed=4).cities

    def test_a_thousand_cities_have_ids_titles_and_a_time_zone_of_their_own(self) -> None:
        cities = World(1000).cities
        assert [city.city_id for city in cities] == list(range(1, 1001))
        assert len({(city.language, city.title) for city in cities}) == 1000
        assert all("/" in city.timezone and not city.timezone.startswith("Etc") for city in cities)
        assert all(city.population > 0 and city.area_km2 > 0 for city in cities)

    def test_gives_a_watchlist(self) -> None:
        assert World(2).watchlist() == [
            {"city_id": 1, "wikipedia_language": "en", "wikipedia_title": "Berlin", "is_watched": True},
            {"city_id": 2, "wikipedia_language": "de", "wikipedia_title": "München", "is_watched": True},
        ]


class TestWikipedia:
    def test_an_article_has_the_frame_of_the_real_one(self, simulator: Simulator) -> None:
        page = article(simulator, "en", "New_York_City")
        assert page.get("lang") == "en"
        assert page.findtext(".//title") == "New York City - Wikipedia"
        assert page.xpath("string(//h1[@id='firstHeading']/span[@class='mw-page-title-main'])") == "New York City"
        assert '"wgWikibaseItemId":"Q60"' in page.xpath("string(//script)")
        assert page.xpath("string(//*[@id='mw-indicator-coordinates']//span[@class='geo'])") == "40.7128; -74.0061"
        assert page.xpath("string(//div[contains(@class, 'mw-parser-output')]/p/b)") == "New York City"

    def test_articles_are_20_to_100_kb(self, simulator: Simulator) -> None:
        sizes = [len(get(simulator, f"/{c.language}.wikipedia.org/wiki/{c.title}").content) for c in simulator.world.cities]
        assert min(sizes) > 20_000
        assert max(sizes) < 100_000

    def test_a_german_article_is_of_german_make(self, simulator: Simulator) -> None:
        page = article(simulator, "de", "München")
        assert page.get("lang") == "de"
        assert page.findtext(".//title") == "München – Wikipedia"
        facts = cells(page)
        assert facts["Einwohner"].startswith("1.512.491 (")
        assert "2022" in facts["Einwohner"]
        assert facts["Fläche"].startswith("310,7 km²")
        assert facts["Bundesland"] == "Bayern"

    def test_a_city_that_is_a_country_has_no_country_row_and_two_pairs_of_coordinates(self, simulator: Simulator) -> None:
        page = article(simulator, "en", "Singapore")
        box = page.xpath("//table[@class='infobox ib-country vcard']")[0]
        assert len(set(box.xpath(".//span[@class='geo']/text()"))) == 2
        assert "Country" not in cells(page)

    def test_london_has_a_sovereign_state_and_a_country(self, simulator: Simulator) -> None:
        facts = cells(article(simulator, "en", "London"))
        assert (facts["Sovereign state"], facts["Country"]) == ("United Kingdom", "England")

    def test_infoboxes_vary_as_real_ones_do(self, pages: list[tuple[City, str]]) -> None:
        for variant in (
            'class="infobox ib-settlement vcard"',
            'class="infobox geography vcard"',
            '<span class="category">',  # 2014
            *(f"• {location}</th>" for location in ("Total", "City", "City proper", "Municipality", "Metropolis", "Capital")),
            "Estimate",
            " census</th>",
            "mid-20",
            "-12-31",
            " million</td>",
            ">ca. ",
            "(Extended UA)",
            "&#160;",
            "\N{MINUS SIGN}",
            " sq mi (",
            '<td class="infobox-data"><style',
            "23 January 1979",
            'Population<div class="ib-settlement-fn">',
            ">Population</th>",
        ):
            assert sum(variant in page for _, page in pages) >= 3, variant

    def test_a_box_says_the_population_and_its_year(self, pages: list[tuple[City, str]]) -> None:
        for city, page in pages:
            box = str(lxml.html.document_fromstring(page).xpath("string(//table)")).replace("\xa0", ",")
            million = f"{city.population / 1e6:.1f} million"
            assert f"{city.population:,}" in box or (city.population % 100_000 == 0 and million in box)
            assert str(city.population_year) in box or city.is_invented

    def test_pages_that_are_no_city(self, simulator: Simulator) -> None:
        assert article(simulator, "en", "Mercury").xpath("//*[@id='disambigbox']")
        assert article(simulator, "en", "Ada_Lovelace").xpath("//table[contains(@class, 'biography')]")
        missing = get(simulator, "/en.wikipedia.org/wiki/Atlantis_<b>")
        assert missing.status_code == 404
        assert "Atlantis &lt;b&gt;" in missing.text
        assert "Atlantis <b>" not in missing.text
        assert get(simulator, "/en.wikipedia.org/w/index.php").status_code == 404

    def test_answers_304_to_its_etag(self, simulator: Simulator) -> None:
        first = get(simulator, BERLIN)
        assert first.headers["Last-Modified"].endswith(" GMT")
        again = get(simulator, BERLIN, {"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert get(simulator, BERLIN, {"If-None-Match": 'W/"another"'}).status_code == 200
        with Simulator(seed=8) as other:
            assert get(other, BERLIN).headers["ETag"] != first.headers["ETag"]


class TestOpenMeteo:
    def test_one_place_is_an_object(self, simulator: Simulator) -> None:
        answer = get(simulator, FORECAST, **LOCATION).json()
        assert abs(answer["latitude"] - 52.52) < 0.02
        assert abs(answer["longitude"] - 13.41) < 0.02
        assert (answer["utc_offset_seconds"], answer["timezone"], answer["elevation"]) == (0, "GMT", 34.0)
        assert answer["hourly_units"] == {"time": "iso8601", "temperature_2m": "°C", "weather_code": "wmo code"}
        assert set(answer["hourly"]) == {"time", "temperature_2m", "weather_code"}
        assert {len(values) for values in answer["hourly"].values()} == {168}
        assert (answer["hourly"]["time"][0], answer["hourly"]["time"][-1]) == ("2026-03-10T00:00", "2026-03-16T23:00")
        assert "location_id" not in answer

    def test_several_places_are_a_list_in_their_order(self, simulator: Simulator) -> None:
        params = {**LOCATION, "latitude": "52.52,-33.87", "longitude": "13.41,151.21", "forecast_hours": 3}
        berlin, sydney = get(simulator, FORECAST, **params).json()
        assert (berlin["latitude"], sydney["latitude"], sydney["location_id"]) == (52.52, -33.86, 1)
        assert berlin["hourly"]["time"] == ["2026-03-10T09:00", "2026-03-10T10:00", "2026-03-10T11:00"]
        assert berlin == get(simulator, FORECAST, **{**LOCATION, "forecast_hours": 3}).json()

    @pytest.mark.parametrize(
        ("zone", "latitude", "longitude", "offset", "name", "abbreviation"),
        [
            ("auto", 12.98, 77.59, 19800, "Asia/Kolkata", "GMT+5:30"),
            ("America/New_York", 12.98, 77.59, -14400, "America/New_York", "GMT-4"),
        ],
    )
    def test_local_times_have_one_offset(
        self,
        simulator: Simulator,
        zone: str,
        latitude: float,
        longitude: float,
        offset: int,
        name: str,
        abbreviation: str,
    ) -> None:
        location = {"latitude": latitude, "longitude": longitude, "hourly": "temperature_2m"}
        answer = get(simulator, FORECAST, **location, timezone=zone, forecast_days=1).json()
        assert (answer["utc_offset_seconds"], answer["timezone"]) == (offset, name)
        assert answer["timezone_abbreviation"] == abbreviation
        assert answer["hourly"]["time"][0] == "2026-03-10T00:00"
        gmt = get(simulator, FORECAST, **location, forecast_days=2).json()
        shift = -(offset // 3600) % 24  # the hour of UTC that local midnight is read at
        if offset < 0:
            assert answer["hourly"]["temperature_2m"] == gmt["hourly"]["temperature_2m"][shift : shift + 24]
        else:
            assert answer["hourly"]["temperature_2m"][5:] == gmt["hourly"]["temperature_2m"][:19]

    def test_units_are_converted_and_named(self, simulator: Simulator) -> None:
        location = {**LOCATION, "hourly": "temperature_2m,precipitation,snowfall,wind_speed_10m"}
        imperial = {"temperature_unit": "fahrenheit", "precipitation_unit": "inch", "wind_speed_unit": "mph"}
        metric, other = (get(simulator, FORECAST, **location, **units).json() for units in ({}, imperial))
        assert list(metric["hourly_units"].values()) == ["iso8601", "°C", "mm", "cm", "km/h"]
        assert list(other["hourly_units"].values()) == ["iso8601", "°F", "inch", "inch", "mp/h"]
        for celsius, fahrenheit in zip(metric["hourly"]["temperature_2m"], other["hourly"]["temperature_2m"], strict=True):
            assert fahrenheit == pytest.approx(celsius * 1.8 + 32, abs=0.06)
        for kmh, mph in zip(metric["hourly"]["wind_speed_10m"], other["hourly"]["wind_speed_10m"], strict=True):
            assert mph == pytest.approx(kmh / 1.609344, abs=0.06)
        for mm, inch in zip(metric["hourly"]["precipitation"], other["hourly"]["precipitation"], strict=True):
            assert inch == pytest.approx(mm / 25.4, abs=0.0006)

    def test_several_models_have_suffixes_and_gaps(self, simulator: Simulator) -> None:
        params = {**LOCATION, "hourly": "temperature_2m,precipitation_probability", "models": "gfs_global,icon_d2"}
        answer = get(simulator, FORECAST, **params).json()
        values = answer["hourly"]
        assert set(values) == {
            "time",
            *(f"{name}_{model}" for name in params["hourly"].split(",") for model in ("gfs_global", "icon_d2")),
        }
        assert None not in values["temperature_2m_gfs_global"]
        assert [value is None for value in values["temperature_2m_icon_d2"]] == [hour >= 9 + 48 for hour in range(168)]
        assert set(values["precipitation_probability_icon_d2"]) == {None}
        assert answer["hourly_units"]["precipitation_probability_icon_d2"] == "undefined"
        assert values["temperature_2m_gfs_global"] != get(simulator, FORECAST, **LOCATION).json()["hourly"]["temperature_2m"]

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            ({"latitude": 100}, "Latitude must be in range of -90 to 90°. Given: 100.0."),
            ({"longitude": "nan"}, "Longitude must be in range of -180 to 180°. Given: nan."),
            ({"latitude": ""}, "Value required for key 'latitude'."),
            ({"latitude": "x"}, "Parameter 'latitude' must be a list of numbers. Given: x."),
            ({"latitude": "1,2"}, "Parameter 'latitude' and 'longitude' must have the same number of elements"),
            ({"hourly": "temp"}, "Cannot initialize ForecastVariable from invalid String value temp for key hourly"),
            ({"models": "x"}, "Cannot initialize MultiDomains from invalid String value x for key models"),
            (
                {"wind_speed_unit": "knots"},
                "Cannot initialize WindspeedUnit from invalid String value knots for key wind_speed_unit",
            ),
            ({"forecast_days": 17}, "Forecast days is invalid. Allowed range 0 to 16. Given 17."),
            ({"timezone": "Mars/Base"}, "Invalid timezone"),
            ({"timezone": "../../etc/passwd"}, "Invalid timezone"),
            (
                {"latitude": "1," * 1000 + "1", "longitude": "1," * 1000 + "1"},
                "Only up to 1000 locations can be requested at once",
            ),
        ],
    )
    def test_a_bad_parameter_is_a_400_with_the_reason(self, simulator: Simulator, params: dict[str, Any], reason: str) -> None:
        response = get(simulator, FORECAST, **{**LOCATION, **params})
        assert (response.status_code, response.json()) == (400, {"error": True, "reason": reason})

    def test_customers_need_a_key(self, simulator: Simulator) -> None:
        refused = get(simulator, "/customer-api.open-meteo.com/v1/forecast", **LOCATION)
        assert (refused.status_code, refused.json()["reason"]) == (400, "The supplied API key is invalid.")
        answered = get(simulator, "/customer-api.open-meteo.com/v1/forecast", **LOCATION, apikey="any")
        assert answered.json() == get(simulator, FORECAST, **LOCATION).json()

    def test_a_hundred_places_are_answered_in_one_response(self) -> None:
        cities = World(100).cities
        with Simulator(cities=100) as simulator:
            response = get(
                simulator,
                FORECAST,
                latitude=",".join(str(city.latitude) for city in cities),
                longitude=",".join(str(city.longitude) for city in cities),
                hourly="temperature_2m,precipitation,precipitation_probability,snowfall,wind_speed_10m,weather_code",
            )
            assert len(response.json()) == 100


class TestWeather:
    def test_is_the_same_after_a_restart_and_within_the_hour(self) -> None:
        answers = []
        for minute, seed in ((0, 7), (59, 7), (0, 8)):
            with Simulator(seed=seed, clock=partial(NOW.replace, minute=minute)) as simulator:
                answers.append(get(simulator, FORECAST, **LOCATION).json()["hourly"])
        assert answers[0] == answers[1] != answers[2]

    def test_forecasts_change_from_issue_to_issue_and_near_one_truth(self) -> None:
        valid = NOW.replace(minute=0) + timedelta(days=7)
        now = valid
        errors: dict[int, float] = {}
        locations = {
            "latitude": ",".join(str(latitude) for latitude in range(-40, 60, 5)),
            "longitude": ",".join(str(longitude) for longitude in range(0, 100, 5)),
            "hourly": "temperature_2m",
            "forecast_days": 9,
        }
        with Simulator(clock=lambda: now) as simulator:

            def temperatures() -> list[float]:
                answers = get(simulator, FORECAST, **locations).json()
                at = answers[0]["hourly"]["time"].index(f"{valid:%Y-%m-%dT%H:%M}")
                return [answer["hourly"]["temperature_2m"][at] for answer in answers]

            truth = temperatures()
            for lead_hours in (3, 24, 72, 168):
                now = valid - timedelta(hours=lead_hours)
                errors[lead_hours] = math.dist(temperatures(), truth)
            now = valid + timedelta(hours=5)
            assert temperatures() == truth
        assert 0 < errors[3] < errors[24] < errors[72] < errors[168]

    def test_is_another_at_another_place(self, simulator: Simulator) -> None:
        params = {"latitude": "52.5,47.5,52.5", "longitude": "13.4,13.4,18.4", "hourly": "cloud_cover"}
        answers = get(simulator, FORECAST, **params).json()
        assert len({tuple(answer["hourly"]["cloud_cover"]) for answer in answers}) == 3

    def test_has_seasons(self) -> None:
        means = []
        for month in (1, 7):
            with Simulator(clock=partial(NOW.replace, month=month)) as simulator:
                params = {"latitude": "52.5,-34", "longitude": "13.4,151", "hourly": "temperature_2m"}
                answers = get(simulator, FORECAST, **params).json()
                means += [sum(answer["hourly"]["temperature_2m"]) / 168 for answer in answers]
        assert means[0] + 10 < means[2]
        assert means[1] > means[3] + 5

    def test_is_plausible_and_consistent(self) -> None:
        names = "temperature_2m,precipitation,rain,snowfall,precipitation_probability,cloud_cover,weather_code"
        codes = set()
        with Simulator(clock=lambda: NOW) as simulator:
            params = {
                "latitude": "68,52.5,1.3,-34",
                "longitude": "20,13.4,103.8,151",
                "hourly": f"{names},wind_speed_10m,wind_gusts_10m",
            }
            answers = get(simulator, FORECAST, **params, forecast_days=16).json()
        for answer in answers:
            columns = {name: values for name, values in answer["hourly"].items() if name != "time"}
            for hour in (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)):
                codes.add(hour["weather_code"])
                is_wet = hour["weather_code"] >= 51
                assert is_wet == (hour["precipitation"] > 0)
                assert (hour["weather_code"] in (71, 73, 75)) == (hour["snowfall"] > 0)
                assert not hour["snowfall"] or hour["temperature_2m"] < 1
                assert hour["rain"] == (0 if hour["snowfall"] else hour["precipitation"])
                assert not is_wet or hour["precipitation_probability"] >= 50
                assert hour["wind_gusts_10m"] > hour["wind_speed_10m"] >= 0
                assert 0 <= hour["cloud_cover"] <= 100
        assert {0, 1, 2, 3} < codes
        mean = [sum(answer["hourly"]["temperature_2m"]) / 384 for answer in answers]
        assert mean[0] < mean[1] < mean[3] < mean[2]


class TestServer:
    def test_an_unknown_host_is_a_404_that_says_so(self, simulator: Simulator) -> None:
        response = get(simulator, "/example.org/x")
        assert response.status_code == 404
        assert "'example.org'" in response.text
        assert "api.open-meteo.com" in response.text

    def test_keeps_the_connection_and_remembers_what_was_asked(self, simulator: Simulator) -> None:
        connection = HTTPConnection(simulator.url.removeprefix("http://"), timeout=10)
        sockets = set()
        for title in ("Berlin", "K%C3%B6ln"):
            connection.request("GET", f"/de.wikipedia.org/wiki/{title}?a=b")
            sockets.add(connection.sock)
            connection.getresponse().read()
        connection.close()
        assert len(sockets) == 1
        assert simulator.requests == ["de.wikipedia.org/wiki/Berlin?a=b", "de.wikipedia.org/wiki/K%C3%B6ln?a=b"]

    def test_logs_on_request_and_without_keys(self, capfd: pytest.CaptureFixture[str]) -> None:
        lines: list[str] = []
        with Simulator(log=lines.append) as simulator:
            get(simulator, FORECAST, **LOCATION, apikey="secret")
        with Simulator() as simulator:
            get(simulator, BERLIN)
        assert lines == ["200 api.open-meteo.com/v1/forecast"]
        assert capfd.readouterr() == ("", "")

    def test_serves_until_ctrl_c(self) -> None:
        heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also below a run in the background
        code = f"{heard}; from local.simulator import serve; serve(0, 2, 7)"
        with subprocess.Popen([sys.executable, "-uc", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
            assert served.stdout
            line = served.stdout.readline()
            url = line.split()[4]
            assert requests.get(url + BERLIN, timeout=10).status_code == 200
            served.send_signal(signal.SIGINT)
            assert served.communicate(timeout=60) == ("", "")
        assert served.returncode == 0

    def test_ends_with_all_its_connections(self) -> None:
        with requests.Session() as session:
            with Simulator() as simulator:
                session.get(simulator.url + BERLIN, timeout=10)
            with pytest.raises(requests.ConnectionError):
                session.get(simulator.url + BERLIN, timeout=10)


class TestFaults:
    """Each as a client meets it, on both kinds of upstream."""

    @pytest.mark.parametrize("path", [BERLIN, FORECAST])
    @pytest.mark.parametrize(("fault", "status"), [("rate_limited", 429), ("server_error", 500), ("bad_gateway", 502)])
    def test_refusals(self, simulator: Simulator, path: str, fault: str, status: int) -> None:
        simulator.inject(fault)
        refused = get(simulator, path, **LOCATION)
        assert refused.status_code == status
        assert refused.headers.get("Retry-After") == ("1" if status == 429 else None)
        if path == FORECAST and status != 502:
            assert refused.json()["error"] is True
        else:
            assert refused.headers["Content-Type"].startswith("text/html")
        assert get(simulator, path, **LOCATION).status_code == 200

    def test_timeout_is_silent_for_as_long_as_the_client_waits(self, simulator: Simulator) -> None:
        simulator.inject("timeout")
        with pytest.raises(requests.ReadTimeout):
            requests.get(simulator.url + BERLIN, timeout=0.2)

    @pytest.mark.parametrize("fault", ["timeout", "slow_drip"])
    def test_what_holds_a_client_ends_with_the_simulator(self, fault: str) -> None:
        with ThreadPoolExecutor(1) as pool:
            with Simulator() as simulator:
                simulator.inject(fault)
                waiting = pool.submit(requests.get, simulator.url + BERLIN, timeout=600)
                while not simulator.requests:
                    time.sleep(0.01)
            ended = waiting.exception(timeout=60)
            assert isinstance(ended, requests.RequestException)
            assert not isinstance(ended, requests.Timeout)

    def test_reset_ends_the_connection_in_mid_body(self, simulator: Simulator) -> None:
        simulator.inject("reset")
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="reset by peer"):
            get(simulator, BERLIN)
        assert get(simulator, BERLIN).status_code == 200

    @pytest.mark.parametrize("path", [BERLIN, FORECAST])
    def test_truncated_is_half_a_body_of_the_declared_length(self, simulator: Simulator, path: str) -> None:
        whole = get(simulator, path, **LOCATION)
        simulator.inject("truncated")
        half = get(simulator, path, **LOCATION)
        assert half.status_code == 200
        assert half.content == whole.content[: len(whole.content) // 2]
        assert half.headers["Content-Length"] == str(len(half.content))

    def test_error_page_is_html_with_200(self, simulator: Simulator) -> None:
        simulator.inject("error_page")
        page = get(simulator, FORECAST, **LOCATION)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")
        assert "maintenance" in page.text

    def test_empty(self, simulator: Simulator) -> None:
        simulator.inject("empty")
        empty = get(simulator, FORECAST, **LOCATION)
        assert (empty.status_code, empty.content) == (200, b"")

    def test_huge_does_not_end_and_tells_no_length(self, simulator: Simulator) -> None:
        simulator.inject("huge")
        with requests.get(simulator.url + FORECAST, params=LOCATION, stream=True, timeout=10) as response:
            assert "Content-Length" not in response.headers
            assert sum(len(chunk) for chunk, _ in zip(response.iter_content(2**20), range(60), strict=False)) > 40 * 2**20
        assert get(simulator, BERLIN).status_code == 200

    def test_bomb_is_small_and_unpacks_to_much(self, simulator: Simulator) -> None:
        simulator.inject("bomb")
        with requests.get(simulator.url + FORECAST, params=LOCATION, stream=True, timeout=10) as response:
            assert int(response.headers["Content-Length"]) < 2**20
            assert sum(len(chunk) for chunk, _ in zip(response.iter_content(2**20), range(60), strict=False)) > 40 * 2**20

    def test_slow_drip_never_lets_a_read_time_out(self, simulator: Simulator) -> None:
        simulator.inject("slow_drip")
        with requests.get(simulator.url + BERLIN, stream=True, timeout=10) as response:
            got = [response.raw.read(1) for _ in range(12)]
            assert b"".join(got) == b"<!DOCTYPE ht"
            assert int(response.headers["Content-Length"]) > 20_000

    @pytest.mark.parametrize("path", [BERLIN, FORECAST])
    def test_wrong_charset_is_declared_utf8_and_is_not(self, simulator: Simulator, path: str) -> None:
        simulator.inject("wrong_charset")
        response = get(simulator, path, **LOCATION)
        assert response.headers["Content-Type"].endswith("charset=UTF-8")
        assert "°".encode("cp1252") in response.content
        with pytest.raises(UnicodeDecodeError):
            response.content.decode()

    def test_changed_layout_is_valid_and_of_another_shape(self, simulator: Simulator) -> None:
        simulator.inject("changed_layout", times=2)
        page = lxml.html.document_fromstring(get(simulator, BERLIN).content.decode())
        assert page.xpath("string(//h1)") == "Berlin"
        assert not page.xpath("//table | //*[contains(@class, 'infobox')]")
        answer = get(simulator, FORECAST, **LOCATION).json()
        assert "hourly" not in answer
        assert "hourly" in answer["data"]["items"][0]

    def test_redirect_private_points_into_the_machine(self, simulator: Simulator) -> None:
        simulator.inject("redirect_private")
        response = get(simulator, BERLIN)
        assert (response.status_code, response.headers["Location"]) == (302, "http://169.254.169.254/")

    def test_a_fault_spoils_a_full_answer_and_not_a_304(self, simulator: Simulator) -> None:
        etag = get(simulator, BERLIN).headers["ETag"]
        simulator.inject("changed_layout")
        changed = get(simulator, BERLIN, {"If-None-Match": etag})
        assert changed.status_code == 200
        assert "ETag" not in changed.headers
        assert get(simulator, BERLIN, {"If-None-Match": etag}).status_code == 304

    def test_injected_faults_strike_what_they_name_as_often_as_they_say(self, simulator: Simulator) -> None:
        simulator.inject("server_error", times=2, host="de.wikipedia.org", match="Köln")
        asked = ("/de.wikipedia.org/wiki/München", BERLIN, *["/de.wikipedia.org/wiki/Köln"] * 3)
        assert [get(simulator, path).status_code for path in asked] == [200, 200, 500, 500, 200]

    def test_rates_are_kept_and_repeat_in_any_order(self) -> None:
        paths = [f"/en.wikipedia.org/wiki/Nowhere_{n}" for n in range(40)] * 3

        def struck(order: list[str]) -> list[tuple[str, int]]:
            with Simulator(faults=Faults({"server_error": 0.2, "bad_gateway": 0.1}, seed=1)) as simulator:
                return sorted((path, get(simulator, path).status_code) for path in order)

        other_order = random.Random(1).sample(paths, len(paths))
        once = struck(paths)
        assert once == struck(other_order)
        assert len(set(once)) > len(set(paths))  # the same question has another chance the next time
        statuses = [status for _, status in once]
        assert 14 <= statuses.count(500) <= 36
        assert 4 <= statuses.count(502) <= 22
        assert statuses.count(404) == 120 - statuses.count(500) - statuses.count(502)

    def test_rates_may_change_while_it_runs(self, simulator: Simulator) -> None:
        simulator.faults = Faults({"empty": 1})
        assert get(simulator, BERLIN).content == b""
        simulator.faults = Faults()
        assert get(simulator, BERLIN).content != b""

    def test_unknown_names_and_rates_are_refused(self, simulator: Simulator) -> None:
        with pytest.raises(ValueError, match=r"no fault is called 'flood'; there are rate_limited, .*redirect_private"):
            Faults({"flood": 0.1})
        with pytest.raises(ValueError, match="no fault is called 'flood'"):
            simulator.inject("flood")
        with pytest.raises(ValueError, match="the rate of empty is 30; it must be from 0 to 1"):
            Faults({"empty": 30})

    def test_every_fault_has_a_help_text(self) -> None:
        assert all(fault.__doc__ for fault in FAULTS.values())


def test_a_span_of_hours_is_answered_from_its_first_to_its_last(simulator: Simulator) -> None:
    times = get(simulator, FORECAST, **LOCATION, start_hour="2026-03-10T09:00", end_hour="2026-03-11T08:00").json()["hourly"][
        "time"
    ]
    assert (len(times), times[0], times[-1]) == (24, "2026-03-10T09:00", "2026-03-11T08:00")
    assert get(simulator, FORECAST, **LOCATION, start_hour="2026-03-10T09:00", end_hour="soon").status_code == 400
    assert get(simulator, FORECAST, **LOCATION, start_hour="2026-03-10T09:00", end_hour="2026-03-10T08:00").status_code == 400
