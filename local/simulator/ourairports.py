"""OurAirports: the one file of all airfields, as GitHub Pages serves it. https://ourairports.com/help/data-dictionary.html

Each real city has its real airports, each invented town one of its own; between them stand the lines that such a file has to
trip over: closed airports that still have scheduled service, codes in another field than the usual, places without a code.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import count
from string import ascii_uppercase

import tzfpy

from local.simulator.upstream import Answer, Request
from local.simulator.world import City, World

HOSTS = ("davidmegginson.github.io",)

_COLUMNS = (
    "id", "ident", "type", "name", "latitude_deg", "longitude_deg", "elevation_ft", "continent", "iso_country", "iso_region",
    "municipality", "scheduled_service", "icao_code", "iata_code", "gps_code", "local_code", "home_link", "wikipedia_link",
    "keywords",
)  # fmt: skip
_NUMBERS = ("id", "latitude_deg", "longitude_deg", "elevation_ft")
_CONTINENTS = {
    **dict.fromkeys(("CA", "MX", "US"), "NA"),
    **dict.fromkeys(("AR", "BR", "PE"), "SA"),
    **dict.fromkeys(("EG", "KE", "NA", "NG", "ZA"), "AF"),
    **dict.fromkeys(("CN", "IN", "JP", "KZ", "SG", "MY", "ID", "IL", "TR"), "AS"),
    "AU": "OC",
}


@dataclass(frozen=True)
class Airport:
    """An airport with scheduled service and an ICAO code, whatever its line says.

    Attributes:
        ident: OurAirports' own key: the ICAO code, or a local one.
        elevation_ft: None where it is not given.
    """

    icao: str
    iata: str
    kind: str
    name: str
    municipality: str
    country_code: str
    latitude: float
    longitude: float
    elevation_ft: int | None
    ident: str = ""

    @property
    def timezone(self) -> str:
        """The IANA name."""
        return tzfpy.get_tz(self.longitude, self.latitude)


_LARGE, _MEDIUM = "large_airport", "medium_airport"
_REAL: tuple[Airport, ...] = (
    Airport("EDDB", "BER", _LARGE, "Berlin Brandenburg Airport", "Berlin", "DE", 52.3617, 13.5023, 157),
    Airport("EDDM", "MUC", _LARGE, "Munich Airport", "Munich", "DE", 48.3538, 11.7861, 1487),
    Airport("EGLL", "LHR", _LARGE, "London Heathrow Airport", "London", "GB", 51.4707, -0.4599, 83),
    Airport("EGKK", "LGW", _LARGE, "London Gatwick Airport", "London", "GB", 51.1487, -0.1857, 202),
    Airport("EGLC", "LCY", _MEDIUM, "London City Airport", "London", "GB", 51.5053, 0.0553, 19),
    Airport("LFPG", "CDG", _LARGE, "Charles de Gaulle International Airport", "Paris (Roissy)", "FR", 49.009, 2.5541, 392),
    Airport("LFPO", "ORY", _LARGE, "Paris-Orly Airport", "Paris (Orly, Val-de-Marne)", "FR", 48.7295, 2.359, 291),
    Airport("KJFK", "JFK", _LARGE, "John F. Kennedy International Airport", "New York", "US", 40.6394, -73.7793, 13),
    Airport("KLGA", "LGA", _LARGE, "LaGuardia Airport", "New York", "US", 40.7772, -73.8726, 21),
    Airport("KEWR", "EWR", _LARGE, "Newark Liberty International Airport", "Newark", "US", 40.6894, -74.1705, 18),
    Airport("KJRA", "JRA", "heliport", "West 30th Street Heliport", "New York", "US", 40.7551, -74.0069, 7, "JRA"),
    Airport("RJTT", "HND", _LARGE, "Tokyo Haneda International Airport", "Tokyo", "JP", 35.5497, 139.787, 35),
    Airport("EDDK", "CGN", _LARGE, "Cologne Bonn Airport", "Köln (Cologne)", "DE", 50.8659, 7.1427, 302),
    Airport("EDDL", "DUS", _LARGE, "Düsseldorf Airport", "Düsseldorf", "DE", 51.2895, 6.7668, 147),
    Airport("WSSS", "SIN", _LARGE, "Singapore Changi Airport", "Singapore", "SG", 1.3502, 103.994, 22),
    # In reach of Singapore, and in another country.
    Airport("WMKJ", "JHB", _LARGE, "Senai International Airport", "Johor Bahru", "MY", 1.6413, 103.67, 135),
    Airport("SBGR", "GRU", _LARGE, "São Paulo/Guarulhos International Airport", "São Paulo", "BR", -23.4313, -46.47, 2461),
    Airport("SBSP", "CGH", _LARGE, "Congonhas–Deputado Freitas Nobre Airport", "São Paulo", "BR", -23.6277, -46.6546, 2631),
    Airport("VOBL", "BLR", _LARGE, "Kempegowda International Airport", "Bengaluru", "IN", 13.1979, 77.7063, 3000),
    Airport("LOWW", "VIE", _LARGE, "Vienna International Airport", "Vienna", "AT", 48.1103, 16.5697, 600),
    Airport("LEMD", "MAD", _LARGE, "Adolfo Suárez Madrid–Barajas Airport", "Madrid", "ES", 40.4934, -3.5722, 1998),
    Airport("LIRF", "FCO", _LARGE, "Rome–Fiumicino Leonardo da Vinci Airport", "Rome", "IT", 41.8045, 12.252, 13),
    Airport("LIRA", "CIA", _LARGE, "Ciampino–G. B. Pastine International Airport", "Rome", "IT", 41.7988, 12.5953, 427),
    Airport("ESSA", "ARN", _LARGE, "Stockholm-Arlanda Airport", "Stockholm", "SE", 59.6485, 17.9288, 137),
    Airport("ESSB", "BMA", _MEDIUM, "Stockholm-Bromma Airport", "Stockholm", "SE", 59.3544, 17.9417, 47),
    Airport("EPWA", "WAW", _LARGE, "Warsaw Chopin Airport", "Warsaw", "PL", 52.1657, 20.9671, 362),
    Airport("EPMO", "WMI", _LARGE, "Warsaw Modlin Airport", "Nowy Dwór Mazowiecki", "PL", 52.4511, 20.6518, 341),
    Airport("LTFM", "IST", _LARGE, "İstanbul Airport", "Istanbul", "TR", 41.2749, 28.7321, 325),
    Airport("LTFJ", "SAW", _LARGE, "Sabiha Gökçen International Airport", "Pendik, Istanbul", "TR", 40.8986, 29.3092, 312),
    Airport("HKJK", "NBO", _LARGE, "Jomo Kenyatta International Airport", "Nairobi", "KE", -1.3189, 36.9282, 5330),
    Airport("HKNW", "WIL", _MEDIUM, "Nairobi Wilson Airport", "Nairobi", "KE", -1.3217, 36.8148, 5536),
    Airport("FYWH", "WDH", _LARGE, "Hosea Kutako International Airport", "Windhoek", "NA", -22.4799, 17.4709, 5640),
    Airport("FYWE", "ERS", _MEDIUM, "Eros Airport", "Windhoek", "NA", -22.6049, 17.079, 5575),
    Airport("MMMX", "MEX", _LARGE, "Benito Juárez International Airport", "Mexico City", "MX", 19.4358, -99.0703, 7316),
    Airport("MMSM", "NLU", _LARGE, "Felipe Ángeles International Airport", "Mexico City", "MX", 19.7438, -99.0151, 7369),
    Airport("YSSY", "SYD", _LARGE, "Sydney Kingsford Smith Airport", "Sydney (Mascot)", "AU", -33.9461, 151.177, 21),
    Airport("EDDH", "HAM", _LARGE, "Hamburg Helmut Schmidt Airport", "Hamburg", "DE", 53.6304, 9.9882, 53),
    # Below the sea, and in a country that ISO 3166 does not know.
    Airport("LLMZ", "MTZ", _MEDIUM, "Bar Yehuda Airfield", "Masada", "IL", 31.3282, 35.3886, -1240),
    Airport("BKPR", "PRN", _LARGE, "Priština Adem Jashari International Airport", "Prishtina", "XK", 42.5728, 21.0358, 1789),
)

# What is no airport to fly to, or has no ICAO code: ident, kind, name, municipality, country, place, scheduled service, GPS code
_OTHERS: tuple[tuple[str, str, str, str, str, float, float, str, str], ...] = (
    ("EDDT", "closed", "Berlin-Tegel Airport", "Berlin", "DE", 52.5597, 13.2877, "yes", "EDDT"),
    ("EDDI", "closed", "Berlin-Tempelhof Airport", "Berlin", "DE", 52.473, 13.4039, "no", "EDDI"),
    ("EDAZ", "small_airport", "Schönhagen Airfield", "Trebbin", "DE", 52.2036, 13.1564, "no", "EDAZ"),
    ("6N7", "seaplane_base", "New York Skyports Seaplane Base", "New York", "US", 40.7351, -73.9728, "yes", ""),
    ("LBH", "seaplane_base", "Palm Beach Seaplane Base", "Sydney", "AU", -33.5871, 151.3234, "yes", ""),
    ("00AA", "small_airport", 'Ranch "B" Airport', "Leoti", "US", 38.704, -101.4739, "no", "00AA"),
    ("US-9001", "balloonport", "Test Balloonport, North Field", "Bensalem", "US", 40.071, -74.9337, "no", ""),
)
_NOT_FOUND = "<!DOCTYPE html>\n<html><head><title>Page not found &middot; GitHub Pages</title></head><body>404</body></html>\n"
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_KM_PER_DEG = 111.195


def airports(world: World) -> tuple[Airport, ...]:
    """Every airport with scheduled service and an ICAO code: the real ones, and one for each invented town."""
    return _REAL + tuple(_invented(world.seed, city) for city in world.cities if city.is_invented)


def _invented(seed: int, city: City) -> Airport:
    """An airport 5 to 40 km from its town; no real ICAO code begins with X."""
    dice = random.Random(f"{seed} airport {city.city_id}")
    letters, rest = "", city.city_id
    for _ in range(3):
        rest, letter = divmod(rest, 26)
        letters = ascii_uppercase[letter] + letters
    distance_deg, bearing = dice.uniform(5, 40) / _KM_PER_DEG, dice.uniform(0, 2 * math.pi)
    has_local_ident = dice.random() < 0.1
    return Airport(
        icao=f"X{letters}",
        iata="",
        kind=_LARGE if city.population > 1_000_000 else _MEDIUM if city.population > 100_000 else "small_airport",
        name=f"{city.title} {dice.choice(('Airport', 'International Airport', 'Airport, East Field'))}",
        municipality=city.title,
        country_code=city.country_code,
        latitude=round(city.latitude + distance_deg * math.cos(bearing), 4),
        longitude=round(city.longitude + distance_deg * math.sin(bearing) / math.cos(math.radians(city.latitude)), 4),
        elevation_ft=None if dice.random() < 0.04 else round(city.elevation_m / 0.3048),
        ident=f"{city.country_code}-{city.city_id:04}" if has_local_ident else "",
    )


def answer(world: World, request: Request, now: datetime) -> Answer:
    """The file; 304 to its ETag; 404 for any other path."""
    if request.path != "/ourairports-data/airports.csv":
        return Answer(404, _HTML, _NOT_FOUND.encode())
    body = "".join(f"{line}\n" for line in _lines(world)).encode()
    etag = f'W/"{blake2b(body, digest_size=8).hexdigest()}"'
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "ETag": etag,
        "Last-Modified": "Fri, 02 Jan 2026 04:10:00 GMT",
        "Cache-Control": "max-age=600",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Answer(304, headers, b"")
    return Answer(200, headers, body)


def refuse(status: int) -> Answer:
    """GitHub's error page."""
    title = "Too many requests" if status == 429 else "Unicorn! · GitHub"
    return Answer(status, _HTML, f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body></body></html>\n".encode())


def _lines(world: World) -> Iterator[str]:
    yield ",".join(f'"{name}"' for name in _COLUMNS)
    ids = count(1)
    for number, airport in zip(ids, airports(world), strict=False):
        yield _line(
            id=number,
            ident=airport.ident or airport.icao,
            type=airport.kind,
            name=airport.name,
            latitude_deg=airport.latitude,
            longitude_deg=airport.longitude,
            elevation_ft=airport.elevation_ft,
            iso_country=airport.country_code,
            municipality=airport.municipality,
            scheduled_service="yes",
            # Some have their code as GPS code alone.
            icao_code="" if airport.kind == "heliport" or number % 25 == 0 else airport.icao,
            iata_code=airport.iata,
            gps_code=airport.icao,
            local_code=airport.ident,
            keywords=f"{airport.municipality}, {airport.iata}" if airport.iata else "",
        )
    for ident, kind, name, municipality, country, latitude, longitude, service, gps_code in _OTHERS:
        yield _line(
            id=next(ids),
            ident=ident,
            type=kind,
            name=name,
            latitude_deg=latitude,
            longitude_deg=longitude,
            iso_country=country,
            municipality=municipality,
            scheduled_service=service,
            gps_code=gps_code,
            local_code=ident,
        )


def _line(**values: str | float | None) -> str:
    """A line as OurAirports writes it: quotes around every text that is not empty, none around numbers."""
    country = values["iso_country"]
    values |= {"continent": _CONTINENTS.get(str(country), "EU"), "iso_region": f"{country}-U-A"}
    fields = ((name, "" if values.get(name) is None else str(values[name])) for name in _COLUMNS)
    return ",".join(text if not text or name in _NUMBERS else '"' + text.replace('"', '""') + '"' for name, text in fields)
