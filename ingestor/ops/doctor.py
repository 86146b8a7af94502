"""What a folder or this installation is like, and what to do about it. Nothing is left changed."""

from __future__ import annotations

import errno
import os
import secrets
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestor import disk
from ingestor.store import sqlite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestor.archive import Archive
    from ingestor.store.engine import Database

_SKEW_S = 2.0
_SLOW_S = 1.0
_COARSE_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what.
        value: how it is, for an administrator.
        code: what is wrong, a key of the phrases; None if it is as it should be.
    """

    name: str
    value: str
    code: str | None = None


def look_at_folder(folder: Path) -> list[Check]:
    """Explain a folder that is or will be watched: type of disk, rights, renaming, times, size."""
    try:
        began = time.perf_counter()
        with os.scandir(folder) as found:
            count = sum(1 for _ in found)
        took = time.perf_counter() - began
    except OSError as error:
        return [Check("reachable", errno.errorcode.get(error.errno or 0, "?"), "folder_gone")]
    kind = disk.shared_kind(folder)
    room = disk.room(folder)
    checks = [
        Check("reachable", str(folder)),
        Check("disk", kind or "local"),
        Check("room", f"{room.free >> 20} MiB of {room.whole >> 20} MiB free"),
        Check("entries", f"{count} in {took:.3f} s", "doctor_slow" if took > _SLOW_S else None),
        Check(
            "watching", f"by looking again; quiet time {30 if kind else 10} s unless --quiet says otherwise"
        ),
    ]
    return checks + _try_writing(folder)


def _try_writing(folder: Path) -> list[Check]:
    """Write, rename and remove a file of our own, to see what the folder can do."""
    first = folder / f".apherelog-{secrets.token_hex(6)}.tmp"
    second = first.with_suffix(".part")
    try:
        before = time.time()
        first.write_bytes(b"1")
        found = first.stat()
        after = time.time()
        os.utime(first, ns=(found.st_atime_ns, found.st_mtime_ns))
        touched = first.stat()
        first.rename(second)
        renamed = second.stat()
        second.unlink()
    except OSError as error:
        return [Check("writable", errno.errorcode.get(error.errno or 0, "?"), "doctor_read_only")]
    finally:
        first.unlink(missing_ok=True)
        second.unlink(missing_ok=True)
    skew = max(before - found.st_mtime, found.st_mtime - after, 0)
    coarse = found.st_mtime_ns % _COARSE_NS == 0
    stays = renamed.st_ino == found.st_ino
    return [
        Check("writable", "yes: --after move is possible"),
        Check("clock", f"{skew:.1f} s away from ours", "doctor_skew" if skew > _SKEW_S else None),
        Check("times", "whole seconds" if coarse else "finer than a second"),
        Check("change time", "kept" if touched.st_ctime_ns >= found.st_ctime_ns else "goes back"),
        Check("inodes", "stay when renamed" if stays else "change when renamed"),
    ]


def look_at_house(
    data: Path, archive: Archive, db: Database, drivers: Callable[[], list[str]]
) -> list[Check]:
    """Explain this installation: Python, SQLite, disks, drivers.

    Args:
        data: the data folder.
        archive: prepared.
        db: open.
        drivers: loads all drivers in the limited child and returns what is wrong with them.
    """
    room = disk.room(data)
    library = sqlite.library()
    safe = not db.is_sqlite or db.journal == "wal"
    broken = drivers()
    return [
        Check("python", sys.version.split()[0]),
        Check(
            "sqlite", f"{library.sqlite_version}, journal {db.journal}", None if safe else "doctor_old_sqlite"
        ),
        Check("data", f"{data} on {disk.shared_kind(data) or 'a local disk'}"),
        Check("room", f"{room.free >> 20} MiB free", None if room.holds() else "doctor_full"),
        Check("archive", f"{sum(1 for _ in archive.objects())} files"),
        Check("drivers", "; ".join(broken) or "all can be used", "doctor_drivers" if broken else None),
    ]
