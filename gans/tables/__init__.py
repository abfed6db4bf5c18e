"""The tables, SQLAlchemy Core, a module a subject; every column has a comment with its unit."""

import importlib
import pkgutil

from gans.tables._columns import EPOCH, ColumnFacts, Instant, TableFacts, column_facts, metadata, table_facts
from gans.tables._retention import Aged, Thinned
from gans.tables.airports import AIRPORT_KINDS, airports, city_airports
from gans.tables.ledger import STATUSES, collection_runs, installation, rejects
from gans.tables.places import cities, city_populations, countries
from gans.tables.weather import CONDITION_GROUPS, weather_conditions, weather_forecasts

__all__ = [
    "AIRPORT_KINDS", "CONDITION_GROUPS", "EPOCH", "STATUSES", "Aged", "ColumnFacts", "Instant", "TableFacts", "Thinned",
    "airports", "cities", "city_airports", "city_populations", "collection_runs", "column_facts", "countries", "installation",
    "metadata", "rejects", "table_facts", "weather_conditions", "weather_forecasts",
]  # fmt: skip

for _module in pkgutil.iter_modules(__path__):  # a new subject adds its tables to `metadata` by being there
    importlib.import_module(f"{__name__}.{_module.name}")
