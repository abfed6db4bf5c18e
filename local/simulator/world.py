"""The cities of the simulated world: a few real ones first, then invented towns, as many as are wanted."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tzfpy

COUNTRIES: Mapping[str, tuple[str, str]] = {  # code → English and German name
    "AR": ("Argentina", "Argentinien"),
    "AT": ("Austria", "Österreich"),
    "AU": ("Australia", "Australien"),
    "BR": ("Brazil", "Brasilien"),
    "CA": ("Canada", "Kanada"),
    "CN": ("China", "China"),
    "DE": ("Germany", "Deutschland"),
    "EG": ("Egypt", "Ägypten"),
    "ES": ("Spain", "Spanien"),
    "FI": ("Finland", "Finnland"),
    "FR": ("France", "Frankreich"),
    "GB": ("United Kingdom", "Vereinigtes Königreich"),
    "IN": ("India", "Indien"),
    "IT": ("Italy", "Italien"),
    "JP": ("Japan", "Japan"),
    "KE": ("Kenya", "Kenia"),
    "KZ": ("Kazakhstan", "Kasachstan"),
    "MX": ("Mexico", "Mexiko"),
    "NA": ("Namibia", "Namibia"),
    "NG": ("Nigeria", "Nigeria"),
    "PE": ("Peru", "Peru"),
    "PL": ("Poland", "Polen"),
    "RO": ("Romania", "Rumänien"),
    "SE": ("Sweden", "Schweden"),
    "SG": ("Singapore", "Singapur"),
    "TR": ("Turkey", "Türkei"),
    "US": ("United States", "Vereinigte Staaten"),
    "ZA": ("South Africa", "Südafrika"),
}

# Where the invented towns lie: country, south, north, west, east; each box well inside its country.
_LANDS: tuple[tuple[str, float, float, float, float], ...] = (
    ("DE", 48.5, 52.8, 9.0, 12.0),
    ("FR", 44.8, 48.5, 0.5, 5.0),
    ("ES", 38.5, 42.0, -5.5, -1.5),
    ("PL", 51.0, 53.3, 16.0, 22.0),
    ("IT", 44.7, 45.5, 8.0, 11.5),
    ("GB", 51.6, 53.2, -2.3, -0.3),
    ("SE", 58.0, 62.0, 13.5, 16.5),
    ("FI", 61.5, 64.5, 24.5, 28.0),
    ("RO", 44.8, 47.0, 23.0, 26.5),
    ("TR", 38.2, 40.3, 30.0, 39.0),
    ("KZ", 48.0, 51.5, 66.0, 74.0),
    ("IN", 17.0, 25.5, 75.0, 81.5),
    ("CN", 27.0, 37.5, 105.0, 116.0),
    ("JP", 35.9, 36.8, 138.2, 139.8),
    ("AU", -36.0, -29.5, 142.0, 149.5),
    ("ZA", -32.0, -28.5, 22.0, 26.5),
    ("NA", -25.0, -18.5, 15.0, 19.0),
    ("KE", -0.8, 1.5, 35.5, 38.0),
    ("NG", 7.5, 11.8, 4.5, 11.5),
    ("EG", 25.0, 29.5, 30.6, 31.8),
    ("BR", -21.5, -10.0, -51.0, -42.5),
    ("AR", -37.0, -28.5, -66.5, -61.5),
    ("PE", -13.5, -8.5, -76.5, -74.5),
    ("MX", 20.5, 25.0, -102.5, -99.5),
    ("US", 33.0, 41.0, -99.0, -83.5),
    ("CA", 50.0, 54.5, -113.0, -98.0),
)


@dataclass(frozen=True)
class City:
    """What is true of a city, whatever its pages say.

    Attributes:
        city_id: its number in the watchlist.
        language: of the article on the watchlist.
        titles: language → the article's title.
        region: the ISO 3166-2 code, where it is known.
    """

    city_id: int
    language: str
    titles: Mapping[str, str]
    country_code: str
    region: str
    latitude: float
    longitude: float
    population: int
    population_year: int
    area_km2: float
    elevation_m: int
    wikidata_id: str

    @property
    def title(self) -> str:
        """The title on the watchlist."""
        return self.titles[self.language]

    @property
    def is_invented(self) -> bool:
        """Whether it is on no map."""
        return self.title.startswith("Testville-")

    @property
    def timezone(self) -> str:
        """The IANA name."""
        return tzfpy.get_tz(self.longitude, self.latitude)


def _real(city_id: int, language: str, english: str, german: str, *facts: Any) -> City:
    return City(city_id, language, {"en": english, "de": german}, *facts)


_REAL_CITIES: tuple[City, ...] = (
    _real(1, "en", "Berlin", "Berlin", "DE", "DE-BE", 52.52, 13.405, 3677472, 2021, 891.7, 34, "Q64"),
    _real(2, "de", "Munich", "München", "DE", "DE-BY", 48.1375, 11.575, 1512491, 2022, 310.7, 519, "Q1726"),
    _real(3, "en", "London", "London", "GB", "", 51.5072, -0.1275, 8799800, 2021, 1572.0, 11, "Q84"),
    _real(4, "en", "Paris", "Paris", "FR", "", 48.8567, 2.3522, 2133111, 2021, 105.4, 78, "Q90"),
    _real(5, "en", "New York City", "New York City", "US", "US-NY", 40.7128, -74.0061, 8804190, 2020, 1223.6, 10, "Q60"),
    _real(6, "en", "Tokyo", "Tokio", "JP", "", 35.6897, 139.6922, 14094034, 2021, 2194.0, 40, "Q1490"),
    _real(7, "de", "Cologne", "Köln", "DE", "DE-NW", 50.9364, 6.9528, 1073096, 2021, 405.0, 53, "Q365"),
    _real(8, "en", "Singapore", "Singapur", "SG", "", 1.2833, 103.8333, 5917600, 2023, 734.3, 15, "Q334"),
    _real(9, "en", "São Paulo", "São Paulo", "BR", "", -23.55, -46.6333, 11451999, 2022, 1521.1, 760, "Q174"),
    _real(10, "en", "Bengaluru", "Bengaluru", "IN", "", 12.9789, 77.5917, 8443675, 2011, 741.0, 920, "Q1355"),
    _real(11, "de", "Vienna", "Wien", "AT", "", 48.2083, 16.3725, 1931593, 2022, 414.8, 151, "Q1741"),
    _real(12, "en", "Madrid", "Madrid", "ES", "", 40.4169, -3.7033, 3305408, 2021, 604.3, 657, "Q2807"),
    _real(13, "en", "Rome", "Rom", "IT", "", 41.8933, 12.4828, 2748109, 2022, 1285.0, 21, "Q220"),
    _real(14, "en", "Stockholm", "Stockholm", "SE", "", 59.3294, 18.0686, 984748, 2022, 188.0, 28, "Q1754"),
    _real(15, "en", "Warsaw", "Warschau", "PL", "", 52.23, 21.0111, 1861975, 2022, 517.2, 113, "Q270"),
    _real(16, "en", "Istanbul", "Istanbul", "TR", "", 41.0136, 28.955, 15655924, 2023, 5461.0, 39, "Q406"),
    _real(17, "en", "Nairobi", "Nairobi", "KE", "", -1.2864, 36.8172, 4397073, 2019, 696.1, 1795, "Q3870"),
    _real(18, "en", "Windhoek", "Windhoek", "NA", "", -22.57, 17.0836, 486169, 2023, 5133.0, 1655, "Q3935"),
    _real(19, "en", "Mexico City", "Mexiko-Stadt", "MX", "", 19.4333, -99.1333, 9209944, 2020, 1485.0, 2240, "Q1489"),
    _real(20, "en", "Sydney", "Sydney", "AU", "", -33.8678, 151.21, 5450496, 2023, 12367.7, 19, "Q3130"),
    _real(21, "de", "Hamburg", "Hamburg", "DE", "DE-HH", 53.55, 10.0, 1892122, 2022, 755.1, 6, "Q1055"),
)


def _invented(seed: int, city_id: int) -> City:
    """A town that depends on the seed and its number alone, so that a larger world only adds to a smaller one."""
    dice = random.Random(f"{seed} town {city_id}")
    country_code, south, north, west, east = dice.choice(_LANDS)
    name = f"Testville-{city_id - len(_REAL_CITIES):04}"
    population = round(10 ** dice.uniform(4.3, 6.6))
    # Some pages give a round figure, so some towns have one.
    if dice.random() < 0.15:
        population = round(population, -5 if population > 1_000_000 else -4)
    return City(
        city_id=city_id,
        language="en",
        titles={"en": name, "de": name},
        country_code=country_code,
        region="",
        latitude=round(dice.uniform(south, north), 4),
        longitude=round(dice.uniform(west, east), 4),
        population=population,
        population_year=dice.randint(2009, 2024),
        area_km2=round(population / dice.uniform(500, 5000), 2),
        elevation_m=dice.randint(-6, -1) if dice.random() < 0.04 else round(dice.expovariate(1 / 250)) + 1,
        wikidata_id=f"Q{990_000_000 + city_id}",
    )


class World:
    """The cities and the seed that everything else is made from."""

    def __init__(self, cities: int = 10, seed: int = 7) -> None:
        real = _REAL_CITIES[:cities]
        self.seed = seed
        self.cities = real + tuple(_invented(seed, city_id) for city_id in range(len(real) + 1, cities + 1))
        self._by_title = {(language, title): city for city in self.cities for language, title in city.titles.items()}

    def watchlist(self) -> list[dict[str, Any]]:
        """The rows of the watchlist that names these cities."""
        return [
            {
                "city_id": city.city_id,
                "wikipedia_language": city.language,
                "wikipedia_title": city.title,
                "is_watched": True,
            }
            for city in self.cities
        ]

    def systems(self) -> list[dict[str, Any]]:
        """The rows of the watchlist that names the shared-mobility systems: by address, and by id in the catalogue."""
        paris = self.find("en", "Paris")
        velib = "https://velib-metropole-opendata.smovengo.cloud/opendata/Velib_Metropole/gbfs.json"
        return [
            {"system_id": "velib", "url": velib, "city_id": paris.city_id if paris else None, "ttl_s": 60},
            {"system_id": "testville", "catalogue_id": "testville", "city_id": self.cities[0].city_id, "ttl_s": None},
        ]

    def find(self, language: str, title: str) -> City | None:
        """The city of an article."""
        return self._by_title.get((language, title))

    def elevation_m(self, latitude: float, longitude: float) -> float:
        """The height of the ground: that of the city which lies there, 100 m in the open country."""
        nearest = min(self.cities, key=lambda city: (city.latitude - latitude) ** 2 + (city.longitude - longitude) ** 2)
        is_there = abs(nearest.latitude - latitude) < 0.2 and abs(nearest.longitude - longitude) < 0.2
        return float(nearest.elevation_m) if is_there else 100.0
