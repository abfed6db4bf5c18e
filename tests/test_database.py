"""From a URL to an engine: how long a server may keep us waiting."""

import socket
import time

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from gans import database
from gans.database import open_engine
from gans.settings import Settings


def test_a_server_that_accepts_and_stays_silent_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    assert database.HANDSHAKE_S <= 10
    monkeypatch.setattr(database, "HANDSHAKE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = open_engine(Settings(f"mysql+pymysql://root@127.0.0.1:{silent.getsockname()[1]}/gans"))
        began = time.monotonic()
        with pytest.raises(DBAPIError, match="timed out"), engine.connect():
            pass
    assert time.monotonic() - began < 5


def test_a_statement_may_take_longer_than_the_handshake(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no handshake")
    monkeypatch.setattr(database, "HANDSHAKE_S", 2)
    slow = open_engine(Settings(database_url))
    with slow.connect() as connection:
        assert connection.scalar(text("SELECT SLEEP(2.5)")) == 0
    slow.dispose()
