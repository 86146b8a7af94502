"""A site with a driver of its own, and treatments to be read by it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_MINUTE = timedelta(minutes=1)
_LOAD_MIN = 10
START = datetime(2024, 3, 18, 8)  # noqa: DTZ001 - a machine's wall clock


@dataclass(frozen=True)
class Treatment:
    """A treatment as a machine would record it: one sample a minute, a load every ten, plasma at a steady flow.

    Attributes:
        minutes: how long; ten at least.
        flow: plasma flow [mL/min].
        patient: what somebody typed at the machine.
        columns: serials; the loads go round.
        total: printed sum [mL]; what flowed if None.
    """

    start: datetime = START
    minutes: int = 60
    serial: str = "M-1"
    run: str | None = "r1"
    role: str = "adsorber"
    patient: str | None = "4711"
    columns: tuple[str, ...] = ("C-1", "C-2")
    flow: int = 30
    total: int | None = None
    hold: str | None = None
    use: int | None = None
    software: str = "1.0"

    @property
    def plasma_ml(self) -> int:
        """What flowed over the columns."""
        return self.minutes * self.flow

    def later(self, **span: float) -> Treatment:
        """The same at another time."""
        return replace(self, start=self.start + timedelta(**span))

    def lines(self, *, end: bool = True) -> list[bytes]:
        """All records in order; without `end` the printed sums and the end mark are missing."""
        rows = [self._header(), *self._columns(), *self._course()]
        if end:
            rows += self._sums()
        return [json.dumps(r).encode() + b"\n" for r in rows]

    def data(self, *, end: bool = True) -> bytes:
        """The whole export."""
        return b"".join(self.lines(end=end))

    def cut(self, minute: int) -> bytes:
        """The export as it was after so many minutes."""
        return replace(self, minutes=minute).data(end=False)

    def half(self, first: int, last: int) -> bytes:
        """What a machine records that was switched off before and after: its counters begin again."""
        whole = last >= self.minutes
        piece = replace(self, start=self.start + first * _MINUTE, minutes=min(last, self.minutes) - first)
        return piece.data(end=whole)

    def _header(self) -> dict[str, Any]:
        head = {
            "t": "H", "run": self.run, "serial": self.serial, "role": self.role, "patient": self.patient,
            "start": self.start.isoformat(), "software": self.software,
        }  # fmt: skip
        return head | ({"hold": self.hold} if self.hold else {})

    def _columns(self) -> list[dict[str, Any]]:
        places = zip("ABCD", self.columns, strict=False)
        return [
            {"t": "C", "pos": p, "serial": s, "use": self.use} for p, s in places if self.role == "adsorber"
        ]

    def _course(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for minute in range(self.minutes + 1):
            at = (self.start + minute * _MINUTE).isoformat()
            rows.append({"t": "S", "at": at, "qp": str(self.flow), "vp": str(minute * self.flow)})
            if minute and minute % _LOAD_MIN == 0 and self.role == "adsorber":
                rows.append(self._load(minute // _LOAD_MIN))
            if minute == _LOAD_MIN // 2:
                rows.append({"t": "A", "code": "113", "at": at})
        return rows

    def _load(self, number: int) -> dict[str, Any]:
        begin = self.start + (number - 1) * _LOAD_MIN * _MINUTE
        return {
            "t": "P", "n": number, "pos": "ABCD"[(number - 1) % max(len(self.columns), 1)], "phase": "load",
            "start": begin.isoformat(), "end": (begin + _LOAD_MIN * _MINUTE).isoformat(),
            "ml": str(_LOAD_MIN * self.flow),
        }  # fmt: skip

    def _sums(self) -> list[dict[str, Any]]:
        total = self.plasma_ml if self.total is None else self.total
        kind = "processed_plasma" if self.role == "adsorber" else "plasma_removed"
        at = (self.start + self.minutes * _MINUTE).isoformat()
        return [{"t": "T", "kind": kind, "ml": str(total)}, {"t": "E", "at": at}]


def install(folder: Path, **changed: str) -> Path:
    """Put the driver where a child finds it; `VERSION="2", FACTOR="1.02"` make it another one."""
    about = folder / "site_driver-1.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: site-driver\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[ingestor.drivers]\nplain = site_plain_driver:Plain\n")
    source = Path(__file__).with_name("plain_driver.py").read_text("utf-8")
    for name, value in changed.items():
        source = "\n".join(
            f'{name} = "{value}"' if line.startswith(f"{name} = ") else line for line in source.split("\n")
        )
    (folder / "site_plain_driver.py").write_text(source)
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    return folder
