"""Which landing this is, and whether what it holds came from real upstreams or from simulated ones.

The database carries the same (`gans.database.installation`), so that the two never mix.
"""

from uuid import uuid4

import msgspec

from gans.errors import ConfigError
from gans.storage.store import Store

KEY = "state/identity.json"


class Identity(msgspec.Struct, frozen=True):
    """What a landing and the databases that were loaded from it share.

    Attributes:
        id: given once; two landings may give the same number to two cities.
        is_simulated: whether the simulator was asked, and not the upstreams.
    """

    id: str
    is_simulated: bool


def new_identity(is_simulated: bool) -> Identity:
    """One that nothing else has."""
    return Identity(uuid4().hex, is_simulated)


def read_identity(store: Store) -> Identity | None:
    """The landing's; None where it has none yet.

    Raises:
        ConfigError: it is not as this code writes it.
    """
    data = store.read(KEY)
    try:
        return msgspec.json.decode(data, type=Identity) if data is not None else None
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"{KEY} of the landing cannot be read: {error}. Bring an earlier one back; "
            "without it, what is landed counts as told by the real upstreams."
        ) from None


def write_identity(store: Store, identity: Identity) -> None:
    """Gives the landing its identity."""
    store.write(KEY, msgspec.json.encode(identity))
