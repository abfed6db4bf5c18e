"""Settings: what is set is what is meant, and nothing secret is shown."""

from pathlib import Path

import msgspec
import pytest
from rich.pretty import pretty_repr

from gans.errors import ConfigError
from gans.settings import Settings, read_settings, redacted
from gans.source import Secret

KEY = "s3cr3t-k3y"


def test_nothing_set_is_a_laptop() -> None:
    assert read_settings({}) == Settings()
    assert read_settings({"PATH": "/bin", "HOME": ""}) == Settings()
    assert Settings().watchlist_file == Path("watchlist.toml")


def test_what_is_set_arrives() -> None:
    settings = read_settings(
        {
            "GANS_DATABASE_URL": " mysql+pymysql://gans@db/gans\n",
            "GANS_LANDING": "s3://gans-landing",
            "GANS_WATCHLIST": "/etc/gans/watchlist.toml",
            "GANS_SIMULATOR_URL": "http://127.0.0.1:8099",
            "GANS_OPENMETEO_KEY": KEY,
        }
    )
    assert settings.database_url == "mysql+pymysql://gans@db/gans"
    assert settings.watchlist == Path("/etc/gans/watchlist.toml")
    assert settings.watchlist_file is None, "the bucket holds the watchlist"
    assert settings.keys == {"GANS_OPENMETEO_KEY": KEY}


def test_empty_is_not_set() -> None:
    assert read_settings({"GANS_DATABASE_URL": "", "GANS_LANDING": "  ", "GANS_OPENMETEO_KEY": "", "GANS_TYPO": ""}) == Settings()


def test_a_variable_that_is_no_setting_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"Unknown setting GANS_DATABSE_URL\. Known: .*GANS_DATABASE_URL.*GANS_WATCHLIST"):
        read_settings({"GANS_DATABSE_URL": "sqlite://", "GANS_LANDING": "data"})


@pytest.mark.parametrize("name", ["GANS_CAPTURES", "GANS_DATASETS", "GANS_TEST_MYSQL_URL"])
def test_what_only_the_tests_read_is_let_alone(name: str) -> None:
    assert read_settings({name: "x"}) == Settings()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org:8099",
        "http://127.0.0.1.example.org",
        "http://localhost@example.org",
        "http://192.168.1.1:8099",
        "127.0.0.1:8099",
        "https://127.0.0.1:8099",
        "http://[::1",
        "http://127.0.0.1:port",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:8099/path",
        "http://127.0.0.1:8099?x=1",
        "http://u:hunter2@127.0.0.1:8099",
        "x",
    ],
)
def test_the_simulator_must_be_on_this_machine(url: str) -> None:
    with pytest.raises(ConfigError, match=r"GANS_SIMULATOR_URL=.* must be on this machine") as said:
        read_settings({"GANS_SIMULATOR_URL": url})
    assert "hunter2" not in str(said.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8099", "http://localhost:1", "http://[::1]:8099"])
def test_this_machine_has_several_names(url: str) -> None:
    assert read_settings({"GANS_SIMULATOR_URL": url}).simulator_url == url


@pytest.mark.parametrize("value", [f"{KEY}\nX-Other: 1", f"{KEY}é", f"{KEY}\x7f"])
@pytest.mark.parametrize("name", ["GANS_OPENMETEO_KEY", "GANS_CONTACT"])
def test_what_cannot_travel_in_a_header_is_refused_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} travels in a header") as refused:
        read_settings({name: value})
    assert KEY not in str(refused.value)


def test_a_key_that_is_needed_and_missing_says_where_it_was_looked_for() -> None:
    secret = Secret(setting="GANS_FLIGHTS_KEY", header="X-Key")
    with pytest.raises(ConfigError, match=r"GANS_FLIGHTS_KEY is not set\. Looked in the environment and in \.env") as missing:
        read_settings({"GANS_OTHER_KEY": KEY}).key(secret)
    assert KEY not in str(missing.value)
    assert read_settings({"GANS_FLIGHTS_KEY": KEY}).key(secret) == KEY


def test_a_key_that_is_not_needed_may_be_missing() -> None:
    assert Settings().key(None) == ""
    assert Settings().key(Secret(setting="GANS_X_KEY", param="key", is_required=False)) == ""
    assert Settings(keys={"GANS_X_KEY": KEY}).key(Secret(setting="GANS_X_KEY", param="key", is_required=False)) == KEY


