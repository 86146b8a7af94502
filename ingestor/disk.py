"""What the house needs to know of a disk: is it local, is there room, is it safely written.

Directory syncs, `O_NOFOLLOW` and file locks as used here are Linux's; on other systems the promise is weaker
(see docs/faults.md).
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ingestor.errors import SettingsError, StorageTrouble

if TYPE_CHECKING:
    from pathlib import Path

FLOOR_BYTES = 1 << 30
FLOOR_SHARE = 0.05

# Source: Linux <linux/magic.h> and statfs(2). A database or an archive on these loses locks or syncs.
_SHARED = {
    0x6969: "nfs", 0x517B: "smb", 0xFF534D42: "cifs", 0xFE534D42: "smb2", 0x65735546: "fuse",
    0x01021997: "9p", 0x00C36400: "ceph", 0x5346414F: "afs", 0x73757245: "coda", 0x786F4256: "vboxsf",
    0x0BD00BD0: "lustre",
}  # fmt: skip

_CODES = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "disk_read_only",
    errno.EACCES: "disk_read_only",
    errno.EPERM: "disk_read_only",
    errno.EMFILE: "too_many_files",
    errno.ENFILE: "too_many_files",
}


class FileStamp(NamedTuple):
    """What tells one state of a file from another; never compared with a clock.

    Device and inode are signed, as databases hold them: shares may use all 64 bits.
    """

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> FileStamp:
        """Return the stamp of a `stat` answer."""
        dev, ino = signed(found.st_dev), signed(found.st_ino)
        return cls(dev, ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def signed(number: int) -> int:
    """Return an unsigned number of 64 bits as the signed one of the same bits."""
    return number - (1 << 64) if number >= 1 << 63 else number


@dataclass(frozen=True, slots=True)
class Room:
    """Free and whole size of a file system [B], and what must stay free."""

    free: int
    whole: int

    @property
    def floor(self) -> int:
        """The smaller of 1 GiB and 5 % of the file system [B]."""
        return min(FLOOR_BYTES, int(self.whole * FLOOR_SHARE))

    def holds(self, size: int = 0) -> bool:
        """Say whether `size` more bytes leave the floor untouched."""
        return self.free - size >= self.floor


def room(path: Path) -> Room:
    """Return how much room there is for an ordinary user at `path`."""
    found = os.statvfs(path)
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def shared_kind(path: Path) -> str | None:
    """Return the kind of network or user-space file system that `path` is on, or None for a local one."""
    answer = (ctypes.c_long * 32)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.statfs(os.fsencode(path), ctypes.byref(answer)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return _SHARED.get(answer[0] & 0xFFFFFFFF)


def require_local(path: Path) -> None:
    """Refuse a folder whose file system cannot keep what it was given.

    Raises:
        SettingsError: `shared_disk`.
    """
    if (kind := shared_kind(path)) is not None:
        raise SettingsError("shared_disk", path=str(path), kind=kind)


def sync_folder(path: str | Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make a folder, and those above it that are missing, so that no power failure takes their names away.

    A folder that is there may have been made a moment before the power failed: its name is synced as well.

    Raises:
        OSError: it cannot be made, or its name not be made durable.
    """
    new = [p for p in path.parents if not p.exists()]
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    for folder in (path, *new):
        with suppress(PermissionError):  # a folder above ours that we may only pass through
            sync_folder(folder.parent)


def trouble(error: OSError) -> StorageTrouble:
    """Return the error of the tree that says what is wrong with our own disk."""
    return StorageTrouble(
        _CODES.get(error.errno or 0, "storage"), errno=errno.errorcode.get(error.errno or 0, "")
    )
