"""Dates printed times in their order: what a time without date means."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from drivers._stamps import DAY_MS, Moment, read_moment
from ingestor.driver import Stamp

_MS = timedelta(milliseconds=1)


def midnight_days(previous_ms: int, now_ms: int) -> int:
    """Return by how many days a time of day moves on from the one before it.

    A step back of twelve hours or more is midnight. A step forward of more than twelve hours is a clock set
    back over midnight. Everything else stays in the day.
    """
    step = now_ms - previous_ms
    return 1 if step <= -DAY_MS // 2 else -1 if step > DAY_MS // 2 else 0


def _apart(moment: datetime) -> tuple[datetime, int]:
    """Return midnight and the milliseconds since."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight, (moment - midnight) // _MS


class Clock:
    """Dates printed times in order, from the start of a treatment on."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._midnight, self._ms = _apart(start)

    def at(
        self, text: str, formats: tuple[str, ...], *, after: datetime | None = None, day: date | None = None
    ) -> Stamp | None:
        """Return the stamp, or None where the text is no declared time.

        Args:
            text: as printed.
            formats: declared formats.
            after: date it from here and leave the order as it is; for the second time of a row.
            day: the date, where it is printed in a field of its own.
        """
        moment = read_moment(text, formats)
        if moment is None or moment.ms is None:
            return None
        try:
            midnight, ms = self._dated(moment, moment.ms, after, day)
            local = midnight + timedelta(milliseconds=ms)
        except OverflowError:
            return None
        if after is None:
            self._midnight, self._ms = midnight, ms
        return Stamp(local, text.strip(" "), moment.offset_min)

    def _dated(
        self, moment: Moment, ms: int, after: datetime | None, day: date | None
    ) -> tuple[datetime, int]:
        if moment.since_start:
            return _apart(self._start + timedelta(milliseconds=ms))
        if (printed := moment.day or day) is not None:
            return datetime(printed.year, printed.month, printed.day), ms  # noqa: DTZ001 - a wall clock
        midnight, before = (self._midnight, self._ms) if after is None else _apart(after)
        days = midnight_days(before, ms)
        return (midnight + timedelta(days=days) if days else midnight), ms
