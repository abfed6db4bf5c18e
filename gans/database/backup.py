"""A copy of a SQLite database while others go on using it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile

from gans.database.engine import database_url
from gans.errors import ConfigError
from gans.settings import Settings, redacted


def back_up(settings: Settings, file: Path) -> int:
    """Copies the configured database into `file`, whole and as of one instant, by SQLite's own online backup.

    It is looked through before it gets its name, so that what lies there can be used.

    Returns:
        Its size in bytes.

    Raises:
        ConfigError: it is no SQLite database or not there, is damaged, or `file` is there already.
        OSError: the file cannot be written.
    """
    url = database_url(settings)
    if url.get_backend_name() != "sqlite":
        raise ConfigError(
            f"{redacted(settings.database_url)} is no file. On RDS take a snapshot (docs/restore.md); of another server: "
            f"mysqldump --single-transaction --routines --host={url.host or 'localhost'} {url.database} > FILE"
        )
    source = Path(url.database or "")
    if not source.is_file():
        raise ConfigError(f"There is no database {source}.")
    if file.exists():
        raise ConfigError(f"{file} is there already, and no backup takes the place of another: give a name that is free.")
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.") as unfinished:
        try:
            with (
                closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as database,
                closing(sqlite3.connect(unfinished.name)) as copy,
            ):
                database.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, with none beside it
                found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            found = str(error)
        if found != "ok":
            raise ConfigError(f"{source} cannot be backed up: {found}. `gans rebuild` makes a new one of what was landed.")
        os.fsync(unfinished.fileno())
        try:
            os.link(unfinished.name, file)  # fails where there is one by now
        except FileExistsError:
            raise ConfigError(f"{file} is there already, and no backup takes the place of another.") from None
    return file.stat().st_size
