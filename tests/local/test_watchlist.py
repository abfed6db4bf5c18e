"""The watchlist in a bucket: `gans watch` changes it there, and two people at once never give a number twice."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gans.errors import ConfigError
from gans.storage.store import S3Store, open_store
from gans.storage.watchlist import KEY, WatchedCity, read_watchlist
from local import watchlist


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="gans-landing")
        store = open_store("s3://gans-landing")
        assert isinstance(store, S3Store)
        yield store


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
