"""Logs, figures and parts of a dose, small enough to be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

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
from ingestor.meaning.dose import Part
from ingestor.meaning.figures import RunFigures, run_figures
from ingestor.meaning.normalise import normalise
from ingestor.model import Measurement, Person, Phase, Priority, Role

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

    def figures(self, **more: Any) -> RunFigures:
        """A complete adsorber run of three hours in which every reading says 4000 mL."""
        start = datetime(2024, 3, 18, 7, 0, tzinfo=UTC)
        volume = Decimal(4000)
        plain: dict[str, Any] = {
            "role": "adsorber",
            "printed_id": "20240318-01",
            "complete": True,
            "bench": False,
            "started": start,
            "started_local": datetime(2024, 3, 18, 8, 0),
            "time_method": "zone",
            "ended": start + timedelta(hours=3),
            "last_seen": start + timedelta(hours=3),
            "readings": self.readings(),
            "integrated_gap_s": Decimal(0),
            "counter_first": Decimal(0),
            "counter_last": volume,
            "blood_processed_ml": Decimal(8000),
            "ac_volume_ml": Decimal(800),
            "cycles_completed": 10,
            "cycles_aborted": 0,
            "load_volumes": (Decimal(400),) * 10,
            "load_span": (start + timedelta(minutes=10), start + timedelta(minutes=150)),
            "loading_s": Decimal(8000),
            "still": (),
            "alarms": {"high": 0, "medium": 0, "low": 0, "info": 0, "unknown": 0},
            "alarm_spans": (),
            "columns": (),
            "facts": {},
            "missing": {},
        }
        return RunFigures(**(plain | more))

    def readings(self, **more: str | int | None) -> dict[str, Decimal | None]:
        plain: dict[str, Any] = {"reported": 4000, "cycles": 4000, "counter": 4000, "integrated": 4000}
        return {k: None if v is None else Decimal(v) for k, v in (plain | more).items()}

    def part(self, name: str = "r1", figures: RunFigures | None = None, **more: Any) -> Part:
        plain: dict[str, Any] = {
            "device": "d1",
            "device_model": "TC-2",
            "device_serial": "AM-1",
            "driver": "tcr",
            "driver_version": "1",
            "evidence": "declared",
            "source": f"sha-{name}",
            "accepted": True,
        }
        return Part(name, figures or self.figures(), **(plain | more))

    def measured(self, kind: str, value: str, unit: str, days: float = 1) -> Measurement:
        """A measurement so many days before the session."""
        at = datetime(2024, 3, 18, 7, 0, tzinfo=UTC) - timedelta(days=days)
        return Measurement(kind, Decimal(value), unit, at, "chart")

    def person(self, *measurements: Measurement, sex: str | None = "male") -> Person:
        """A man of 180 cm and 80 kg with a hematocrit of 45 %, if nothing else is said."""
        usual = (
            self.measured("weight", "80", "kg"),
            self.measured("height", "180", "cm", 400),
            self.measured("hematocrit", "45", "%"),
        )
        return Person("p1", sex, 1960, measurements or usual)

    def run_figures(self, **more: Any) -> RunFigures:
        return run_figures(normalise(self.log(**more), self.clock()))