def test_settings_can_be_shown() -> None:
    settings = Settings(database_url=f"mysql+pymysql://gans:{KEY}@db/gans", keys={"GANS_X_KEY": KEY})
    for shown in (repr(settings), str(settings), f"{settings}", pretty_repr(settings)):
        assert KEY not in shown
        assert "gans:***@db" in shown
        assert "GANS_X_KEY" in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql+pymysql://gans:pw@db:3306/gans", "mysql+pymysql://gans:***@db:3306/gans"),
        ("mysql+pymysql://gans:p:w@x@db/gans", "mysql+pymysql://gans:***@db/gans"),
        ("mysql+pymysql://:pw@db/gans", "mysql+pymysql://:***@db/gans"),
        ("mysql+pymysql://root@db/gans", "mysql+pymysql://root@db/gans"),
        ("mysql+pymysql://db/gans?user=u&password=pw&x=1", "mysql+pymysql://db/gans?user=u&password=***&x=1"),
        ("gans:pw@db/gans", "gans:***@db/gans"),
        ("mysql+pymysql://gans:p#w@db/gans", "mysql+pymysql://gans:***@db/gans"),
        ("mysql+pymysql://gans:p/w?@db/gans", "mysql+pymysql://gans:***@db/gans"),
        ("mysql+pymysql://gans:p@w/x@db/gans", "mysql+pymysql://gans:***@db/gans"),
        ("mysql+pymysql:gans:pw@db/gans", "mysql+pymysql:***@db/gans"),
        ("mysql+pymysql://gans:pw", "mysql+pymysql://gans:***"),
        ("mysql+pymysql://gans:pw/gans", "mysql+pymysql://gans:***"),
        ("mysql+pymysql://db/gans?user=u&password=p@w", "mysql+pymysql://db/gans?user=u&password=***"),
        ("mysql+pymysql://db:3306/gans", "mysql+pymysql://db:3306/gans"),
        ("mysql+pymysql://db:3306", "mysql+pymysql://db:3306"),
        ("mysql+pymysql://u@/gans?unix_socket=/run/x.sock", "mysql+pymysql://u@/gans?unix_socket=/run/x.sock"),
        ("sqlite:///data/gans.db", "sqlite:///data/gans.db"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize("name", [f"GANS_{field.upper()}" for field in Settings.__struct_fields__ if field != "keys"])
@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "\udcff", "\x1b[31m"])
def test_what_cannot_be_printed_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} (holds what cannot be printed|travels in a header)"):
        read_settings({name: value})


@pytest.mark.parametrize("value", ["often", "0.5", "-1", "61", "1" * 40])
def test_a_number_that_is_none_is_said_with_its_name(value: str) -> None:
    with pytest.raises(ConfigError, match=f"GANS_EVERY_MINUTES={value} does not fit"):
        read_settings({"GANS_EVERY_MINUTES": value})


def test_who_reads_may_be_another_user_of_the_same_database_and_of_no_other() -> None:
    reader, analyst = "mysql+pymysql://reader@replica:3307/gans", "mysql+pymysql://analyst:x@db/gans?unix_socket=/s"
    own = Settings(database_url="mysql+pymysql://root@db/gans", database_secret="login")
    assert own.for_pages() == own.for_people() == own
    told = msgspec.structs.replace(own, reader_url=reader)
    assert [told.for_pages().database_url, told.for_people().database_url, told.for_pages().database_secret] == [
        reader,
        reader,
        "",
    ]
    told = msgspec.structs.replace(told, analyst_url=analyst)
    assert [told.for_pages().database_url, told.for_people().database_url] == [reader, analyst]
    for url in ("sqlite:///data/gans.db", "mysql+pymysql://root@db/gans_demo"):
        other = msgspec.structs.replace(told, database_url=url)
        with pytest.raises(ConfigError, match=r"GANS_READER_URL=.* is for another database than GANS_DATABASE_URL="):
            other.for_pages()
        with pytest.raises(ConfigError, match=r"GANS_ANALYST_URL=mysql\+pymysql://analyst:\*\*\*@db/gans"):
            other.for_people()
