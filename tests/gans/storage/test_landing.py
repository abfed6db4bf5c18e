"""The raw store: a folder and a bucket behave alike, and what is landed comes back as it was."""

import gzip
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gans.errors import BadData
from gans.source import Capture
from gans.storage import landing
from gans.storage.landing import Footer, Header, PartKey, PartWriter, read_part

SLOT = datetime(2025, 3, 30, 3, tzinfo=UTC)
NOW = datetime(2025, 3, 30, 3, 1, 2, 345_678, tzinfo=UTC)
HEADER = Header(source="weather", slot=SLOT, attempt=NOW, part=1, code_version="0.1")
KEY = "landing/weather/20250330T030000.000000Z/20250330T030102.345678Z/0001.ndjson.gz"


def test_a_part_has_one_key() -> None:
    key = PartKey("weather", SLOT, NOW, 1)
    assert str(key) == KEY
    assert PartKey.parse(KEY) == key == PartKey.of(HEADER)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "reference/cities.json",
        "landing/weather/x",
        KEY + "x",
        "x" + KEY,
        KEY + "\n",
        KEY.replace("weather", "../weather"),
        KEY.replace("weather", "Weather"),
        KEY.replace("/0001", "/../0001"),
        KEY.replace("0001", "1"),
        KEY.replace("0001", "0000"),
        KEY.replace("0001", "00001"),
        KEY.replace("20250330T030000", "20251330T030000"),
        KEY.replace("20250330T030000.000000Z", "20250330T030000.0Z"),
        KEY.replace("20250330T030000.000000Z", "2025330T030000.000000Z"),
        KEY.replace("20250330", "٢٠٢٥٠٣٣٠"),
        KEY.replace("20250330T03", "19991231T23"),
        KEY.replace("/2025", "/900", 1),
        KEY.replace("/2025", "/0900", 1),
    ],
)
def test_a_foreign_key_is_refused(key: str) -> None:
    with pytest.raises(BadData, match="is not the key of a landed part"):
        PartKey.parse(key)


def capture(unit: str, body: bytes = b"", **fields: object) -> Capture:
    return Capture(unit=unit, url="https://api.test/", status=200, slot=SLOT, fetched_at=NOW, body=body, **fields)


CAPTURES = [
    capture("text", '{"name": "Köln 🛴", "line": "a\\nb"}\n\r\u2028\x00\x85'.encode(), headers={"etag": '"1"'}),
    capture("empty"),
    capture("not utf-8", "Zürich".encode("latin-1") + bytes(range(256))),
    capture("noise", random.Random(1).randbytes(10_000)),
    capture("byte order mark", b"\xef\xbb\xbfa,b\n"),
    capture("half a surrogate", b"\xed\xa0\x80"),
    capture("context", context={"cities": [{"city_id": 1, "name": "Malmö", "at": None, "x": 1.5, "yes": True}]}),
    msgspec.structs.replace(capture("failed"), status=0, error="Transient: en.wikipedia.org did not answer in time"),
    Capture(unit="given", url="", status=0, slot=SLOT, fetched_at=NOW, context={"rows": []}),
]


def written(captures: list[Capture], **footer: object) -> bytes:
    writer = PartWriter(HEADER)
    for captured in captures:
        writer.add(captured)
    return writer.close(
        Footer(finished_at=NOW, requests=7, bytes_received=writer.body_bytes, **{"captures": writer.captures, **footer})
    )


def test_a_part_comes_back_as_it_was() -> None:
    part = read_part(written(CAPTURES, note="so"))
    assert part.captures == CAPTURES
    assert part.header == HEADER
    assert part.footer == Footer(
        finished_at=NOW,
        requests=7,
        bytes_received=sum(len(c.body) for c in CAPTURES),
        captures=len(CAPTURES),
        is_cut_short=False,
        note="so",
    )


def test_a_part_is_gzipped_lines_that_anyone_can_read() -> None:
    first, *captures, last = (msgspec.json.decode(line) for line in gzip.decompress(written(CAPTURES[:2])).splitlines())
    assert (first["line"], first["source"], first["version"]) == ("header", "weather", 1)
    assert [(line["line"], line["unit"]) for line in captures] == [("capture", "text"), ("capture", "empty")]
    assert (last["line"], last["captures"]) == ("footer", 2)


def test_a_large_body_stands_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "MAX_TEXT_BYTES", 3)
    data = written([capture("small", b"abc"), capture("large", b"abcd")])
    _, small, large, _ = (msgspec.json.decode(line) for line in gzip.decompress(data).splitlines())
    assert (small["text"], large.get("text"), large["base64"]) == ("abc", None, "YWJjZA==")
    assert [one.body for one in read_part(data).captures] == [b"abc", b"abcd"]


def test_a_part_can_be_closed_again_where_it_could_not_be_written() -> None:
    writer = PartWriter(HEADER)
    writer.add(CAPTURES[0])
    assert read_part(writer.close(Footer(finished_at=NOW, requests=1, bytes_received=0, captures=1))).captures == CAPTURES[:1]
    writer.add(CAPTURES[1])
    assert (
        read_part(writer.close(Footer(finished_at=NOW, requests=1, bytes_received=0, captures=2, is_cut_short=True))).captures
        == CAPTURES[:2]
    )


