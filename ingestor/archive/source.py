"""A file that somebody else owns: opened with care, read, and asked whether it stayed the same."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from ingestor import disk
from ingestor.disk import FileStamp
from ingestor.errors import SourceTrouble, StorageTrouble
from ingestor.faultpoints import point

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20
_NOT_A_FILE = {errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENODEV}
_LOCKED = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY, errno.EAGAIN}
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def open_source(path: str | bytes | Path) -> int:
    """Open a regular file for reading. Anything else is told apart before it is opened."""
    point("archive.open")
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise SourceTrouble("source_not_a_file")
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise source_trouble(error) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise SourceTrouble("source_not_a_file")
    return fd


def read_piece(fd: int) -> bytes:
    """Return the next bytes, none at the end."""
    try:
        return os.read(fd, _CHUNK)
    except OSError as error:
        raise source_trouble(error) from error


def stamp_now(path: str | bytes | Path) -> FileStamp:
    """Return the stamp of what stands at `path` now."""
    try:
        return FileStamp.of(os.lstat(path))
    except OSError as error:
        raise source_trouble(error) from error


def source_trouble(error: OSError) -> SourceTrouble | StorageTrouble:
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
