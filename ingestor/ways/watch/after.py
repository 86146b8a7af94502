"""What is done with a file once its bytes are durable: moved aside, if the site wants that, and never overwritten."""

from __future__ import annotations

import logging
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ingestor.disk import FileStamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def move(folder: bytes, path: bytes, stamp: FileStamp, parts: Sequence[bytes], reason: str = "") -> bool:
    """Move a file below its watched folder; tell whether that worked.

    A file that is no longer what was copied is a new version and stays. Links in the way are not followed.

    Args:
        folder: the watched folder.
        path: of the file, relative.
        stamp: of the file when it was copied.
        parts: folders to move it to, below `folder`, made where they are missing.
        reason: written beside the moved file.
    """
    *parents, name = path.split(b"/")
    try:
        with _opened(folder, parents, make=False) as source:
            if _stamp(source, name) != stamp:
                return False
            with _opened(folder, parts, make=True) as target:
                free = _free_name(target, name)
                if reason:
                    _write(target, free + b".reason.txt", reason)
                os.rename(name, free, src_dir_fd=source, dst_dir_fd=target)
                _sync(target)
            _sync(source)
    except OSError as error:
        log.warning("file_not_moved", extra={"errno": error.errno})
        return False
    return True


def drop_sentinels(folder: bytes, path: bytes) -> None:
    """Remove the files that only said that `path` was whole."""
    for end in (b".done", b".sha256"):
        with suppress(OSError):
            os.unlink(os.path.join(folder, path + end))  # noqa: PTH108, PTH118 - bytes paths


def _stamp(folder_fd: int, name: bytes) -> FileStamp | None:
    found = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    return FileStamp.of(found) if stat.S_ISREG(found.st_mode) else None


@contextmanager
def _opened(folder: bytes, parts: Sequence[bytes], *, make: bool) -> Iterator[int]:
    """Open a folder below the watched one, step by step, so that no link can lead elsewhere."""
    fd = os.open(folder, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o770, dir_fd=fd)
                    _sync(fd)
            below = os.open(part, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _free_name(folder_fd: int, name: bytes) -> bytes:
    stem, dot, end = name.rpartition(b".")
    number = 1
    free = name
    while _exists(folder_fd, free):
        number += 1
        free = b"%b~%d.%b" % (stem, number, end) if dot and stem else b"%b~%d" % (name, number)
    return free


def _exists(folder_fd: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write(folder_fd: int, name: bytes, text: str) -> None:
    fd = os.open(
        name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660, dir_fd=folder_fd
    )
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)


def _sync(folder_fd: int) -> None:
    with suppress(OSError):
        os.fsync(folder_fd)
