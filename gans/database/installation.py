"""Whether a landing and a database belong together: of the same landing, and both real or both simulated."""

from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import Connection, Engine, insert, literal, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from gans.database.transactions import in_transaction
from gans.errors import ConfigError
from gans.storage.identity import Identity, new_identity, read_identity, write_identity
from gans.storage.store import Store
from gans.tables import collection_runs, installation

_KINDS: Mapping[bool, str] = {False: "of the real upstreams", True: "of simulated upstreams"}


def require_agreement(
    store: Store, engine: Engine, landing: str, *, asks_simulated: bool | None, unmarked: bool = False
) -> tuple[Identity | None, Identity | None, bool | None]:
    """Passes where nothing would mix.

    Args:
        landing: what the setting calls it.
        asks_simulated: whether the simulator is to be asked, or the upstreams; None where nobody is.
        unmarked: whether what is landed, or loaded, without an identity is simulated.

    Returns:
        The identities of the landing and of the database, None for one that has none yet, and whether the landing is or becomes
        a simulated one; None where it holds nothing, and nothing comes.

    Raises:
        ConfigError: it would mix, and what to set.
    """
    of_landing, of_database = read_identity(store), in_transaction(engine, _read)
    database = engine.url.render_as_string(hide_password=True)
    landed = of_landing.is_simulated if of_landing else None
    if of_landing is None and next(store.keys("landing/"), None):
        landed = unmarked
    loaded = of_database.is_simulated if of_database else None
    if of_database is None and in_transaction(engine, _has_runs):
        loaded = unmarked
    for what, setting, holds in ((landing, "GANS_LANDING", landed), (database, "GANS_DATABASE_URL", loaded)):
        if None not in (asks_simulated, holds) and asks_simulated != holds:
            way = "unset GANS_SIMULATOR_URL" if asks_simulated else "set GANS_SIMULATOR_URL"
            raise ConfigError(
                f"{setting}={what} holds answers {_KINDS[not asks_simulated]}, and those {_KINDS[bool(asks_simulated)]} must not "
                f"mix with them: {way}, or set GANS_LANDING and GANS_DATABASE_URL to places of their own."
            )
    if None not in (landed, loaded) and landed != loaded:
        raise ConfigError(
            f"GANS_LANDING={landing} holds answers {_KINDS[bool(landed)]}, and GANS_DATABASE_URL={database} those "
            f"{_KINDS[bool(loaded)]}: set one of them to what belongs to the other."
        )
    if of_landing and of_database and of_landing.id != of_database.id:
        raise ConfigError(
            f"GANS_DATABASE_URL={database} was loaded from another landing than GANS_LANDING={landing}, which may give its "
            "numbers to other cities: set one of them to what belongs to the other, or load this landing into an empty database."
        )
    return of_landing, of_database, landed if asks_simulated is None else asks_simulated


def agree(store: Store, engine: Engine, landing: str, *, asks_simulated: bool | None, unmarked: bool = False) -> None:
    """The same, and gives an identity to what has none yet: an empty one takes that of the other.

    Raises:
        ConfigError: as `require_agreement`.
    """
    of_landing, of_database, is_simulated = require_agreement(
        store, engine, landing, asks_simulated=asks_simulated, unmarked=unmarked
    )
    if is_simulated is None:
        return
    identity = of_database or of_landing or new_identity(is_simulated)
    if of_database is None:
        with suppress(DBAPIError):  # no space left, perhaps: what is asked is landed all the same, and the next use writes it
            identity = in_transaction(engine, lambda connection: _write(connection, identity))
    if of_landing is None:
        write_identity(store, identity)


def _read(connection: Connection) -> Identity | None:
    row = connection.execute(select(installation.c.landing_id, installation.c.is_simulated)).first()
    return row and Identity(row.landing_id, row.is_simulated)


def _has_runs(connection: Connection) -> bool:
    return connection.execute(select(literal(1)).select_from(collection_runs).limit(1)).first() is not None


def _write(connection: Connection, identity: Identity) -> Identity:
    """Gives the database its identity, unless another was first; the one that it has now."""
    row = {"installation_id": 1, "landing_id": identity.id, "is_simulated": identity.is_simulated}
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(insert(installation), row)
    return _read(connection) or identity
