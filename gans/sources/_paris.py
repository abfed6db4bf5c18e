"""Paris's open data as a second provider of stations and their status: the data set `velib-disponibilite-en-temps-reel`.

The format: an export of the data set as JSON, a list of records (https://opendata.paris.fr, Explore API 2.1), which has no limit
of rows; the same records as that API pages them, under `results`, and as its version 1 wrapped them, in `fields`, in `records` or
in a list, are read too.

Rules beside those of `_gbfs`, whose shapes the records are brought into
1. A station's id is its `stationcode`, the number that stands on it; Vélib's own feeds have another. Some are no number
   (`11031_relais`).
2. `OUI` and `NON` are true and false. Coordinates are {"lon", "lat"}, or a list of latitude and longitude.
3. What is told twice (a count by kind of bicycle, and their sum) is stored as told, whether the two agree or not.
4. A record tells its own time alone (`duedate`), and none tells that of the whole: the newest of them is when all were renewed.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from gans.errors import BadData
from gans.sources import _gbfs, _json

PROVIDER: Final = "paris_opendata"

SYSTEM: Final = {"name": "Vélib' Métropole", "operator": "Smovengo", "timezone": "Europe/Paris", "language": "fr"}
"""What the data set does not tell of the system that it is about."""


class _Coordinates(msgspec.Struct):
    lat: float
    lon: float


_Truth = Literal["OUI", "NON"] | None


class _Record(msgspec.Struct, kw_only=True):
    stationcode: _gbfs.Id
    name: str | None = None
    capacity: _gbfs.Count | None = None
    coordonnees_geo: _Coordinates | list[float] | None = None
    numbikesavailable: _gbfs.Count | None = None
    numdocksavailable: _gbfs.Count | None = None
    mechanical: _gbfs.Count | None = None
    ebike: _gbfs.Count | None = None
    is_installed: _Truth = None
    is_renting: _Truth = None
    is_returning: _Truth = None
    duedate: _gbfs.Time | None = None


class _Page(msgspec.Struct):
    results: list[msgspec.Raw] | None = None
    records: list[msgspec.Raw] | None = None


class _Wrapped(msgspec.Struct):
    fields: msgspec.Raw = msgspec.Raw()


def export_of(url: str) -> str:
    """The address of the export of a data set, from that of the data set in the API."""
    return f"{url.rstrip('/')}/exports/json"


def stations(body: bytes) -> _gbfs.Feed[_gbfs.Station]:
    """The stations of the records.

    Raises:
        BadData: not records of the data set.
    """
    records = _records(body)
    return _gbfs.Feed(
        head=records.head,
        ids=records.ids,
        items=list(map(_station, records.items)),
        refused=records.refused,
        repairs=records.repairs,
    )


def _station(record: _Record) -> _gbfs.Station:
    point = record.coordonnees_geo
    if isinstance(point, list):
        point = _Coordinates(*point) if len(point) == 2 else None
    latitude, longitude = (point.lat, point.lon) if point else (None, None)
    return _gbfs.Station(station_id=record.stationcode, name=record.name, lat=latitude, lon=longitude, capacity=record.capacity)


def status(body: bytes, fetched_at: datetime) -> _gbfs.Feed[_gbfs.Status]:
    """What the records say is available.

    Raises:
        BadData: not records of the data set.
    """
    records, (earliest, latest) = _records(body), _gbfs.reporting(fetched_at)
    newest = max((due for record in records.items if (due := record.duedate) and earliest <= due <= latest), default=None)
    head = _gbfs.Head(last_updated=newest and newest.timestamp())
    return _gbfs.Feed(
        head=head, ids=records.ids, items=list(map(_status, records.items)), refused=records.refused, repairs=records.repairs
    )


def _status(record: _Record) -> _gbfs.Status:
    kinds = {"mechanical": record.mechanical, "ebike": record.ebike}
    return _gbfs.Status(
        station_id=record.stationcode,
        num_vehicles_available=record.numbikesavailable,
        num_docks_available=record.numdocksavailable,
        is_installed=_truth(record.is_installed),
        is_renting=_truth(record.is_renting),
        is_returning=_truth(record.is_returning),
        last_reported=record.duedate,
        num_bikes_available_types={kind: count for kind, count in kinds.items() if count is not None},
    )


def _truth(value: _Truth) -> bool | None:
    return None if value is None else value == "OUI"


def _records(body: bytes) -> _gbfs.Feed[_Record]:
    """The records in any of the three forms, each station once."""
    try:
        answer, mended = _json.decode(body, _decode_answer)
        raw = answer if isinstance(answer, list) else answer.results or answer.records or []
        raw = [_unwrapped(record) for record in raw]
    except (ValueError, RecursionError) as error:
        raise BadData(f"Not records of the data set: {error}") from None
    if not raw:
        raise BadData("Not records of the data set: there are none")
    items, refused, repairs = _gbfs.decoded(raw, _Record)
    return _gbfs.once(_gbfs.Head(), items, refused, repairs + mended, "stationcode")


_decode_answer = msgspec.json.Decoder(list[msgspec.Raw] | _Page).decode


def _unwrapped(record: msgspec.Raw) -> msgspec.Raw:
    """The fields of a record, which version 1 has in `fields`; what is no record stays, to be refused by itself."""
    try:
        fields = msgspec.json.decode(record, type=_Wrapped).fields
    except ValueError:
        return record
    return fields if bytes(fields) else record
