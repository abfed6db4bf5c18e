"""What MobilityData's catalogue means."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gans.errors import BadData
from gans.source import Capture, Omitted, Reject, Repaired, Row
from gans.sources.systems_catalogue import parse

PAYLOAD = (Path(__file__).parent / "payload.csv").read_bytes()
NOW = datetime(2025, 3, 30, tzinfo=UTC)


def items(body: bytes) -> list[Row | Reject | Omitted | Repaired]:
    return list(parse(Capture(unit="catalogue", url="https://x.test", status=200, slot=NOW, fetched_at=NOW, body=body)))


def test_the_payload() -> None:
    windhoek, testville = items(PAYLOAD)
    assert isinstance(windhoek, Row)
    assert windhoek.values == {
        "catalogue_id": "windhoek_wheels", "name": "Windhoek Wheels", "country_code": "NA", "location": "Windhoek, Khomas",
        "url": "https://gbfs.example.com/windhoek/gbfs.json", "versions": "1.1 ; 2.3 ; 3.0",
    }  # fmt: skip
    assert isinstance(testville, Row)
    assert testville.values["url"].startswith("https://")


def test_a_bad_line_costs_only_itself() -> None:
    head, *lines = PAYLOAD.splitlines(keepends=True)
    bad = b'DE,"A,B\n' + b"DE,A,B,id,u,file:///x,1,,,\n" + b"DE,A,B,none,u,,1,,,\n" + lines[0]
    found = items(head + lines[0] + bad + lines[1])
    assert [type(item) for item in found] == [Row, Reject, Reject, Omitted, Repaired, Row]


def test_bytes_that_are_no_utf_8_and_a_byte_order_mark_cost_no_more_than_their_field() -> None:
    repaired, row, _ = items(b"\xef\xbb\xbf" + PAYLOAD.replace(b"Windhoek Wheels", b"Windh\xf6k"))
    assert repaired == Repaired("bytes that are no UTF-8")
    assert isinstance(row, Row)
    assert (row.values["name"], row.values["location"]) == (None, "Windhoek, Khomas")


@pytest.mark.parametrize("body", [b"", b"<html>\n", b"System ID,Name\na,b\n", PAYLOAD[:-5], b"\xff\xfe\n"])
def test_another_file_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(BadData):
        items(body)
