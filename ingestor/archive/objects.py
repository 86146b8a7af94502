"""The folder of all objects: names for good, reading back, and what is wrong with either."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import secrets
import time
from typing import TYPE_CHECKING

from ingestor import disk
from ingestor.archive.contents import bytes_at, holds
from ingestor.archive.ground import Presence, try_link
from ingestor.archive.source import Source
from ingestor.archive.writer import Kept, Writer, too_large
from ingestor.errors import NotFound, SourceChanged, StorageTrouble
from ingestor.faultpoints import point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestor.disk import FileStamp

log = logging.getLogger(__name__)

LIMIT_BYTES = 32 << 20
_SHARD = re.compile(r"[0-9a-f]{2}")
_SUM = re.compile(r"[0-9a-f]{64}")


class Archive:
    """All bytes ever accepted, below one folder.

    Args:
        root: the folder; `prepare` makes it.
        limit: the largest object [B].
    """

    def __init__(self, root: Path, limit: int = LIMIT_BYTES) -> None:
        self.root = root
        self.tmp = root / "tmp"
        self.limit = limit
        self._durable: set[str] = set()
        self._presence: Presence | None = None

    def prepare(self) -> None:
        """Make the folders, see that the disk can keep the promise, and be seen by other processes.

        Raises:
            SettingsError: `shared_disk` or `archive_split`.
            StorageTrouble: the folders cannot be made.
        """
        try:
            disk.make_folder(self.root)
            disk.make_folder(self.tmp)
        except OSError as error:
            raise disk.trouble(error) from error
        disk.require_local(self.root)
        disk.require_local(self.tmp)
        try_link(self.root, self.tmp)
        self._presence = self._presence or Presence(self.root / "open.lock")

    def close(self) -> None:
        """Be seen no longer by other processes; harmless if nobody saw this archive open."""
        if self._presence is not None:
            self._presence.leave()
            self._presence = None

    def is_alone(self) -> bool:
        """Say whether no other process has this archive open: then nothing in it is on its way."""
        return self._presence is not None and self._presence.is_alone()

    def put_path(
        self, path: str | bytes | Path, expect: FileStamp | None = None, told_sum: str | None = None
    ) -> Kept:
        """Copy a regular file. The source is only read; it is the caller's after that.

        Args:
            path: a regular file; links, pipes and devices are not opened.
            expect: the stamp seen before, if the file must still be the same.
            told_sum: the SHA-256 that the sender wrote beside it, if any.

        Raises:
            SourceTrouble: `source_vanished`, `source_locked`, `source_not_a_file`, `source_unreadable`.
            SourceChanged: it is not, or did not stay, what it was; `source_sum`: not what the sender says.
            LimitExceeded: `limit_size`.
            StorageTrouble: nothing was kept.
        """
        with Source(path) as source:
            if expect is not None and source.stamp != expect:
                raise SourceChanged
            with self.put_stream(source.stamp.size) as writer:
                for piece in source.pieces():
                    writer.write(piece)
                point("archive.copied")
                if not source.is_unchanged():
                    raise SourceChanged
                if told_sum is not None and told_sum != writer.sha256:
                    raise SourceChanged("source_sum")
                kept = writer.finish()
        return Kept(kept.sha256, kept.size, kept.new, source.stamp)

    def put_bytes(self, data: bytes) -> Kept:
        """Keep bytes that are already here. Errors as `put_path`."""
        with self.put_stream(len(data)) as writer:
            writer.write(data)
            return writer.finish()

    def put_stream(self, expected: int = 0) -> Writer:
        """Return a writer for bytes that come piece by piece.

        Args:
            expected: how many bytes are announced, if known.

        Raises:
            LimitExceeded: more is announced than an object may have.
            StorageTrouble: `disk_full` and its like.
        """
        if expected > self.limit:
            raise too_large(self.limit)
        try:
            if not disk.room(self.tmp).holds(expected):
                raise StorageTrouble("disk_full")
            return Writer(self.tmp, self.limit, self._publish)
        except OSError as error:
            raise disk.trouble(error) from error

    def path_of(self, sha256: str) -> Path:
        """Return where the bytes of this sum stand, or would stand."""
        if not _SUM.fullmatch(sha256):
            raise NotFound
        return self.root / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes:
        """Return the bytes of this sum. Bytes that do not match their sum are never returned.

        Raises:
            NotFound: there is no such object.
            StorageTrouble: `archive_damaged`, or the disk cannot be read.
        """
        try:
            data = bytes_at(self.path_of(sha256))
        except FileNotFoundError:
            raise NotFound from None
        except OSError as error:
            raise StorageTrouble("archive_damaged", sha256=sha256) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            log.critical("archive_damaged", extra={"source": sha256})
            raise StorageTrouble("archive_damaged", sha256=sha256)
        return data

    def content(self, sha256: str) -> bytes | None:
        """Return the bytes of this sum, None where they cannot be had: for answers that can do without them."""
        try:
            return self.read(sha256)
        except (NotFound, StorageTrouble):
            return None

    def objects(self) -> Iterator[str]:
        """Yield the sum of every object, in order."""
        for shard in self.shards():
            yield from self.shard(shard)

    def shards(self) -> dict[str, int]:
        """Return the folders of objects, in order, each with a mark that changes when a name in it does."""
        found = sorted((e for e in os.scandir(self.root) if _SHARD.fullmatch(e.name)), key=lambda e: e.name)
        return {entry.name: entry.stat().st_mtime_ns for entry in found}

    def age(self, sha256: str) -> float:
        """Return how long ago an object got its name [s]; by the clock, so good for patience only."""
        return time.time() - self.path_of(sha256).stat().st_ctime

    def shard(self, shard: str) -> list[str]:
        """Return the sums of the objects in one of `shards`, in order."""
        return sorted(e.name for e in os.scandir(self.root / shard) if _SUM.fullmatch(e.name))

    def quarantine(self, sha256: str) -> Path:
        """Move a bad object out of the way, so that its name is free for the right bytes.

        Raises:
            NotFound: there is no such object.
        """
        final = self.path_of(sha256)
        folder = self.root / "quarantine"
        aside = folder / f"{sha256}.{secrets.token_hex(4)}"
        try:
            disk.make_folder(folder)
            final.rename(aside)
            disk.sync_folder(folder)
            disk.sync_folder(final.parent)
        except FileNotFoundError:
            raise NotFound from None
        except OSError as error:
            raise disk.trouble(error) from error
        log.critical("archive_quarantined", extra={"source": sha256})
        return aside

    def sweep_tmp(self) -> int:
        """Remove what broken-off copies left behind; copies that are going on in any process stay."""
        swept = 0
        for left in self.tmp.iterdir():
            try:
                fd = os.open(left, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
                swept += 1
            except OSError:
                continue
            finally:
                os.close(fd)
        return swept

    def _publish(self, temp: Path, sha256: str, size: int) -> bool:
        """Give synced bytes their name for good; say whether they are new. Steps 5 and 6 of the protocol."""
        final = self.path_of(sha256)
        self._make_shard(final.parent)
        while True:
            point("archive.link")
            try:
                os.link(temp, final)
                new = True
                break
            except FileExistsError:
                if holds(final, sha256, size):
                    new = False
                    break
                with contextlib.suppress(NotFound):
                    self.quarantine(sha256)
        point("archive.linked")
        temp.unlink()
        point("archive.unlinked")
        # Also for bytes that stood there: whoever linked them may not have come this far.
        disk.sync_folder(final.parent)
        point("archive.published")
        return new

    def _make_shard(self, shard: Path) -> None:
        if shard.name in self._durable:
            return
        shard.mkdir(mode=0o750, exist_ok=True)
        point("archive.shard")
        disk.sync_folder(self.root)
        self._durable.add(shard.name)
