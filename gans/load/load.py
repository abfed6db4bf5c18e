"""Parse, validate, upsert, ledger: a landed part, stored in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, update

from gans import __version__
from gans.clock import CLOCKS_DIFFER
from gans.database.rows import validate_row
from gans.database.transactions import in_transaction
from gans.database.upsert import upsert
from gans.errors import BadData
from gans.load.publish import publish
from gans.load.transform import FixedKeys, ParsedPart, Refused, is_fixed, missing, parse_pieces
from gans.schedule import why_no_slot
from gans.source import CollectedSource, Source
from gans.storage.landing import Part, PartKey, read_part
from gans.storage.store import Store
from gans.storage.validators import drop_validators
from gans.tables import EPOCH, collection_runs, metadata, rejects, table_facts

REASON_CHARS = 1_000
PIECE_ROWS = 200_000
"""How many rows of a part are stored before more of it is parsed: with those of one more answer, the most in memory at once."""

PARENTS = 10_000
"""How many keys are looked for at once: SQLite takes so many parameters."""

LIVE = timedelta(minutes=15)
"""How soon after its attempt a part is loaded that tells the present; a later one may be from before anything that is stored."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What loading a part did.

    Attributes:
        status: of the run: ok, partial, failed or not_modified.
        rows: rows stored, by table.
        rejected: items and answers refused.
        published: the reference tables whose snapshot changed.
        error: the first failure, or why there was nothing to do; "" otherwise.
        unusable: how many units were answered with nothing that could be used; 1 for a part that cannot be read.
        lag_s: the seconds from the end of the fetching to the rows in the database; None where nothing was stored, or the part
            cannot be read.
    """

    key: PartKey
    status: str
    rows: Mapping[str, int]
    rejected: int
    published: tuple[str, ...]
    error: str
    unusable: int
    lag_s: float | None


def load(key: str, *, store: Store, engine: Engine, sources: Mapping[str, Source], clock: Callable[[], datetime]) -> Loaded:
    """Stores the part under `key`: its rows, its rejects and its line in the ledger, together or not at all.

    Loading a part again changes nothing but the time of its loading; an older part changes nothing that a newer one said.
    A part that cannot be read, is older than its source may keep, or is not there any more, leaves a failed line in the ledger;
    one that was loaded before it went keeps its line. One of a time that is yet to come, or that is no slot, leaves nothing in
    the database: a clock was wrong, or a slot mistyped. It stays in the landing.

    Raises:
        BadData: `key` is not the key of a landed part, or it is of a source that this code does not know.
        DBAPIError: the database failed, or went away for longer than a few tries.
    """
    part_key = PartKey.parse(key)
    source, data = sources.get(part_key.source), store.read(key)
    if source is None:
        raise BadData(f"{key}: there is no source {part_key.source!r}. Known: {', '.join(sources)}")
    now = clock()
    if reason := _why_not_yet(source, part_key, now):
        return Loaded(key=part_key, status="failed", rows={}, rejected=0, published=(), error=reason, unusable=1, lag_s=None)
    if data is None and (before := in_transaction(engine, lambda connection: _loaded_before(connection, part_key))):
        return before
    try:
        if data is None:
            raise BadData("The part is no longer in the landing")
        part = read_part(data)
        if (found := PartKey.of(part.header)) != part_key:
            raise BadData(f"The part is that of {found}")
        if part.captures and (last := max(capture.fetched_at for capture in part.captures)) > now + CLOCKS_DIFFER:
            raise BadData(f"The part holds an answer of {last:%Y-%m-%d %H:%M} UTC, which is yet to come: a clock is wrong")
        if source.retention and part_key.attempt < now - source.retention:
            raise BadData(f"The part is older than {source.name} may keep: it is not read any more")
    except BadData as error:
        line, unusable, counts = _unreadable(part_key, str(error), now), 1, Counter[str]()
        in_transaction(engine, lambda connection: _store_line(connection, part_key, source, line, [], now))
    else:
        line, unusable, counts = _store_part(engine, store, part_key, source, part, now)
    lag_s = (clock() - line.finished_at).total_seconds() if line.finished_at else None
    # Every table, whatever came: rows in one may leave those of another behind (`current_with`), and a snapshot may be lost.
    published = publish(engine, store, source.writes)
    return Loaded(
        key=part_key,
        status=line.status,
        rows=counts,
        rejected=line.rows_rejected,
        published=published,
        error=line.error or "",
        unusable=unusable,
        lag_s=lag_s,
    )


def _why_not_yet(source: Source, key: PartKey, now: datetime) -> str:
    """Why a part cannot be loaded at `now`; "" where it can."""
    if reason := _why_no_slot(source, key.slot, now):
        return reason
    if key.attempt > now + CLOCKS_DIFFER:
        return f"The part was collected at {key.attempt:%Y-%m-%d %H:%M} UTC, which is yet to come: a clock is wrong"
    return ""


def _why_no_slot(source: Source, slot: datetime, now: datetime) -> str:
    """Why `slot` is none of `source`; "" where it is one. A file's is the time at which it was imported."""
    if isinstance(source, CollectedSource):
        return source.schedule.why_no_slot(slot, now)
    return why_no_slot(slot, now, CLOCKS_DIFFER)