def lines(*changed: bytes) -> bytes:
    return gzip.compress(b"\n".join(changed), mtime=0)


WHOLE = written(CAPTURES)
FIRST, *MIDDLE, LAST = gzip.decompress(written(CAPTURES)).splitlines()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut short"),
        (b"PK\x03\x04", "not gzip"),
        (b'{"line":"header"}', "not gzip"),
        (WHOLE[:-1], "cut short"),
        (WHOLE[: len(WHOLE) // 2], "cut short"),
        (WHOLE[:-8] + b"\x00" * 8, "not gzip"),
        (lines(b""), "not one of ours"),
        (lines(b"not json"), "not one of ours"),
        (lines(FIRST, b"\xff", LAST), "not one of ours"),
        (lines(FIRST, b'{"line":"other"}', LAST), "not one of ours"),
        (lines(FIRST, b'{"line":"capture","unit":1}', LAST), "not one of ours"),
        (lines(FIRST, b"[" * 10_000, LAST), "not one of ours"),
        (lines(*MIDDLE, LAST), "not one of ours"),
        (lines(FIRST), "not one of ours"),
        (lines(FIRST, b""), "does not end with a footer"),
        (lines(FIRST, *MIDDLE), "footer"),
        (lines(FIRST, *MIDDLE[1:], LAST), "holds 8 captures and 0 other lines, its footer says 9"),
        (lines(FIRST, *MIDDLE, MIDDLE[0], LAST), "holds 10 captures and 0 other lines, its footer says 9"),
        (lines(FIRST, FIRST, *MIDDLE, LAST), "not one of ours"),
        (lines(FIRST, *MIDDLE, LAST, LAST), "holds 9 captures and 1 other lines, its footer says 9"),
        (lines(FIRST.replace(b'"version":1', b'"version":2'), b'{"line":"something new"}'), "of version 2; .* update Gans"),
    ],
)  # fmt: skip
def test_what_is_no_whole_part_of_ours_is_bad_data(data: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        read_part(data)


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "MAX_PART_BYTES", 1 << 20)
    with pytest.raises(BadData, match="holds more than 1 MiB"):
        read_part(gzip.compress(bytes(8 << 20)))


MEASURED = """
import sys
from pathlib import Path
from gans.errors import BadData
from gans.storage.landing import read_part
try:
    print(len(read_part(Path(sys.argv[1]).read_bytes()).captures[0].body))
except BadData as error:
    print(error)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
"""Reads a part in a process of its own, whose most memory (MiB) it prints: `ru_maxrss` would count that of its parent, too."""

MIB = 1 << 20
LARGEST: dict[str, Callable[[], bytes]] = {
    "no text": lambda: random.Random(1).randbytes(32 * MIB),
    "all escapes": lambda: b'"\n' * (16 * MIB),
    "all controls": lambda: b"\x01" * (32 * MIB),
    "one wide character": lambda: "🛴".encode() + b"x" * (32 * MIB - 4),  # Python keeps such a text in four bytes a character
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory is measured by Linux")
@pytest.mark.parametrize("case", ["a bomb", *LARGEST])
def test_reading_a_part_takes_little_memory_whatever_it_is(case: str, tmp_path: Path) -> None:
    """The load function has 512 MB, of which its code takes up to a hundred."""
    if case == "a bomb":
        data, expected = gzip.compress(bytes(200 * MIB), 1), "The part holds more than 72 MiB uncompressed"
    else:
        data, expected = written([capture("large", LARGEST[case]())]), str(32 * MIB)
    (tmp_path / "part").write_bytes(data)
    run = subprocess.run((sys.executable, "-c", MEASURED, tmp_path / "part"), capture_output=True, text=True, check=True)
    outcome, peak_mib = run.stdout.splitlines()
    assert outcome == expected
    assert int(peak_mib) < 300


WRITTEN = """
import sys
from datetime import UTC, datetime
from gans.source import Capture
from gans.storage.landing import Header, PartWriter
at = datetime(2025, 3, 30, 3, tzinfo=UTC)
writer = PartWriter(Header(source="probe", slot=at, attempt=at, part=1, code_version="0"))
body = chr(0x1F600).encode() + bytes(32 * 1024 * 1024 - 4).replace(bytes(1), b"x")
writer.add(Capture(unit="a", url="", status=200, slot=at, fetched_at=at, body=body))
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory is measured by Linux")
def test_writing_a_part_takes_little_memory_whatever_it_holds() -> None:
    """The functions that collect have 256 MB, of which the code and what was received take up to a hundred and fifty."""
    run = subprocess.run((sys.executable, "-c", WRITTEN), capture_output=True, text=True, check=True)
    assert int(run.stdout) < 180


def test_any_damage_is_bad_data_or_none() -> None:
    chance = random.Random(7)
    plain = gzip.decompress(WHOLE)
    for _ in range(500):
        offset, byte = chance.randrange(len(plain)), chance.choice(b'\x00\xff"{}[]\\\n9e')
        damaged = plain[:offset] + bytes([byte]) + plain[offset + 1 :]
        for data in (gzip.compress(damaged), WHOLE[: offset % len(WHOLE)] + bytes([byte]) + WHOLE[offset % len(WHOLE) + 1 :]):
            with suppress(BadData):
                read_part(data)
