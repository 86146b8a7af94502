"""Logs as a driver would hand them over, small enough to be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ingestor.driver import (
    AlarmRow,
    DeviceLog,
    EventRow,
    NamedNumber,
    Number,
    PhaseRow,
    SampleBlock,
    SampleColumn,
    Stamp,
)
from ingestor.meaning.clock import Clock
from ingestor.model import Phase, Priority, Role

EPOCH = datetime(1970, 1, 1)


class Making:
    """Makes the pieces of a log; times are ISO texts without zone."""

    day = "2024-03-18"

    def stamp(self, text: str, offset_min: int | None = None) -> Stamp:
        full = text if len(text) > 8 else f"{self.day} {text}"
        return Stamp(datetime.fromisoformat(full), text, offset_min)

    def number(self, text: str | None, unit: str = "ml") -> Number:
        try:
            value = Decimal(text or "")
        except ArithmeticError:
            value = None
        return Number(text or "", unit, value if value is None or value.is_finite() else None)

    def total(self, kind: str, text: str, unit: str = "ml", line: int = 90) -> NamedNumber:
        return NamedNumber(kind, self.number(text, unit), line)

    def phase(
        self,
        cycle: int,
        position: str,
        phase: str,
        start: str | None,
        end: str | None,
        volume: str | None = None,
        completed: bool | None = True,
        line: int = 20,
    ) -> PhaseRow:
        return PhaseRow(
            cycle,
            position,
            Phase(phase),
            self.stamp(start) if start else None,
            self.stamp(end) if end else None,
            None if volume is None else self.number(volume),
            completed,
            line,
        )

    def alarm(
        self, onset: str | None, cleared: str | None = None, priority: str = "medium", line: int = 50
    ) -> AlarmRow:
        stamps = (self.stamp(onset) if onset else None, self.stamp(cleared) if cleared else None)
        return AlarmRow("113", "2", "column_pressure_high", Priority(priority), "x", *stamps, None, line)

    def event(self, at: str, line: int, number: Number | None = None) -> EventRow:
        return EventRow("setting", "text", self.stamp(at), line, number)

    def column(
        self, channel: str | None, values: list[str | None], unit: str, name: str = ""
    ) -> SampleColumn:
        scale = max((len(v.partition(".")[2]) for v in values if v), default=0)
        mantissa = [int(Decimal(v).scaleb(scale)) if v else 0 for v in values]
        null = np.array([v is None for v in values])
        return SampleColumn(channel, name or str(channel), unit, np.array(mantissa, np.int64), scale, null)

    def samples(self, times: list[str], *columns: SampleColumn, **more: Any) -> SampleBlock:
        local = [(self.stamp(t).local - EPOCH) // timedelta(milliseconds=1) for t in times]
        first = more.pop("first_line", 100)
        line = np.arange(first, first + len(times), dtype=np.int32)
        elapsed = more.pop("elapsed_s", None)
        return SampleBlock(
            np.array(local, np.int64),
            line,
            columns,
            elapsed_s=None if elapsed is None else np.array(elapsed, np.int64),
            **more,
        )

    def log(self, **more: Any) -> DeviceLog:
        start, end = more.pop("start", "08:12:40"), more.pop("end", "11:47:05")
        plain: dict[str, Any] = {
            "version": "2.1",
            "role": Role.ADSORBER,
            "maker": "",
            "model": "TC-2",
            "serial": "AM-1",
            "started": self.stamp(start),
            "ended": self.stamp(end) if end else None,
            "end_reached": True,
            "rows_read": 100,
            "member": "a.tcr",
        }
        return DeviceLog(**(plain | more))

    def clock(self, **more: Any) -> Clock:
        plain: dict[str, Any] = {"default_zone": "Europe/Vienna", "now": datetime(2025, 6, 1, tzinfo=UTC)}
        return Clock(**(plain | more))


@pytest.fixture
def make() -> Making:
    return Making()
