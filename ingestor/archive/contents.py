"""Objects read back: whole, and right, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES}


def bytes_at(path: Path) -> bytes:
    """Return what stands at `path`, following no link."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return file.read()


def holds(path: Path, sha256: str, size: int) -> bool:
    """Say whether the bytes at `path` are whole and right."""
    try:
        data = bytes_at(path)
    except OSError as error:
        if error.errno in _OURS:
            raise
        return False
    return len(data) == size and hashlib.sha256(data).hexdigest() == sha256
