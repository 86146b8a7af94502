"""One object on its way into the archive: steps 2 and 4 of the order in which bytes become durable."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ingestor import disk
from ingestor.errors import LimitExceeded
from ingestor.faultpoints import point

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from ingestor.disk import FileStamp

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of bytes that were handed in; they are durable.

    Attributes:
        new: False if these bytes had been kept before.
        stamp: the source file as it was when it was copied; None for a stream.
    """

    sha256: str
    size: int
    new: bool
    stamp: FileStamp | None = None


class Writer:
    """`write` pieces, then `finish`; anything else leaves no trace.

    The temporary file stays open and locked until it is published, which tells other processes that it is
    alive.

    Args:
        tmp: where it is written.
        limit: how large it may become [B].
        publish: gives the synced file its name for good and says whether its bytes are new.
    """

    def __init__(self, tmp: Path, limit: int, publish: Callable[[Path, str, int], bool]) -> None:
        self._limit, self._publish = limit, publish
        self._sum = hashlib.sha256()
        self.size = 0
        self._open = True
        while True:
            point("archive.temp")
            self._temp = tmp / secrets.token_hex(16)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._fd = os.open(self._temp, flags, 0o600)
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(self._fd).st_nlink:
                    return
            except BlockingIOError:
                pass  # a sweep was faster: this name is lost
            except OSError:
                self.abort()
                raise
            os.close(self._fd)

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no trace unless `finish` succeeded."""
        self.abort()

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add a piece.

        Raises:
            LimitExceeded: `limit_size`; the object is gone.
            StorageTrouble: the object is gone.
        """
        self.size += len(chunk)
        if self.size > self._limit:
            self.abort()
            raise too_large(self._limit)
        self._sum.update(chunk)
        try:
            left = memoryview(chunk)
            while left:
                point("archive.write")
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            self.abort()
            raise disk.trouble(error) from error

    @property
    def sha256(self) -> str:
        """The sum of what was written so far."""
        return self._sum.hexdigest()

    def finish(self) -> Kept:
        """Make the bytes durable under their sum.

        Raises:
            StorageTrouble: nothing was kept. A failed sync is never repeated on the same file, since the
                kernel may have dropped the bytes: the whole copy must begin again.
        """
        sha256 = self.sha256
        try:
            os.fchmod(self._fd, stat.S_IRUSR | stat.S_IRGRP)
            point("archive.sync")
            os.fsync(self._fd)
            point("archive.synced")
            new = self._publish(self._temp, sha256, self.size)
        except OSError as error:
            raise disk.trouble(error) from error
        finally:
            self.abort()
        return Kept(sha256, self.size, new)

    def abort(self) -> None:
        """Forget the bytes; harmless after `finish`."""
        if self._open:
            self._open = False
            try:
                self._temp.unlink(missing_ok=True)
            except OSError as error:
                log.warning("temporary_file_left", extra={"errno": error.errno})
            os.close(self._fd)


def too_large(limit: int) -> LimitExceeded:
    """Return the error for an object larger than `limit` [B]."""
    return LimitExceeded("limit_size", limit_mib=limit >> 20)
