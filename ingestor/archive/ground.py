"""The ground an archive stands on: one local file system with links, and who else stands on it."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
from typing import TYPE_CHECKING

from ingestor import disk
from ingestor.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def try_link(root: Path, tmp: Path) -> None:
    """See that a name can move from `tmp` to `root`: one file system, one mount, hard links.

    Raises:
        SettingsError: `archive_split`.
    """
    name = f"probe-{secrets.token_hex(8)}"
    first, second = tmp / name, root / name
    try:
        first.touch()
        second.hardlink_to(first)
    except OSError as error:
        if error.errno in {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
            raise SettingsError("archive_split", path=str(root)) from error
        # A full or read-only disk is told by the first put; reading goes on meanwhile.
        log.warning("archive_not_writable", extra={"errno": error.errno})
    finally:
        _forget(first)
        _forget(second)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("temporary_file_left", extra={"errno": error.errno})


class Presence:
    """A shared lock that every process with the archive open holds, so that they see each other."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise disk.trouble(error) from error
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def is_alone(self) -> bool:
        """Say whether no other process is here."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_SH)
        return True

    def leave(self) -> None:
        """Be seen no longer."""
        os.close(self._fd)
