"""Everything that can be set, in one model, from the environment (and, on a laptop, from `.env`)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from gans.errors import ConfigError
from gans.source import Secret

PREFIX = "GANS_"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may set; each field is the environment variable `GANS_<FIELD>`.

    Attributes:
        database_url: SQLAlchemy URL of the database.
        landing: the folder, or `s3://bucket`, that holds `landing/`, `reference/` and `state/`.
        watchlist: the TOML file that names the cities, where the landing is a folder.
        contact: an address or URL for the User-Agent, so that an upstream can reach the operator.
        simulator_url: ask this local simulator instead of the upstreams; "" for the real ones.
        reader_url: the same database for the dashboard's pages, as a user who may only read; "" for `database_url`.
        analyst_url: the same for the SQL that people write; "" for `reader_url`.
        database_ca: PEM file that verifies the database's certificate, for a server whose authority the system does not know.
        database_secret: the secret in AWS Secrets Manager that keeps the database's user and password, instead of the URL.
        analyst_secret: the secret that keeps the login of the user who may only read.
        load_secret, archive_secret, retain_secret, freshness_secret: those of the users as which these functions connect; what
            migrates lets all of them in.
        key_secret: the secret that keeps the key of `source`.
        source: the source that a function on AWS collects.
        every_minutes: the schedule of that function, where it is another than the source's own; 0 for the source's own.
        keys: the keys of upstreams, by the name of their environment variable.
    """

    database_url: str = "sqlite:///data/gans.db"
    landing: str = "data"
    watchlist: Path = Path("watchlist.toml")
    contact: str = ""
    simulator_url: str = ""
    reader_url: str = ""
    analyst_url: str = ""
    database_ca: str = ""
    database_secret: str = ""
    analyst_secret: str = ""
    load_secret: str = ""
    archive_secret: str = ""
    retain_secret: str = ""
    freshness_secret: str = ""
    key_secret: str = ""
    source: str = ""
    every_minutes: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0
    keys: Mapping[str, str] = {}

    @property
    def watchlist_file(self) -> Path | None:
        """Where the watchlist is; None where the landing is a bucket, which then holds it too."""
        return None if self.landing.startswith("s3://") else self.watchlist

    def for_pages(self) -> "Settings":
        """With the login of the dashboard's pages.

        Raises:
            ConfigError: it is for another database than `database_url`.
        """
        return self._as("GANS_READER_URL", self.reader_url)

    def for_people(self) -> "Settings":
        """With the login as which runs what people write in SQL.

        Raises:
            ConfigError: as `for_pages`.
        """
        return self._as("GANS_ANALYST_URL", self.analyst_url) if self.analyst_url else self.for_pages()

    def _as(self, setting: str, url: str) -> "Settings":
        if not url:
            return self
        if _database(url) != _database(self.database_url):
            raise ConfigError(
                f"{setting}={redacted(url)} is for another database than GANS_DATABASE_URL={redacted(self.database_url)}: "
                "set both, or unset it."
            )
        return msgspec.structs.replace(self, database_url=url, database_secret="")

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Without passwords and keys, so that it may stand in a log."""
        return [("database_url", redacted(self.database_url)), ("landing", self.landing), ("keys", sorted(self.keys))]

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def key(self, secret: Secret | None) -> str:
        """The key for `secret`; "" where it is optional and not set.

        Raises:
            ConfigError: it is required and not set.
        """
        found = self.keys.get(secret.setting, "") if secret else ""
        if secret and secret.is_required and not found:
            raise ConfigError(
                f"No key: {secret.setting} is not set. Looked in the environment and in .env of the current folder. "
                f"Set it there, like {secret.setting}=…, or leave this source out."
            )
        return found


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from `environment`; an empty variable counts as not set.

    Raises:
        ConfigError: a `GANS_…` variable that is no setting, or a value that does not fit.
    """
    variables = {name: value.strip() for name, value in environment.items() if name.startswith(PREFIX) and value.strip()}
    fields = {PREFIX + name.upper(): name for name in Settings.__struct_fields__ if name != "keys"}
    keys = {name: value for name, value in variables.items() if name.endswith("_KEY")}
    outside = {name for name in variables if name.startswith(("GANS_TEST_", "GANS_CAPTURES", "GANS_DATASETS"))}  # the tests' own
    unknown = sorted(set(variables) - set(fields) - set(keys) - outside)
    if unknown:
        raise ConfigError(
            f"Unknown setting {', '.join(unknown)}. Known: {', '.join(sorted(fields))} and GANS_<SOURCE>_KEY for keys."
        )
    for name, value in variables.items():
        if (name in keys or name == "GANS_CONTACT") and not (value.isascii() and value.isprintable()):
            raise ConfigError(f"{name} travels in a header: it may hold printable ASCII characters only.")
        if not value.isprintable():
            raise ConfigError(
                f"{name} holds what cannot be printed (a line's end in the middle, or bytes that are no UTF-8): write it anew."
            )
    values: dict[str, object] = {fields[name]: value for name, value in variables.items() if name in fields}
    try:
        settings = msgspec.convert({**values, "keys": keys}, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        name = PREFIX + str(error).rpartition("`$.")[2].rstrip("`").upper()
        raise ConfigError(f"{name}={variables.get(name, '')} does not fit: {error}") from None
    if settings.simulator_url and not _is_local(settings.simulator_url):
        raise ConfigError(
            f"GANS_SIMULATOR_URL={redacted(settings.simulator_url)} must be on this machine, like http://127.0.0.1:8099"
        )
    return settings


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_plain = parts.username is None and parts.port != 0 and not (parts.path.strip("/") or parts.query or parts.fragment)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _LOOPBACK and is_plain


def _database(url: str) -> tuple[str, str]:
    """The kind of a database and its name, by its URL."""
    scheme, _, rest = url.partition("://")
    return scheme.partition("+")[0], rest.partition("?")[0].rpartition("/")[2]


def redacted(url: str) -> str:
    """`url` with what may be a password hidden: of its authority, however it is written, and of its query."""
    scheme = url[: url.index("://") + 3] if "://" in url else ""
    shown = re.sub(r"\b(password|passwd|pwd)=[^&]*", r"\1=***", url.removeprefix(scheme), flags=re.IGNORECASE)
    authority, at, rest = shown.rpartition("@")
    if at:
        user, colon, _ = authority.partition(":")
        return scheme + user + (colon and ":***") + at + rest
    host, colon, behind = shown.partition(":")
    if not colon or scheme.startswith("sqlite") or re.match(r"\d*(/|\?|\Z)", behind):
        return scheme + shown
    return f"{scheme}{host}:***"  # no port: a password, perhaps, whose host is missing
