"""A house with a hospital's own drivers, a folder it watches, and a clock that the test turns."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.isolate import Reader
from ingestor.store import watching
from ingestor.ways.watch.folder import Folder, Habits, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestor.flow.house import House

SITE = Path(__file__).parents[1] / "isolate" / "site"


@pytest.fixture(autouse=True)
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SITE))


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """One child for all: it keeps nothing from one file to the next."""
    with Reader() as made:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PYTHONPATH", str(SITE))
            made.drivers()
        yield made


@dataclass
class Watched:
    """A folder under watch; `look` advances the clock first."""

    house: House
    path: Path
    folder: Folder
    now: list[float]
    receipts: list[dict[str, Any]] = field(default_factory=list)

    def look(self, times: int = 1, after: float = 5) -> Look:
        for _ in range(times):
            self.now[0] += after
            last = self.folder.look()
        return last

    def write(self, name: str | bytes, data: bytes | None = None) -> Path:
        """Write a file that waits for its companion once it is taken: the cheapest thing that is taken."""
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.path), os.fsencode(name))))  # noqa: PTH118
        path.write_bytes(b"plain\n#" + os.fsencode(name) if data is None else data)
        return path

    def states(self) -> dict[str, str]:
        with self.house.db.read() as connection:
            return {os.fsdecode(f.path): f.state for f in watching.seen_files(connection, self.folder._id)}

    def codes(self) -> dict[str, str | None]:
        with self.house.db.read() as connection:
            return {os.fsdecode(f.path): f.code for f in watching.seen_files(connection, self.folder._id)}

    @property
    def statuses(self) -> list[str]:
        return [r["status"] for r in self.receipts]


@pytest.fixture
def watch(house: House, reader: Reader, tmp_path: Path) -> Callable[..., Watched]:
    """Return a maker of watched folders."""
    shared = replace(house, reader=reader)

    def make(path: Path | None = None, **habits: float) -> Watched:
        inbox = path or tmp_path / "inbox"
        inbox.mkdir(exist_ok=True)
        receipts: list[dict[str, Any]] = []
        now = [1000.0]
        folder = Folder(
            shared, os.fsencode(inbox), Habits(**({"quiet": 10} | habits)), receipts.append, lambda: now[0]
        )
        return Watched(shared, inbox, folder, now, receipts)

    return make
