"""Bytes that arrive while nobody can ask for them again: on the disk within a second, with when they came.

A spool is a raw file and a side file of arrival times. It is locked while somebody writes it; one that nobody
holds was left behind by an end in mid-treatment and is taken up or taken in by the next start.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from ingestor import disk
from ingestor.errors import IngestorError
from ingestor.faultpoints import point
from ingestor.flow.jobs import run_due
from ingestor.flow.pipeline import ingest
from ingestor.isolate.found import where
from ingestor.store.sources import StoredMember

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from ingestor.flow.house import House
    from ingestor.store.sources import Order

log = logging.getLogger(__name__)

RAW, TIMES = ".raw", ".times"
_SYNC_S = 1.0


class Spool:
    """One stream on its way into a file.

    Args:
        folder: where it stands.
        name: without ending; the name of the source later.

    Raises:
        BlockingIOError: another process writes it.
        OSError: the disk does not take it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        disk.make_folder(folder)
        self.name, self.raw, self.times = name, folder / (name + RAW), folder / (name + TIMES)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._raw = os.open(self.raw, flags, 0o600)
        try:
            fcntl.flock(self._raw, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._times = os.open(self.times, flags, 0o600)
            disk.sync_folder(folder)
        except OSError:
            os.close(self._raw)
            raise
        self._size = os.fstat(self._raw).st_size
        self._pending = bytearray()
        self._unsynced_since: float | None = None

    @property
    def size(self) -> int:
        """Bytes taken so far, those that the disk did not take yet included."""
        return self._size + len(self._pending)

    def write(self, data: bytes, now: datetime, note: str = "") -> bool:
        """Add bytes; tell whether the disk took them. What it did not take is kept in memory and tried again.

        Args:
            data: as they came.
            now: when they came.
            note: one word kept beside the time.
        """
        self._pending += data
        with suppress(OSError):  # a full disk: the bytes themselves come first
            os.write(self._times, f"{self.size} {now.isoformat()} {note}".rstrip().encode() + b"\n")
        return self.push()

    def push(self) -> bool:
        """Bring waiting bytes to the disk, synced at least once a second; tell whether none wait."""
        if self._pending:
            self._unsynced_since = self._unsynced_since or time.monotonic()
            try:
                written = os.write(self._raw, self._pending)
            except OSError as error:
                log.critical("spool_not_written", extra={"errno": error.errno, "waiting": len(self._pending)})
                return False
            self._size += written
            del self._pending[:written]
        try:
            if self._unsynced_since is not None and time.monotonic() - self._unsynced_since >= _SYNC_S:
                self.sync()
        except OSError as error:
            log.critical("spool_not_durable", extra={"errno": error.errno})
            return False
        return not self._pending

    def sync(self) -> None:
        """Make what was written durable.

        Raises:
            OSError: it is not.
        """
        os.fsync(self._raw)
        self._unsynced_since = None
        point("spool.synced")

    def tail(self, size: int) -> bytes:
        """Return the last bytes."""
        known = os.pread(self._raw, size, max(0, self._size - size))
        return (known + bytes(self._pending))[-size:]

    def content(self) -> bytes:
        """Return everything."""
        return os.pread(self._raw, self._size, 0) + bytes(self._pending)

    def close(self) -> None:
        """Bring everything to the disk and let go; the files stay."""
        try:
            self.push()
            self.sync()
        except OSError as error:
            log.critical("spool_not_durable", extra={"errno": error.errno})
        finally:
            os.close(self._raw)
            os.close(self._times)

    def drop(self) -> None:
        """Let go of a stream that held nothing."""
        self.raw.unlink(missing_ok=True)
        self.times.unlink(missing_ok=True)
        os.close(self._raw)
        os.close(self._times)


def stem(kind: str, now: datetime) -> str:
    """Return a new name for a spool, without ending."""
    return f"{kind}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def left_behind(folder: Path) -> list[Path]:
    """Return the raw files that nobody writes any more, oldest first."""
    found = []
    for raw in sorted(folder.glob(f"*{RAW}"), key=lambda p: p.stat().st_mtime_ns):
        fd = os.open(raw, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found.append(raw)
        except BlockingIOError:
            continue
        finally:
            os.close(fd)
    return found


def take_in(house: House, raw: Path, order: Order) -> dict[str, Any] | None:
    """Take a finished spool in as a source; its files go once that is durable. None for an empty one.

    The arrival times stay in the folder `arrivals`, under the sum of the bytes.

    Raises:
        IngestorError: nothing was taken, the spool stays.
    """
    times = raw.with_suffix(TIMES)
    if not raw.stat().st_size:
        forget(raw)
        return None
    kept = house.archive.put_path(raw)
    receipt = ingest(house, [StoredMember(raw.name, kept.sha256, kept.size)], order)
    point("spool.taken")
    arrivals = raw.parent / "arrivals"
    disk.make_folder(arrivals)
    if times.exists():
        times.rename(arrivals / f"{kept.sha256}{TIMES}")
    raw.unlink()
    return receipt


def forget(raw: Path) -> None:
    """Remove a spool that holds nothing, or nothing that was not handed in before."""
    raw.unlink()
    raw.with_suffix(TIMES).unlink(missing_ok=True)


class HandIn:
    """Takes finished spools in beside the listening, one after the other; what cannot be taken is tried again.

    Args:
        house: the open house.
        folder: where the spools stand.
        prefix: of the names of this listener's own spools.
        order: under which they are taken in.
        told: gets every receipt.
    """

    def __init__(
        self, house: House, folder: Path, prefix: str, order: Order, told: Callable[[dict[str, Any]], None]
    ) -> None:
        self._house, self._folder, self._prefix, self._order, self._told = house, folder, prefix, order, told
        self._hands = ThreadPoolExecutor(1, "hand-in")
        # Of spools that were handed in when their listener was stopped, and go on: how much of them that was.
        self.handed: dict[str, int] = {}

    def left(self) -> list[Path]:
        """Return this listener's spools that nobody writes any more, oldest first."""
        found = left_behind(self._folder) if self._folder.is_dir() else []
        return [raw for raw in found if raw.name.startswith(self._prefix)]

    def begin(self) -> None:
        """Take in what is finished, and settle jobs that are due, without waiting for it."""
        self._hands.submit(self._all)

    def finish(self) -> None:
        """Wait until everything was taken in that can be."""
        self._hands.shutdown()

    def _all(self) -> None:
        try:
            for raw in self.left():
                if self.handed.pop(raw.name, 0) == raw.stat().st_size > 0:
                    forget(raw)
                    continue
                receipt = take_in(self._house, raw, self._order)
                if receipt is not None:
                    self._told(receipt)
            for receipt in run_due(self._house):
                self._told(receipt)
        except IngestorError as error:
            log.error("spool_waits", extra={"code": error.code})  # noqa: TRY400 - its details may quote bytes
        except Exception as error:  # noqa: BLE001 - a bug met by one treatment must not end the listening
            log.critical("spool_failed", extra={"problem": where(error)})
