"""One bundle of settled files: copied, committed, and only then touched."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ingestor.errors import (
    Busy,
    DatabaseTrouble,
    IngestorError,
    LimitExceeded,
    SourceChanged,
    SourceTrouble,
    StorageTrouble,
)
from ingestor.faultpoints import point
from ingestor.flow.pipeline import ingest
from ingestor.isolate.found import where
from ingestor.names import shown
from ingestor.phrases import both
from ingestor.store import sources, watching
from ingestor.store.audit import Actor
from ingestor.store.sources import Order, StoredMember
from ingestor.store.watching import ASIDE, REFUSED, TAKEN, WAITING, SeenFile
from ingestor.ways.watch import after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.archive import Kept
    from ingestor.disk import FileStamp
    from ingestor.flow.house import House

log = logging.getLogger(__name__)

ORDER = Order("watch", Actor("watcher", "agent"))
TRIES = 3
_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the files of one bundle, and the receipt where there is one."""

    files: tuple[SeenFile, ...]
    receipt: dict[str, Any] | None = None


class Taking:
    """Takes bundles out of one folder.

    Args:
        house: the open house.
        folder: the watched folder.
        folder_id: of its row.
        moves: files are moved to `done/` and `refused/` afterwards; else they stay.
    """

    def __init__(self, house: House, folder: bytes, folder_id: str, *, moves: bool) -> None:
        self._house, self._folder, self._id, self._moves = house, folder, folder_id, moves

    def take(self, files: Sequence[tuple[bytes, FileStamp]]) -> Taken:
        """Take one bundle; what became of it is remembered.

        Args:
            files: path and stamp of each member, in the order of its parts.

        Raises:
            StorageTrouble, Busy, DatabaseTrouble: nothing was taken, and it is no fault of these files.
        """
        with self._house.db.read() as connection:
            known = {path: watching.seen_file(connection, self._id, path) for path, _ in files}
        same = [self._same_content(path, stamp, known[path]) for path, stamp in files]
        if all(file is not None for file in same):
            taken = Taken(tuple(file for file in same if file is not None))
        else:
            taken = self._take(files, known)
        with self._house.db.write() as connection:
            watching.remember(connection, self._id, taken.files, self._house.now())
        point("watch.remembered")
        self._after(taken)
        return taken

    def _take(self, files: Sequence[tuple[bytes, FileStamp]], known: dict[bytes, SeenFile | None]) -> Taken:
        try:
            kept = [self._keep(path, stamp) for path, stamp in files]
            members = [
                StoredMember(shown(p.rpartition(b"/")[2]), k.sha256, k.size)
                for (p, _), k in zip(files, kept, strict=True)
            ]
            receipt = ingest(self._house, members, ORDER)
        except LimitExceeded as error:
            return Taken(tuple(SeenFile(p, k, REFUSED, error.code) for p, k in files), _refusal(files, error))
        except (SourceTrouble, SourceChanged) as error:
            return Taken(tuple(self._again(p, k, known[p], WAITING, error.code) for p, k in files))
        except (StorageTrouble, Busy, DatabaseTrouble) as error:
            if error.code != "archive_damaged":
                raise
            return Taken(tuple(self._again(p, k, known[p], ASIDE, error.code) for p, k in files))
        except Exception as error:  # noqa: BLE001 - one file in a loop: a bug met by it must not stop the others
            log.error("file_failed", extra={"problem": where(error)})  # noqa: TRY400 - its text may quote the file
            return Taken(tuple(self._again(p, k, known[p], ASIDE, "internal") for p, k in files))
        state = REFUSED if receipt["status"] == "refused" else TAKEN
        return Taken(
            tuple(
                SeenFile(path, stamp, state, receipt["code"], 0, k.sha256, receipt["submission"])
                for (path, stamp), k in zip(files, kept, strict=True)
            ),
            receipt,
        )

    def _keep(self, path: bytes, stamp: FileStamp) -> Kept:
        full = self._full(path)
        if _ends_blank(full, stamp.size):
            raise SourceChanged("source_blank")
        return self._house.archive.put_path(full, stamp, _told_sum(full + b".sha256"))

    def _again(
        self, path: bytes, stamp: FileStamp, before: SeenFile | None, last: str, code: str
    ) -> SeenFile:
        attempts = 1 + (before.attempts if before and before.stamp == stamp else 0)
        state = last if attempts >= TRIES else WAITING
        sha256 = before.sha256 if before else None
        return SeenFile(path, stamp, state, code, attempts, sha256)

    def _same_content(self, path: bytes, stamp: FileStamp, before: SeenFile | None) -> SeenFile | None:
        """Recognise a file that was taken before and only looks new, as after a share was mounted again."""
        if before is None or before.state not in {TAKEN, REFUSED} or before.sha256 is None:
            return None
        if before.stamp.size != stamp.size:
            return None
        try:
            return replace(before, stamp=stamp) if _sum_of(self._full(path)) == before.sha256 else None
        except OSError:
            return None

    def finish(self, path: bytes) -> None:
        """Move a file that was taken in an earlier life, which ended before it was moved."""
        with self._house.db.read() as connection:
            file = watching.seen_file(connection, self._id, path)
            row = sources.submission_of(connection, file.submission) if file and file.submission else None
        if file is not None:
            self._after(Taken((file,), row.receipt if row else None))

    def _after(self, taken: Taken) -> None:
        """Move what is durable; what was moved needs no row any more."""
        if not self._moves:
            return
        now = self._house.now()
        moved = []
        for file in taken.files:
            if file.state == WAITING:
                continue
            done = file.state == TAKEN
            to = [b"done", b"%04d" % now.year, b"%02d" % now.month] if done else [b"refused"]
            reason = "" if done else _reason(file, taken.receipt)
            if after.move(self._folder, file.path, file.stamp, to, reason):
                point("watch.moved")
                after.drop_sentinels(self._folder, file.path)
                moved.append(file.path)
        if moved:
            with self._house.db.write() as connection:
                watching.forget(connection, self._id, moved)

    def _full(self, path: bytes) -> bytes:
        return self._folder + b"/" + path


def _ends_blank(path: bytes, size: int) -> bool:
    """Say whether a file ends in a block of zero bytes, as one whose size was reserved before it was written."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # the copy tells what is wrong
    try:
        tail = os.pread(fd, _TAIL, max(0, size - _TAIL))
    except OSError:
        return False
    finally:
        os.close(fd)
    return bool(tail) and not tail.strip(b"\0")


def _sum_of(path: bytes) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _told_sum(path: bytes) -> str | None:
    """Return the sum that a sender wrote beside a file, as `sha256sum` writes it; None where there is none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - bytes paths
            words = file.read(_TAIL).split()
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
            return None
        words = []
    return words[0].decode("ascii", "replace").lower() if words else "unreadable"


def _refusal(files: Sequence[tuple[bytes, FileStamp]], error: IngestorError) -> dict[str, Any]:
    from ingestor.ways.files import unread

    return unread([shown(path) for path, _ in files], error)


def _reason(file: SeenFile, receipt: dict[str, Any] | None) -> str:
    words = receipt["message"] if receipt else both(file.code or "refused")
    return f"{words['de']}\n\n{words['en']}\n\nCode: {file.code}  {file.submission or ''}\n"
