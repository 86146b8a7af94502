"""A copy of the database that is whole, and the way back.

The archive needs no such care: its objects never change, so any tool may copy it. Copy the database first, then
the archive: what the archive has more is adopted when the house is opened on the copy.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ingestor import disk
from ingestor.errors import Busy, Invalid, NotFound
from ingestor.faultpoints import point
from ingestor.store import audit, copying, schema
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from datetime import datetime

    from ingestor.archive import Archive
    from ingestor.store.audit import Actor
    from ingestor.store.engine import Database


def back_up(db: Database, file: Path) -> int:
    """Write a checked copy of the database; return its size [B]. Nothing is overwritten.

    Raises:
        Invalid: `backup_exists`, `backup_postgresql`.
        StorageTrouble: the copy could not be written; nothing of it is left.
    """
    if file.exists():
        raise Invalid("backup_exists", path=str(file))
    part = file.with_name(f".{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        copying.copy_to(db, part)
        point("backup.copied")
        _sync(part)
        part.rename(file)
        disk.sync_folder(file.parent)
    except OSError as error:
        raise disk.trouble(error) from error
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an upgrade would do, seen on a copy. `troubles`: what is wrong with it afterwards."""

    before: str | None
    after: str
    bytes: int
    seconds: float
    troubles: list[str]


def rehearse(db: Database, folder: Path) -> Rehearsal:
    """Copy the database into a folder of its own, upgrade and check the copy, and throw it away.

    Raises:
        Invalid: `backup_postgresql`: there the copy is made with the server's own tools.
        DatabaseTrouble: the upgrade failed; the database was not touched.
    """
    with TemporaryDirectory(prefix=".rehearsal-", dir=folder) as place:
        file = Path(place) / "copy.db"
        copying.copy_to(db, file)
        size, began = file.stat().st_size, time.monotonic()
        copy = open_database(f"sqlite:///{file}")
        try:
            before, after = schema.versions(copy)
            schema.upgrade(copy)
            return Rehearsal(before, after, size, time.monotonic() - began, copying.troubles(copy))
        finally:
            copy.close()


def restore(db: Database, archive: Archive, file: Path, actor: Actor, now: datetime) -> Path:
    """Bring the state of a copy back; return where the present state was put aside.

    Args:
        db: the database to replace.
        archive: prepared; nobody else may have it open meanwhile.
        file: from `back_up`.
        actor: who restores; audited in the restored database.
        now: for the name of the file put aside.

    Raises:
        NotFound: there is no such copy.
        Busy: `restore_in_use`: a service, a watcher or another command is running.
        DatabaseTrouble: `backup_damaged` or `database_newer`; nothing was changed.
    """
    if not file.is_file():
        raise NotFound("backup_missing", path=str(file))
    if not archive.is_alone():
        raise Busy("restore_in_use")
    for left in archive.root.parent.glob(".before-restore-*.part"):
        left.unlink()
    aside = archive.root.parent / f"before-restore-{now:%Y%m%dT%H%M%SZ}.db"
    back_up(db, aside)
    point("restore.aside")
    copying.bring_back(db, file)
    schema.upgrade(db)
    with db.write() as connection:
        audit.record(connection, actor, "restore", "database", put_aside=aside.name)
    return aside


def _sync(file: Path) -> None:
    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
