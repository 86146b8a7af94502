"""A file that somebody else owns: opened with care, read, and asked whether it stayed the same."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from ingestor import disk
from ingestor.disk import FileStamp
from ingestor.errors import SourceTrouble, StorageTrouble
from ingestor.faultpoints import point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20
_NOT_A_FILE = {errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENODEV}
_LOCKED = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY, errno.EAGAIN}
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Source:
    """One regular file, open for reading; links, pipes and devices are told apart before they are opened.

    Raises:
        SourceTrouble: `source_vanished`, `source_locked`, `source_not_a_file`, `source_unreadable`.
        StorageTrouble: we have run out of something ourselves.
    """

    def __init__(self, path: str | bytes | Path) -> None:
        self._path = path
        point("archive.open")
        with _told():
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise SourceTrouble("source_not_a_file")
            self._fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self.stamp = self._stamp()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        os.close(self._fd)

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning."""
        while True:
            with _told():
                piece = os.read(self._fd, _CHUNK)
            if not piece:
                return
            yield piece

    def is_unchanged(self) -> bool:
        """Say whether file and name are still what they were when the file was opened."""
        with _told():
            return self.stamp == self._stamp() == FileStamp.of(os.lstat(self._path))

    def _stamp(self) -> FileStamp:
        with _told():
            found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            raise SourceTrouble("source_not_a_file")
        return FileStamp.of(found)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _trouble(error) from error


def _trouble(error: OSError) -> SourceTrouble | StorageTrouble:
    """Return the error of the tree: is it the file's trouble, or have we run out of something?"""
    number = error.errno or 0
    if number in _OURS:
        return disk.trouble(error)
    if number in {errno.ENOENT, errno.ENOTDIR}:
        return SourceTrouble("source_vanished")
    if number in _NOT_A_FILE:
        return SourceTrouble("source_not_a_file")
    if number in _LOCKED:
        return SourceTrouble("source_locked")
    return SourceTrouble("source_unreadable", errno=errno.errorcode.get(number, ""))
