"""Changes to the watchlist, in a bucket and in a file: nothing that it says locks anyone out, and no number is given twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from gans.errors import ConfigError
from gans.storage.store import FolderStore, S3Store, open_store
from gans.storage.watchlist import KEY, WatchedCity, read_watchlist
from local import watchlist

BERLIN, ULM = WatchedCity(1, "en", "Berlin"), WatchedCity(2, "de", "Ulm")


def test_the_list_begins_and_grows_and_keeps_its_numbers(bucket: S3Store) -> None:
    assert watchlist.cities(bucket, None) == []
    assert watchlist.add(bucket, None, "en", "Berlin") == BERLIN
    assert watchlist.add(bucket, None, "de", "Ulm") == ULM
    assert watchlist.remove(bucket, None, "Ulm").is_watched is False
    assert watchlist.add(bucket, None, "en", "Oslo").city_id == 3
    assert watchlist.add(bucket, None, "de", "Ulm") == ULM
    assert [city.city_id for city in watchlist.cities(bucket, None)] == [1, 2, 3]
    with pytest.raises(ConfigError, match="watched already, as city 1"):
        watchlist.add(bucket, None, "en", "Berlin")


def test_a_region_is_told_with_the_city_or_later(bucket: S3Store) -> None:
    assert watchlist.add(bucket, None, "en", "Berlin", "DE-BE").region == "DE-BE"
    assert watchlist.add(bucket, None, "de", "Ulm").region is None
    assert watchlist.add(bucket, None, "de", "Ulm", "DE-BW") == WatchedCity(2, "de", "Ulm", region="DE-BW")
    watchlist.remove(bucket, None, "Ulm")
    assert watchlist.add(bucket, None, "de", "Ulm").region == "DE-BW"
    with pytest.raises(ConfigError, match="watched already, as city 1"):
        watchlist.add(bucket, None, "en", "Berlin", "DE-BE")


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        ("DE-XX", r"'DE-XX' is no region of ISO 3166-2\. There are DE-BB, DE-BE, "),
        ("de-be", r"'de-be' is no region of ISO 3166-2\. There are DE-BB, DE-BE, "),
        ("", r"'' is no region of ISO 3166-2\. It begins with the country's code, like DE-BE or GB-SCT"),
        ("GB-LND", r"GB-LND \(London, City of\) lies in GB-ENG: give that"),
    ],
)
def test_a_region_that_is_none_is_refused_and_nothing_is_written(bucket: S3Store, region: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        watchlist.add(bucket, None, "en", "Berlin", region)
    assert watchlist.cities(bucket, None) == []


def test_what_else_stands_in_it_stays(bucket: S3Store) -> None:
    bucket.write(KEY, b'{"airport_distance_km": 25}')
    watchlist.add(bucket, None, "en", "Berlin")
    assert read_watchlist(bucket, None).airport_distance_km == 25


@pytest.mark.parametrize(
    ("before", "look"),
    [
        (None, ("get_object", 1)),
        (None, ("put_object", 0)),
        (b'{"cities": []}', ("get_object", 2)),
        (b'{"cities": []}', ("get_object", 3)),
        (b'{"cities": []}', ("put_object", 0)),
    ],
)
def test_of_two_at_once_one_is_told_to_do_it_again(
    bucket: S3Store, monkeypatch: pytest.MonkeyPatch, before: bytes | None, look: tuple[str, int]
) -> None:
    if before:
        bucket.write(KEY, before)
    other = open_store("s3://gans-landing")
    moment, number = look
    real: Callable[..., Any] = getattr(bucket.client, moment)
    calls = iter(range(100))

    def late(**arguments: Any) -> Any:
        if next(calls) == number:
            watchlist.add(other, None, "en", "Berlin")
        return real(**arguments)

    monkeypatch.setattr(bucket.client, moment, late)
    with pytest.raises(ConfigError, match=r"Another changed s3://gans-landing/reference/watchlist.json .* Run the command again"):
        watchlist.add(bucket, None, "de", "Ulm")
    assert watchlist.cities(other, None) == [BERLIN]
    assert watchlist.add(bucket, None, "de", "Ulm") == ULM
    assert watchlist.cities(other, None) == [BERLIN, ULM]


def test_what_cannot_be_written_is_said_in_one_message(bucket: S3Store) -> None:
    boto3.client("s3").delete_bucket(Bucket="gans-landing")
    with pytest.raises(ConfigError, match=r"Cannot use s3://gans-landing/reference/watchlist.json: .*NoSuchBucket"):
        watchlist.add(bucket, None, "en", "Berlin")


@pytest.fixture
def file(tmp_path: Path, store: FolderStore) -> Path:
    """A watchlist with Berlin."""
    watchlist.add(store, tmp_path / "watchlist.toml", "en", "Berlin")
    return tmp_path / "watchlist.toml"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "data")


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("", "is empty"),
        (" _\t\n\u3000", "is empty"),
        ("x" * 256, "255 bytes at most, and 'Xxx.*…' has 256"),
        ("ü" * 128, "255 bytes at most"),
        ("Berlin#History", "is no title"),
        ("M%C3%BCnchen", "is no title"),
        ("Ber\x00lin", "is no title"),
        ("Ber\udcfflin", "is no title"),
        ("https://en.wikipedia.org/wiki/Berlin", "is an address"),
    ],
)
def test_what_no_article_is_called_is_not_written(store: FolderStore, file: Path, title: str, reason: str) -> None:
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=reason):
        watchlist.add(store, file, "en", title)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "again", ["New_York_City", " New  York City ", "new York City", "New\u00a0York City", "New York City\u200e"]
)
def test_an_article_is_one_however_it_is_spelled(store: FolderStore, file: Path, again: str) -> None:
    assert watchlist.add(store, file, "en", "new_York City").wikipedia_title == "New York City"
    with pytest.raises(ConfigError, match="en:New York City is watched already, as city 2"):
        watchlist.add(store, file, "en", again)
    assert watchlist.remove(store, file, again) == WatchedCity(2, "en", "New York City", is_watched=False)


def test_the_case_of_other_letters_and_what_has_no_capital_stay(store: FolderStore, file: Path) -> None:
    for title in ("ßtadt", "İzmir", "´s-Hertogenbosch", "'s-Hertogenbosch"):
        assert watchlist.add(store, file, "de", title).wikipedia_title == title
    assert watchlist.add(store, file, "de", "Mu\u0308nchen").wikipedia_title == "München"


ULM_ALONE = 'city_id = 2, wikipedia_language = "de", wikipedia_title = "Ulm"'


@pytest.mark.parametrize(
    "text", ["", "cities = []", f"cities = [{{ {ULM_ALONE} }}]", f"cities = [\n  {{ {ULM_ALONE} }},  # ours\n]\n"]
)
def test_a_list_in_another_form_of_toml_grows(store: FolderStore, tmp_path: Path, text: str) -> None:
    file = tmp_path / "watchlist.toml"
    file.write_text(f"# mine\n{text}\nairport_distance_km = 7\n")
    added = watchlist.add(store, file, "de", "Essen")
    assert watchlist.add_system(store, file, "oslo", "oslobysykkel", "gbfs", added.city_id, None).city_id == added.city_id
    assert read_watchlist(store, file).cities[-1] == added
    assert watchlist.remove(store, file, "Essen") == WatchedCity(added.city_id, "de", "Essen", is_watched=False)
    assert file.read_text().startswith("# mine\n")
    assert read_watchlist(store, file).airport_distance_km == 7
    assert ("# ours" in text) == ("# ours" in file.read_text())


def test_several_at_once_get_a_number_each(store: FolderStore, file: Path) -> None:
    titles = [f"City {number}" for number in range(6)]
    with ThreadPoolExecutor(len(titles)) as people:
        added = list(people.map(lambda title: watchlist.add(store, file, "en", title), titles))
    assert sorted(city.city_id for city in added) == [2, 3, 4, 5, 6, 7]
    assert len(read_watchlist(store, file).cities) == 7


def test_a_crash_while_it_is_written_leaves_it_as_it_was(store: FolderStore, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def crash(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        watchlist.add(store, file, "de", "Ulm")
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} <= {file.name, f".{file.name}.lock", f".{file.name}.last"}


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(store: FolderStore, file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    watchlist.add(store, link, "de", "Ulm")
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert len(read_watchlist(store, file).cities) == 2


EMPTY = '[[cities]]\ncity_id = 9\nwikipedia_language = "en"\nwikipedia_title = ""\n'


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (EMPTY, "9"),
        (EMPTY, "#2"),
        (EMPTY.replace("9", "1").replace('""', '"Ulm"'), "Ulm"),
        (EMPTY.replace("9", "1").replace('""', '"Ulm"'), "#2"),
        (EMPTY.replace("9", "true"), "#2"),
        ("[[cities]]\n", "#2"),
    ],
)
def test_what_is_wrong_in_a_file_can_be_removed(store: FolderStore, file: Path, wrong: str, named: str) -> None:
    file.write_text(f"{file.read_text()}\n{wrong}")
    with pytest.raises(ConfigError, match=r"gans watch|number of its own"):
        read_watchlist(store, file)
    assert watchlist.remove(store, file, named) is None
    assert [city for city in read_watchlist(store, file).cities if city.is_watched] == [BERLIN]
    assert watchlist.add(store, file, "de", "Ulm").city_id == (10 if "9" in wrong else 2), "a number is not given again"


def test_what_is_right_in_a_broken_file_can_be_removed_too(store: FolderStore, file: Path) -> None:
    file.write_text(f"{file.read_text()}\n{EMPTY}")
    assert watchlist.remove(store, file, "Berlin") is None
    assert watchlist.remove(store, file, "9") is None
    assert [(city.city_id, city.is_watched) for city in read_watchlist(store, file).cities] == [(1, False), (9, False)]
    file.write_text(f"{file.read_text()}\n[[systems]]\nsystem_id = 'oslo'\nurl = 'http://x'\n")
    assert watchlist.remove_system(store, file, "oslo") is None
    assert read_watchlist(store, file).systems == ()


@pytest.mark.parametrize("kept", [0, 1, 30, -1, -9])
def test_a_file_that_was_cut_off_in_the_middle_is_read_as_it_was_and_mended(
    store: FolderStore, file: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    watchlist.add(store, file, "de", "Ulm")
    whole = file.read_text().rstrip()
    file.write_text(whole[:kept].removesuffix("\n"))
    assert read_watchlist(store, file).cities == (BERLIN, ULM)
    assert "cut off in the middle" in caplog.text
    assert watchlist.add(store, file, "en", "Oslo").city_id == 3, "a number is not given again"
    assert [city.city_id for city in read_watchlist(store, file).cities] == [1, 2, 3]
    assert file.read_text().startswith(whole)


def test_what_a_person_writes_is_never_taken_for_a_file_that_was_cut_off(store: FolderStore, file: Path) -> None:
    fewer = file.read_text()
    watchlist.add(store, file, "de", "Ulm")
    assert file.read_text().startswith(fewer)
    file.write_text(fewer)
    assert read_watchlist(store, file).cities == (BERLIN,), "it is whole"
    file.write_text("[[cities]]\ncity_id = 7\nwikipedia_ti")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_watchlist(store, file)


def test_a_file_and_a_link_to_it_have_one_lock(store: FolderStore, file: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    link = tmp_path / "other" / "link.toml"
    link.symlink_to(file)
    with ThreadPoolExecutor(6) as people:
        added = list(people.map(lambda n: watchlist.add(store, (file, link)[n % 2], "en", f"City {n}"), range(6)))
    assert sorted(city.city_id for city in added) == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("text", ["[[cities]]\ncity_id = 1\nwikipedia_ti", "cities = 3", "\ufeff\x00"])
def test_half_a_file_is_said_to_be_so(store: FolderStore, file: Path, text: str) -> None:
    file.write_text(text)
    for change in (watchlist.remove, watchlist.remove_system):
        with pytest.raises(ConfigError, match=r"watchlist\.toml cannot be read"):
            change(store, file, "1")
    assert file.read_text() == text


def test_what_is_wrong_in_a_bucket_can_be_removed(bucket: S3Store) -> None:
    bucket.write(KEY, b'{"cities": [{"city_id": 1, "wikipedia_language": "en", "wikipedia_title": ""}]}')
    assert watchlist.remove(bucket, None, "1") is None
    assert watchlist.add(bucket, None, "de", "Ulm") == ULM


@pytest.mark.parametrize(
    ("system_id", "where", "reason"),
    [
        ("demo", "http://x.test/gbfs.json", r"begins with https://.*Try https://x\.test/gbfs\.json"),
        ("demo", "x.test/gbfs.json", r"Give https://x\.test/gbfs\.json"),
        ("demo", "https://", "names no host"),
        ("demo", "https://x.test/a b", "has no blanks"),
        ("demo", " ", "its System ID"),
        ("demo", "x\udcff", "its System ID"),
        ("Demo City", "https://x.test/", "small letters"),
        ("", "https://x.test/", "small letters"),
        ("x" * 65, "https://x.test/", "1 to 64"),
    ],
)
def test_what_no_system_is_called_is_said_in_words(
    store: FolderStore, file: Path, system_id: str, where: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as said:
        watchlist.add_system(store, file, system_id, where, "gbfs", None, None)
    assert "regex" not in str(said.value)


def test_the_case_of_a_host_does_not_count(store: FolderStore, file: Path) -> None:
    added = watchlist.add_system(store, file, "demo", " HTTPS://Feeds.Example.org/GBFS.json", "gbfs", None, None)
    assert added.url == "https://feeds.example.org/GBFS.json"


def test_a_file_that_windows_wrote_is_read_and_changed(tmp_path: Path) -> None:
    file, store = tmp_path / "watchlist.toml", FolderStore(tmp_path)
    city = '# ours\n[[cities]]\ncity_id = 1\nwikipedia_language = "en"\nwikipedia_title = "Berlin"\n'
    file.write_bytes(b"\xef\xbb\xbf" + city.replace("\n", "\r\n").encode())
    assert watchlist.add(store, file, "en", "Paris").city_id == 2
    assert [city.wikipedia_title for city in watchlist.cities(store, file)] == ["Berlin", "Paris"]
    assert file.read_bytes().startswith(b"# ours\r\n[[cities]]\r\n")
