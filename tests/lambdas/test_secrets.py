"""No secret reaches a log, an exception, the landing or the database: what the functions put out is read to its end."""

import io
import json
import logging
import sys
import traceback
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import URL

from gans.collect import http
from gans.settings import read_settings
from gans.storage.store import S3Store
from lambdas import collect, load, migrate, resources
from lambdas.telemetry import SERVICE, logger
from local.simulator import Simulator
from tests.lambdas.conftest import CITY, USERS, Context, batch, clear_resources, notification_of, store_secret, watch
from tests.survival.conftest import dump

GANS = f"{USERS}master"
KEY, MASTER, ANALYST, WRONG = "Kk3y-in-the-query", "m4ster-p4ss", "an4lyst-p4ss", "wr0ng-p4ss"
SECRETS = (KEY, MASTER, ANALYST, WRONG)
AT = {"time": "2026-03-28T12:00:00Z"}


class Recorder:
    """Records whatever a function puts out: its output, every log at its most talkative, and the tracebacks of its errors."""

    def __init__(self, capfd: pytest.CaptureFixture[str], logs: io.StringIO) -> None:
        self._capfd, self._logs, self._tracebacks = capfd, logs, ""

    def __call__(self, handler: Callable[..., Any], event: dict[str, Any]) -> str:
        """Runs it; the error that it ended with, "" for none."""
        try:
            handler(event, Context())
        except Exception as error:
            self._tracebacks += traceback.format_exc()
            return str(error)
        return ""

    def output(self) -> str:
        out, err = self._capfd.readouterr()
        return out + err + self._logs.getvalue() + self._tracebacks


def leaked(text: str) -> list[str]:
    """The secrets in a text, with what stands around them."""
    return [text[max(0, text.index(secret) - 200) : text.index(secret) + 50] for secret in SECRETS if secret in text]


@pytest.fixture
def recorder(capfd: pytest.CaptureFixture[str]) -> Iterator[Recorder]:
    logs = io.StringIO()
    handler, root = logging.StreamHandler(logs), logging.getLogger()
    loggers = root, logging.getLogger("sqlalchemy"), logging.getLogger(SERVICE)
    before = [each.level for each in loggers]
    root.addHandler(handler)
    for each in loggers:
        each.setLevel(logging.DEBUG)
    yield Recorder(capfd, logs)
    for each, level in zip(loggers, before, strict=True):
        each.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def deployed(empty: URL, bucket: S3Store, simulator: Simulator, environment: pytest.MonkeyPatch) -> URL:
    """Functions with a key, a login and an analyst's login in Secrets Manager."""
    root = f"mysql+pymysql://root@{empty.host}:{empty.port}/{empty.database}"
    environment.setenv("GANS_DATABASE_URL", root)
    engine = resources.engine()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE USER '{GANS}'@'%%' IDENTIFIED BY %s", (MASTER,))
        connection.exec_driver_sql(f"GRANT ALL ON *.* TO '{GANS}'@'%%' WITH GRANT OPTION")
    clear_resources()
    environment.setenv("GANS_DATABASE_URL", root.replace("root@", ""))
    for name, value in {"DATABASE": "gans/database", "ANALYST": "gans/analyst", "KEY": "gans/keys/openweather"}.items():
        environment.setenv(f"GANS_{name}_SECRET", value)
    environment.setenv("GANS_SOURCE", "openweather")
    environment.setattr(http, "BACKOFF_S", 0.0)
    store_secret("gans/keys/openweather", KEY)
    store_secret("gans/database", json.dumps({"username": GANS, "password": MASTER}))
    store_secret("gans/analyst", json.dumps({"username": f"{USERS}analyst", "password": ANALYST}))
    watch(bucket, simulator.world)
    bucket.write("reference/cities.json", json.dumps([CITY]).encode())
    return empty


@pytest.mark.databases("mariadb", "mysql")
def test_whatever_goes_wrong_no_secret_is_told(
    deployed: URL, bucket: S3Store, simulator: Simulator, environment: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    assert recorder(migrate.handler, {}) == ""
    for fault in ("", "server_error", "redirect_private", "reset", "error_page", "quota_exceeded", "rate_limited"):
        if fault:
            simulator.inject(fault, times=http.TRIES)
        recorder(collect.handler, AT)
    store_secret("gans/keys/openweather", f"{KEY}\n{WRONG}")
    assert "is no key" in recorder(collect.handler, AT)
    store_secret("gans/keys/openweather", json.dumps({"key": KEY}))
    assert "is no key" in recorder(collect.handler, AT)
    assert KEY in "".join(simulator.requests), "the key was used"

    messages = batch([notification_of(key) for key in bucket.keys("landing/")])
    assert recorder(load.handler, messages) == ""
    tables = repr(dump(resources.engine()))
    assert "collection_runs" in tables
    clear_resources()
    store_secret("gans/database", json.dumps({"username": GANS, "password": WRONG}))
    assert "Access denied" in recorder(load.handler, messages)
    assert "Access denied" in recorder(migrate.handler, {})
    for kept in (MASTER, json.dumps({"password": MASTER}), json.dumps({"username": 5, "password": MASTER})):
        store_secret("gans/database", kept)
        assert "is not JSON with a username and a password" in recorder(load.handler, messages)
    environment.setenv("GANS_DATABASE_URL", "mysql+pymysql://127.0.0.1:9/gans")
    clear_resources()
    store_secret("gans/database", json.dumps({"username": GANS, "password": MASTER}))
    assert "Can't connect" in recorder(load.handler, messages)
    environment.setenv("GANS_DATABASE_URL", f"mysql+pymysql://{GANS}:{WRONG}@{deployed.host}:{deployed.port}/{deployed.database}")
    environment.delenv("GANS_DATABASE_SECRET")
    clear_resources()
    assert "Access denied" in recorder(load.handler, messages)

    output = recorder.output()
    assert len(output) > 10_000
    assert "SQL parameters hidden" in output
    landed = b"".join(zlib.decompress(bucket.read(key) or b"", 31) for key in bucket.keys("landing/")).decode()
    assert landed
    assert leaked(landed + tables) == []
    assert leaked(output) == []
    assert MASTER not in repr(read_settings({"GANS_DATABASE_URL": f"mysql+pymysql://gans:{MASTER}@db/gans"}))


@pytest.mark.databases("mariadb", "mysql")
def test_the_analysts_password_is_in_no_error_of_the_database(deployed: URL, recorder: Recorder) -> None:
    """One that may not make users, and then the text of the statement that failed."""
    with resources.engine().begin() as connection:
        connection.exec_driver_sql(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{GANS}'@'%%'")
        connection.exec_driver_sql(f"GRANT ALL ON {deployed.database}.* TO '{GANS}'@'%%'")
    clear_resources()
    assert "(1227" in recorder(migrate.handler, {})
    output = recorder.output()
    assert "CREATE USER" in output
    assert ANALYST not in output


def test_a_secret_would_be_recorded(recorder: Recorder) -> None:
    logger.debug(KEY)
    logging.getLogger("pymysql").debug(MASTER)
    sys.stderr.write(ANALYST)
    recorder(lambda *_: int(WRONG), {})
    output = recorder.output()
    assert all(secret in output for secret in SECRETS)
