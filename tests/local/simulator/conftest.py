"""What the tests of the simulated upstreams share: reading an answer as its source does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests

import gans.source
from gans.source import Capture, Row, Rows
from gans.sources import asked


def rows_of(source: str, response: requests.Response, context: Mapping[str, Any], fetched_at: datetime) -> list[Row]:
    """The rows that `source` takes from an answer; none may be refused."""
    reader = asked()[source]
    capture = Capture(
        unit="x",
        url="x",
        status=response.status_code,
        slot=reader.schedule.slot(fetched_at),
        fetched_at=fetched_at,
        context=context,
        body=response.content,
    )
    found = list(reader.parse(capture))
    assert all(isinstance(item, Row | Rows) for item in found)
    return list(gans.source.rows_of(found))
