"""Printed times that cannot be: before the machines were built, or after tomorrow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingestor.meaning.stamps import local_ms_of
from ingestor.meaning.zones import zone_named
from ingestor.model import Finding, Severity

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ingestor.driver import AlarmRow, DeviceLog, EventRow, PhaseRow, Stamp


@dataclass(slots=True)
class Belief:
    """Judges printed times and remembers which it did not believe.

    Args:
        now: aware.
        zone: of the machine.
        earliest_year: times before it are not believed.
        ahead: by how much the machine's clock is known to have been ahead; negative where it was behind.
        refused: line and text of each time that was not believed.
    """

    now: datetime
    zone: str
    earliest_year: int
    ahead: timedelta = timedelta(0)
    refused: list[tuple[int, str]] = field(default_factory=list)

    def of(self, stamp: Stamp | None, line: int) -> Stamp | None:
        """Return the stamp if it can be believed."""
        if stamp is None or self._can_be(stamp):
            return stamp
        self.refused.append((line, stamp.text or str(stamp.local)))
        return None

    def _can_be(self, stamp: Stamp) -> bool:
        latest = self._latest()
        if stamp.offset_min is not None:
            away = timedelta(days=1, minutes=stamp.offset_min) + self.ahead
            latest = (self.now + away).astimezone(UTC).replace(tzinfo=None)
        return self._earliest() <= stamp.local <= latest

    def _earliest(self) -> datetime:
        return datetime(self.earliest_year, 1, 1) + self.ahead  # noqa: DTZ001 - compared with wall clocks

    def _latest(self) -> datetime:
        latest = self.now + timedelta(days=1) + self.ahead
        return latest.astimezone(zone_named(self.zone)).replace(tzinfo=None)

    def rows(self, local_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which rows can be believed."""
        return (local_ms >= local_ms_of(self._earliest())) & (local_ms <= local_ms_of(self._latest()))

    def finding(self, member: str) -> tuple[Finding, ...]:
        """Return one finding for all that was not believed."""
        if not self.refused:
            return ()
        line, text = self.refused[0]
        params = {"rows": str(len(self.refused)), "text": text}
        return (Finding("time_not_believed", Severity.WARNING, member, line, params),)


def without_impossible_times(log: DeviceLog, belief: Belief) -> DeviceLog:
    """Return the log with every time that cannot be taken out, but for the start, which a run needs."""
    return replace(
        log,
        ended=belief.of(log.ended, log.line),
        phases=tuple(_phase(row, belief) for row in log.phases),
        alarms=tuple(_alarm(row, belief) for row in log.alarms),
        events=tuple(_event(row, belief) for row in log.events),
    )


def _phase(row: PhaseRow, belief: Belief) -> PhaseRow:
    start, end = belief.of(row.start, row.line), belief.of(row.end, row.line)
    return row if start is row.start and end is row.end else replace(row, start=start, end=end)


def _alarm(row: AlarmRow, belief: Belief) -> AlarmRow:
    onset, cleared, seen = (belief.of(s, row.line) for s in (row.onset, row.cleared, row.acknowledged))
    if onset is row.onset and cleared is row.cleared and seen is row.acknowledged:
        return row
    return replace(row, onset=onset, cleared=cleared, acknowledged=seen)


def _event(row: EventRow, belief: Belief) -> EventRow:
    at = belief.of(row.at, row.line)
    return row if at is row.at else replace(row, at=at)
