"""Dates printed times in their order: what a time without date means."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from drivers._stamps import DAY_MS, Moment, read_moment
from ingestor.driver import Stamp


def midnight_days(previous_ms: int, now_ms: int) -> int:
    """Return by how many days a time of day moves on from the one before it.

    A step back of twelve hours or more is midnight. A step forward of more than twelve hours is a clock set
    back over midnight. Everything else stays in the day.
    """
    step = now_ms - previous_ms
    return 1 if step <= -DAY_MS // 2 else -1 if step > DAY_MS // 2 else 0


def _apart(moment: datetime) -> tuple[datetime, int]:
    """Return midnight and the milliseconds since."""
    midnight = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - a wall clock
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return midnight, seconds * 1000 + moment.microsecond // 1000


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
            midnight = self._midnight_of(moment, moment.ms, after, day)
            local = midnight + timedelta(0, 0, 0, moment.ms)
        except OverflowError:
            return None
        if after is None:
            self._midnight, self._ms = _apart(local) if moment.since_start else (midnight, moment.ms)
        return Stamp(local, text.strip(" "), moment.offset_min)

    def _midnight_of(self, moment: Moment, ms: int, after: datetime | None, day: date | None) -> datetime:
        """Return the midnight (or the start) from which the milliseconds of a time count."""
        if moment.since_start:
            return self._start
        if (printed := moment.day or day) is not None:
            return datetime(printed.year, printed.month, printed.day)  # noqa: DTZ001 - a wall clock
        midnight, before = (self._midnight, self._ms) if after is None else _apart(after)
        days = midnight_days(before, ms)
        return midnight + timedelta(days) if days else midnight
