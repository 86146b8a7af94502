"""One life of the program in a process of its own, and what must hold when lives have ended."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from ingestor import faultpoints
from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.flow.jobs import run_due
from ingestor.store.tables import dose, job, raw_file, revision, session, submission
from ingestor.ways.watch.folder import Folder, Habits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House

ROOT = Path(__file__).parents[2]
_POINT = re.compile(r'\bpoint\("([a-z_.]+)"\)')


# Steps that a watcher's life does not pass; each has a test of its own.
ELSEWHERE = {
    "backup.copied", "restore.aside", "spool.synced", "spool.taken", "schema.tables", "schema.step",
    "move.batch",
    *(f"reprocess.{p}" for p in ("read", "propose", "proposed", "ready", "approved", "switch", "switched")),
}  # fmt: skip


def points() -> list[str]:
    """Every fault point of the intake in the source, so that a new step cannot stay untested."""
    found = {p for f in (ROOT / "ingestor").rglob("*.py") for p in _POINT.findall(f.read_text("utf-8"))}
    return sorted(found - ELSEWHERE)


@dataclass(frozen=True)
class Place:
    """Where lives are lived: data, a watched folder, and a list of what was acknowledged."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def acknowledged(self) -> Path:
        return self.root / "acknowledged"

    def offer(self, files: dict[str, bytes]) -> None:
        self.inbox.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (self.inbox / name).write_bytes(data)

    def live(self, looks: int = 3) -> None:
        """Open the house, take what is in the folder, and write down each receipt once it is given."""
        with open_house(Settings(data_dir=self.data)) as house:
            folder = Folder(house, os.fsencode(self.inbox), Habits(quiet=0, moves=True), self._write_down)
            for _ in range(looks):
                folder.look()
                for _receipt in run_due(house):
                    pass
            folder.leave()

    def _write_down(self, receipt: dict[str, object]) -> None:
        with self.acknowledged.open("a") as file:
            file.write(f"{receipt['source']} {receipt['status']}\n")

    def run(self, fault: str | None = None, life: Callable[[Place], None] | None = None) -> int:
        """Live in a forked process; return how it ended, negative for a signal."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.environ.pop("APHERELOG_FAULT", None)
                if fault:
                    os.environ["APHERELOG_FAULT"] = fault
                faultpoints._plan.cache_clear()
                faultpoints._passages.clear()
                (life or Place.live)(self)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)

    def killed_at(self, point: str, nth: int = 1) -> bool:
        """Live until a fault point is passed, and be killed there; False if it was never reached."""
        return self.run(f"{point}:kill:{nth}") == -signal.SIGKILL


def check(place: Place, files: dict[str, bytes], doses: int) -> None:
    """Check that all is as if nothing had ever gone wrong."""
    sums = {hashlib.sha256(data).hexdigest() for data in files.values()}
    with open_house(Settings(data_dir=place.data)) as house:
        _check_archive(house, sums)
        with house.db.read() as connection:
            rows = set(connection.execute(select(raw_file.c.sha256)).scalars())
            assert rows == sums
            unfinished = connection.execute(select(job.c.state).where(job.c.state != "done")).scalars().all()
            assert unfinished == []
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            current = (
                select(revision.c.run_id, func.count())
                .where(revision.c.state == "current")
                .group_by(revision.c.run_id)
            )
            assert {count for _, count in connection.execute(current)} <= {1}
            assert connection.execute(select(func.count()).select_from(dose)).scalar() == doses
            assert connection.execute(select(func.count()).select_from(session)).scalar() == doses
            told = connection.execute(select(submission.c.source)).scalars()
            assert set(told) == sums
    if place.acknowledged.exists():
        assert {line.split()[0] for line in place.acknowledged.read_text().splitlines()} <= rows
    left = [p for p in place.inbox.rglob("*") if p.is_file()]
    assert {p.name.partition("~")[0].removesuffix(".txt") for p in left} <= {Path(n).stem for n in files}
    assert all("done" in p.parts for p in left)


def _check_archive(house: House, sums: set[str]) -> None:
    assert set(house.archive.objects()) == sums
    for sha256 in sums:
        house.archive.read(sha256)
    assert list(house.archive.tmp.iterdir()) == []
