"""Collects one source, which the function's environment names, for the slot that an event belongs to."""

import os
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from gans.clock import utc_now
from gans.collect.collect import collect
from gans.collect.http import Http
from gans.errors import ConfigError, Transient
from gans.schedule import Schedule, every
from gans.secrets import with_key
from gans.settings import Settings, read_settings
from gans.source import CollectedSource
from gans.sources import asked
from gans.storage.reference import Snapshots
from gans.storage.store import open_store
from gans.storage.watchlist import read_watchlist
from lambdas.telemetry import logger, measure

LANDING_S = 10.0
"""What is kept of the function's time for landing what was fetched."""

SOON = timedelta(hours=1)
"""A source whose next slot comes as soon as this is not tried again by the platform: that slot does."""


class Fired(msgspec.Struct, frozen=True):
    """What fires the function: an event of EventBridge, which has a time (a rule's, or a changed object's), or a person."""

    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    slot: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lands what the source answers before the time is up.

    Returns:
        What the run did, for whoever invokes the function by hand.

    Raises:
        ConfigError: a setting, the watchlist, the key or the event is missing or wrong; nothing was asked.
        Transient: some units got no answer now; the others are landed. The platform tries again. Not where the next slot comes
            `SOON`: there the ledger counts them, and an alarm watches their share.
    """
    settings = read_settings(os.environ)
    source = _source(settings)
    schedule = every(minutes=settings.every_minutes) if settings.every_minutes else source.schedule
    slot = _slot(event, schedule)
    logger.append_keys(source=source.name, slot=slot.isoformat())
    logger.info("collecting")
    store = open_store(settings.landing)
    http = Http(with_key(settings, source), remaining=lambda: context.get_remaining_time_in_millis() / 1000 - LANDING_S)
    reference = Snapshots(store, read_watchlist(store, settings.watchlist_file))
    collected = collect(source, slot, store=store, reference=reference, http=http)
    measure(source.name, Requests=http.requests, Failures=collected.transient + collected.permanent)
    details: dict[str, Any] = msgspec.to_builtins(collected)
    logger.info("collected", **details)
    if collected.transient and schedule.period > SOON:
        raise Transient(
            f"{collected.transient} of {collected.units} units of {source.name} got no answer now; the others are landed"
        )
    return details


def _source(settings: Settings) -> CollectedSource:
    try:
        return asked()[settings.source]
    except KeyError:
        raise ConfigError(f"GANS_SOURCE={settings.source} is no source. Known: {', '.join(asked())}") from None


def _slot(event: dict[str, Any], schedule: Schedule) -> datetime:
    try:
        fired = msgspec.convert(event, Fired)
    except msgspec.ValidationError as error:
        raise ConfigError(f"The event does not fit: {error}") from None
    instant = fired.slot or fired.time
    if instant is None:
        raise ConfigError('The event tells no time. By hand, name the slot: {"slot": "2026-11-01T00:00:00Z"}')
    if reason := schedule.why_no_slot(instant, utc_now()):
        raise ConfigError(reason)
    return schedule.slot(instant)
