"""Watched folders: who watches, in what state, and what became of each file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update

from ingestor.disk import FileStamp, signed
from ingestor.ids import derived
from ingestor.names import shown
from ingestor.store.tables import watch_file, watch_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

WAITING, TAKEN, REFUSED, ASIDE = "waiting", "taken", "refused", "aside"


@dataclass(frozen=True, slots=True)
class SeenFile:
    """What is known of the newest version of a file.

    Attributes:
        path: relative to the folder, bytes.
        state: waiting (not taken yet, and `code` says why), taken, refused, or aside after three failures.
        sha256: of the bytes taken.
        submission: under which they were taken.
    """

    path: bytes
    stamp: FileStamp
    state: str
    code: str | None = None
    attempts: int = 0
    sha256: str | None = None
    submission: str | None = None


def enter(connection: Connection, centre_id: str, path: bytes, now: datetime) -> str:
    """Register a folder if it is new; return its id."""
    folder = derived("wf", centre_id, path.hex())
    if connection.execute(select(watch_folder.c.id).where(watch_folder.c.id == folder)).first() is None:
        connection.execute(
            insert(watch_folder).values(
                id=folder, centre=centre_id, name=shown(path), beat=0, state="new", since=now, seen_at=now
            )
        )
    return folder


def state_of(connection: Connection, folder: str) -> str:
    """Return the state in which a folder was seen last; `new` before anybody looked."""
    return str(
        connection.execute(select(watch_folder.c.state).where(watch_folder.c.id == folder)).scalar_one()
    )


def watcher_of(connection: Connection, folder: str) -> tuple[str | None, int]:
    """Return who watches a folder, and how far its heartbeat has counted."""
    row = connection.execute(
        select(watch_folder.c.owner, watch_folder.c.beat).where(watch_folder.c.id == folder)
    ).one()
    return row.owner, row.beat


def take_over(connection: Connection, folder: str, worker: str, silent: str | None, beat: int) -> bool:
    """Become the watcher of a folder whose owner `silent` has not beaten since `beat`; tell whether it worked."""
    owner = watch_folder.c.owner
    free = owner.is_(None) if silent is None else owner == silent
    query = update(watch_folder).where(
        watch_folder.c.id == folder, or_(owner == worker, free), watch_folder.c.beat == beat
    )
    return connection.execute(query.values(owner=worker, beat=beat + 1)).rowcount == 1


def beat(connection: Connection, folder: str, worker: str) -> bool:
    """Show that the watcher lives; tell whether it still is the watcher."""
    mine = (watch_folder.c.id == folder, watch_folder.c.owner == worker)
    query = update(watch_folder).where(*mine).values(beat=watch_folder.c.beat + 1)
    return connection.execute(query).rowcount == 1


def leave(connection: Connection, folder: str, worker: str) -> None:
    """Give a folder free for another watcher."""
    mine = (watch_folder.c.id == folder, watch_folder.c.owner == worker)
    connection.execute(update(watch_folder).where(*mine).values(owner=None))


def note(
    connection: Connection,
    folder: str,
    state: str,
    device: int | None,
    counts: tuple[int, int],
    now: datetime,
) -> None:
    """Keep the state of a folder, with the number of its files and of those still open."""
    files, still_open = counts
    found = connection.execute(select(watch_folder.c.state).where(watch_folder.c.id == folder)).scalar()
    values: dict[str, Any] = {"state": state, "seen_at": now, "files": files, "open": still_open}
    if found != state:
        values["since"] = now
    if device is not None:
        values["device"] = signed(device)
    connection.execute(update(watch_folder).where(watch_folder.c.id == folder).values(values))


def device_of(connection: Connection, folder: str) -> int | None:
    """Return the device number that the folder had when it last held files."""
    return connection.execute(select(watch_folder.c.device).where(watch_folder.c.id == folder)).scalar()


def seen_files(connection: Connection, folder: str) -> Iterator[SeenFile]:
    """Yield everything known of a folder's files."""
    query = select(watch_file).where(watch_file.c.folder == folder)
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield _seen(row)


def seen_file(connection: Connection, folder: str, path: bytes) -> SeenFile | None:
    """Return what is known of one file."""
    query = select(watch_file).where(watch_file.c.folder == folder, watch_file.c.path == path)
    row = connection.execute(query).one_or_none()
    return None if row is None else _seen(row)


def _seen(row: Row[Any]) -> SeenFile:
    stamp = FileStamp(row.dev, row.ino, row.size, row.mtime_ns, row.ctime_ns)
    return SeenFile(row.path, stamp, row.state, row.code, row.attempts, row.sha256, row.submission)


def remember(connection: Connection, folder: str, files: Iterable[SeenFile], now: datetime) -> None:
    """Keep what became of files; what was known of older versions is replaced."""
    for file in files:
        where = (watch_file.c.folder == folder, watch_file.c.path == file.path)
        connection.execute(delete(watch_file).where(*where))
        connection.execute(
            insert(watch_file).values(
                folder=folder, path=file.path, name=shown(file.path), state=file.state, code=file.code,
                attempts=file.attempts, sha256=file.sha256, submission=file.submission, at=now,
                **file.stamp._asdict(),
            )
        )  # fmt: skip


def forget(connection: Connection, folder: str, paths: Sequence[bytes]) -> None:
    """Drop files that need no row any more: they went before they were taken, or we moved them."""
    for path in paths:
        connection.execute(delete(watch_file).where(watch_file.c.folder == folder, watch_file.c.path == path))


def folders(connection: Connection, centre_id: str) -> list[Row[Any]]:
    """Return all watched folders of a centre with their states."""
    query = select(watch_folder).where(watch_folder.c.centre == centre_id).order_by(watch_folder.c.name)
    return list(connection.execute(query))


def open_files(connection: Connection, folder: str) -> list[Row[Any]]:
    """Return the files of a folder that wait, were refused or were set aside, newest first."""
    query = (
        select(watch_file)
        .where(watch_file.c.folder == folder, watch_file.c.state != TAKEN)
        .order_by(watch_file.c.at.desc(), watch_file.c.name)
    )
    return list(connection.execute(query))