def _loaded_before(connection: Connection, key: PartKey) -> Loaded | None:
    """How the part was loaded before, as it stands in the ledger; nothing was done now."""
    columns = collection_runs.c
    query = select(columns.status, columns.error).where(*(columns[name] == value for name, value in _run_key(key).items()))
    line = connection.execute(query).first()
    if line is None:
        return None
    return Loaded(key=key, status=line.status, rows={}, rejected=0, published=(), error=line.error or "", unusable=0, lag_s=None)


def _fixed_keys(connection: Connection, source: Source) -> FixedKeys:
    """The keys of the tables that only migrations fill and that the source's tables refer to."""
    parents = {key.column for name in source.writes for key in metadata.tables[name].foreign_keys if is_fixed(key.column.table)}
    return {column.table.name: set(connection.scalars(select(column))) for column in parents}


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `collection_runs`, whose columns say what each field is."""

    source: str
    slot_at: datetime
    attempt_at: datetime
    part: int
    finished_at: datetime | None = None
    status: str
    requests: int = 0
    bytes_received: int = 0
    units_planned: int = 0
    units_failed: int = 0
    rows_offered: int = 0
    rows_rejected: int = 0
    missing: str = "{}"
    landing_key: str
    code_version: str = __version__
    error: str | None
    stale_at: datetime | None = None
    loaded_at: datetime


def _ledger_line(source: Source, key: PartKey, part: Part, parsed: ParsedPart, now: datetime) -> LedgerLine:
    footer = part.footer
    units = parsed.good + parsed.not_modified + parsed.failed
    status = parsed.status
    if footer.is_cut_short:
        status = "partial" if parsed.good or parsed.not_modified else "failed"
    first = next(
        (refused.reason for refused in parsed.refused),
        "the run was stopped before its end" if footer.is_cut_short else footer.note,
    )
    return LedgerLine(
        **_run_key(key),
        finished_at=footer.finished_at,
        status=status,
        requests=footer.requests,
        bytes_received=footer.bytes_received,
        units_planned=units,
        units_failed=parsed.failed,
        rows_offered=parsed.offered,
        rows_rejected=parsed.rejected,
        missing=msgspec.json.encode(missing(parsed), order="sorted").decode(),
        landing_key=str(key),
        error=first[:REASON_CHARS] or None,
        stale_at=key.slot + source.stale_after if units and status != "failed" else None,
        loaded_at=now,
    )


def _missed(connection: Connection, source: Source, line: LedgerLine) -> LedgerLine:
    """The line of a run that had nothing to ask: failed, where one before had, of what still may count as fresh."""
    runs = collection_runs.c
    query = select(func.max(runs.slot_at)).where(
        runs.source == line.source,
        runs.slot_at < line.slot_at,
        runs.slot_at > line.slot_at - source.stale_after,
        runs.units_planned > 0,
    )
    before = connection.scalar(query)
    if before is None:
        return line
    reason = f"{line.error or 'nothing to ask'}; the run of {before:%Y-%m-%d %H:%M} UTC had something to ask"
    return msgspec.structs.replace(line, status="failed", error=reason[:REASON_CHARS])


def _unreadable(key: PartKey, reason: str, now: datetime) -> LedgerLine:
    return LedgerLine(**_run_key(key), status="failed", landing_key=str(key), error=reason[:REASON_CHARS], loaded_at=now)


def _run_key(key: PartKey) -> dict[str, Any]:
    return {"source": key.source, "slot_at": key.slot, "attempt_at": key.attempt, "part": key.part}


def _store_part(
    engine: Engine, store: Store, key: PartKey, source: Source, part: Part, now: datetime
) -> tuple[LedgerLine, int, Counter[str]]:
    """Parses and stores a part in one transaction, piece by piece where it is large.

    Returns:
        Its line in the ledger, how many units are unusable, and how many rows were stored by table.
    """
    fixed = in_transaction(engine, lambda connection: _fixed_keys(connection, source))
    begun = list(islice(parse_pieces(source, part, fixed, PIECE_ROWS), 2))
    only = begun if len(begun) == 1 else None  # parsed before any row is locked, as nearly every part is
    del begun

    def store_all(connection: Connection) -> tuple[LedgerLine, int, Counter[str]]:
        whole, counts = ParsedPart(), Counter[str]()
        for piece in only or parse_pieces(source, part, fixed, PIECE_ROWS):
            _store_rows(connection, piece, _latest(key, now))
            whole.take_in(piece)
            for (table, _), rows in piece.rows.items():
                counts[table] += len(rows)
        line = _ledger_line(source, key, part, whole, now)
        if not line.units_planned and line.status == "ok":
            line = _missed(connection, source, line)
        _store_line(connection, key, source, line, whole.refused, now)
        # Before the commit: were this broken off behind it, an answer that meant nothing would count as unchanged.
        drop_validators(store, source.name, whole.unusable)
        return line, len(whole.unusable), counts

    return in_transaction(engine, store_all)


def _latest(key: PartKey, now: datetime) -> datetime | None:
    """The version beyond which what is stored gives way, since a clock was wrong: it is known of a part collected just now."""
    return now + CLOCKS_DIFFER if now - key.attempt < LIVE else None


def _store_rows(connection: Connection, parsed: ParsedPart, latest: datetime | None) -> None:
    """Parents before children, rows in key order, so that two loaders that share rows mostly wait and seldom deadlock."""
    by_table: dict[str, list[list[msgspec.Struct]]] = {}
    for (name, _), rows in parsed.rows.items():
        by_table.setdefault(name, []).append(rows)
    for parent, stubs in _parents(connection, parsed).items():
        by_table.setdefault(parent, []).insert(0, stubs)
    for parent_first in metadata.sorted_tables:
        for rows in by_table.get(parent_first.name, ()):
            upsert(connection, parent_first, rows, latest=latest)


def _store_line(
    connection: Connection, key: PartKey, source: Source, line: LedgerLine, refused: Iterable[Refused], now: datetime
) -> None:
    """The line of the ledger, with what was refused; and what goes by now."""
    if latest := _latest(key, now):
        _believe_no_later(connection, source, latest)
    row = validate_row(collection_runs, line.__struct_fields__, msgspec.structs.astuple(line))
    upsert(connection, collection_runs, [row])
    of_run = _run_key(key)
    connection.execute(delete(rejects).where(*(rejects.c[name] == value for name, value in of_run.items())))
    lines = [
        {**of_run, "ordinal": ordinal, "unit": one.unit[:255], "reason": one.reason[:REASON_CHARS], "item": one.item}
        for ordinal, one in enumerate(refused, 1)
    ]
    if lines:
        connection.execute(insert(rejects), lines)
    if source.retention:
        _drop(connection, source.writes, now - source.retention)


def _believe_no_later(connection: Connection, source: Source, latest: datetime) -> None:
    """Takes from what was stored by a clock that was ahead the say that it has until then.

    A run after `latest` keeps its source fresh no longer. A row with a version after `latest` that the newest answer has no more
    would be the newest of its table to all who ask for that; such rows are looked for in the tables that do not grow.
    """
    runs = collection_runs.c
    connection.execute(
        update(collection_runs)
        .where(runs.source == source.name, runs.slot_at > latest, runs.stale_at > latest)
        .values(stale_at=None)
    )
    for table in (metadata.tables[name] for name in source.writes):
        is_later = table.c.fetched_at > latest
        if not table_facts(table).is_long and connection.scalar(select(table.c.fetched_at).where(is_later).limit(1)):
            connection.execute(update(table).where(is_later).values(fetched_at=EPOCH))


def _drop(connection: Connection, tables: Iterable[str], before: datetime) -> None:
    """Deletes the rows that are older than may be kept."""
    for table in (metadata.tables[name] for name in tables):
        connection.execute(delete(table).where(table.c.fetched_at < before))


def _parents(connection: Connection, parsed: ParsedPart) -> dict[str, list[msgspec.Struct]]:
    """Key-only rows for the parents that are not there yet, by table: their own batches will fill them."""
    wanted: dict[Table, set[Any]] = {}
    for (name, columns), rows in parsed.rows.items():
        for key in metadata.tables[name].foreign_keys:
            parent = key.column.table
            if key.parent.name in columns and not is_fixed(parent):
                index = columns.index(key.parent.name)
                wanted.setdefault(parent, set()).update(msgspec.structs.astuple(row)[index] for row in rows)
    missing: dict[str, list[msgspec.Struct]] = {}
    for parent, values in wanted.items():
        (column,) = parent.primary_key
        named = sorted(values - {None})
        batches = (named[start : start + PARENTS] for start in range(0, len(named), PARENTS))
        there = {value for batch in batches for value in connection.scalars(select(column).where(column.in_(batch)))}
        absent = [value for value in named if value not in there]
        missing[str(parent.name)] = [validate_row(parent, (str(column.name),), [value]) for value in absent]
    return missing
