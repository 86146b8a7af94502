"""Orders for deliveries on disk, one folder each.

`order.json` makes an order durable, `files/` is there when it is done, `failed.json` if it was in vain. Nothing of it
is in memory alone, so whoever comes next goes on with what was begun.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ingestor import disk
from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.ops.deliveries import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEPT = timedelta(hours=24)
FILES = "files"
_ORDER, _FAILED = "order.json", "failed.json"
_ID = re.compile(r"exp-[a-z2-7]{16}")


@dataclass(frozen=True, slots=True)
class Kept:
    """An order as it is written down; the filter with its moment, patients by pseudonyms of the purpose."""

    account: str
    purpose: str
    centre: str
    ward: str | None
    kind: str
    release: str
    types: list[str]
    asked: list[list[str]]
    facts: dict[str, str]
    request: str
    at: str


@dataclass(frozen=True, slots=True)
class State:
    """How far a delivery is.

    Attributes:
        manifest: when it is done.
        ends: when it is deleted.
        failed: code of why it was in vain.
    """

    manifest: dict[str, Any] | None = None
    ends: datetime | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """All orders in a folder."""

    folder: Path

    def jobs(self) -> list[str]:
        """Return the ids of all orders."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(path.name for path in found if _ID.fullmatch(path.name) and (path / _ORDER).exists())

    def read(self, job: str) -> Kept | None:
        """Return an order; None where it is gone, or damaged."""
        try:
            return Kept(**json.loads((self.folder / job / _ORDER).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, order: Kept) -> str:
        """Write an order down and return its id.

        Raises:
            StorageTrouble: it was not written.
        """
        job = fresh("exp")
        half = self.folder / f".{job}"
        try:
            half.mkdir(mode=0o700, parents=True)
            (half / _ORDER).write_text(json.dumps(asdict(order)), "utf-8")
            half.rename(self.folder / job)
            disk.sync_folder(self.folder)
        except OSError as error:
            raise disk.trouble(error) from error
        return job

    def of(self, job: str, account: str) -> Path:
        """Return the folder of an order.

        Raises:
            NotFound: `no_such_delivery`: there is none, or it is somebody else's.
        """
        order = self.read(job) if _ID.fullmatch(job) is not None else None
        if order is None or order.account != account:
            raise NotFound("no_such_delivery")
        return self.folder / job

    def count(self, account: str) -> int:
        """Return how many orders an account has."""
        found = (self.read(job) for job in self.jobs())
        return sum(one is not None and one.account == account for one in found)

    def remove(self, folder: Path) -> None:
        """Delete an order with its files."""
        gone = folder.with_name(f".{folder.name}.gone")
        try:
            folder.rename(gone)
            shutil.rmtree(gone)
        except FileNotFoundError:
            return  # somebody else was quicker
        except OSError as error:
            raise disk.trouble(error) from error


def state(folder: Path) -> State:
    """Return how far the order of a folder is."""
    if (folder / _FAILED).exists():
        return State(failed=str(json.loads((folder / _FAILED).read_text("utf-8"))["code"]))
    try:
        manifest = json.loads((folder / FILES / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        return State()
    return State(manifest, _ended(folder) + KEPT)


def is_over(folder: Path) -> bool:
    """Tell whether nothing is left to be done."""
    return (folder / FILES).exists() or (folder / _FAILED).exists()


def is_old(folder: Path, now: datetime) -> bool:
    """Tell whether what is over has been kept long enough."""
    return now >= _ended(folder) + KEPT


def _ended(folder: Path) -> datetime:
    found = folder / FILES
    path = found if found.exists() else folder / _FAILED
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def give_up(folder: Path, code: str) -> None:
    """Write down that an order was in vain; nothing where it was deleted meanwhile."""
    if folder.exists():
        (folder / _FAILED).write_text(json.dumps({"code": code}), "utf-8")


@contextmanager
def mine(folder: Path) -> Iterator[bool]:
    """Tell whether this process is the one to carry an order out."""
    try:
        file = (folder / _ORDER).open("rb")
    except FileNotFoundError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
