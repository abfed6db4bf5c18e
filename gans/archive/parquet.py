"""An hour of one system: into DuckDB's tables, and out as a Parquet file."""

from datetime import datetime

import duckdb

from gans.archive.captures import LINE_BYTES, SystemCaptures
from gans.archive.columns import ANSWER_COLUMNS, COLUMNS, STATION_COLUMNS


def tabulate(duck: duckdb.DuckDBPyConnection, system: SystemCaptures) -> None:
    """Makes the tables `answers` (a row per station and answer) and `minutes` (the answer that held in each)."""
    line = {"answer": "INTEGER"}
    line |= {name: kind for name, (kind, _) in ANSWER_COLUMNS.items()}
    line |= {name: f"{kind}[]" for name, (kind, _) in STATION_COLUMNS.items()}
    system.answers.touch()
    duck.execute(
        f"""
        CREATE OR REPLACE TABLE answers AS
        SELECT *, round(epoch(slot_at) - epoch(reported_at))::INTEGER AS reported_ago_s
        FROM (
            SELECT answer, {", ".join(ANSWER_COLUMNS)}, {", ".join(f"unnest({name}) AS {name}" for name in STATION_COLUMNS)}
            FROM read_json(?, format = 'newline_delimited', columns = {line}, maximum_object_size = {LINE_BYTES})
        )
        """,
        [str(system.answers)],
    )
    duck.execute("CREATE OR REPLACE TABLE minutes (slot_at TIMESTAMPTZ, fetched_at TIMESTAMPTZ, answer INTEGER)")
    if minutes := list(system.minutes()):
        duck.executemany("INSERT INTO minutes VALUES (?, ?, ?)", minutes)


def to_parquet(duck: duckdb.DuckDBPyConnection, system: SystemCaptures, hour: datetime) -> bytes:
    """The answers of the hour; the same bytes for the same answers. What the columns mean stands in the file's metadata."""
    file = system.answers.with_suffix(".parquet")
    descriptions = {name: description for name, (_, description) in COLUMNS.items()}
    duck.execute(
        f"""
        COPY (SELECT {", ".join(COLUMNS)} FROM answers WHERE slot_at >= ? ORDER BY station_id, fetched_at)
        TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 12, KV_METADATA {descriptions})
        """,
        [hour],
    )
    return file.read_bytes()
