"""Alarms: a row each, or signals that begin, go on and end, folded into one alarm each."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers._text import printed
from drivers.profile.treatment_rows import rows_of, stamp, word
from ingestor.driver import AlarmRow, ParseError, Priority, Severity

if TYPE_CHECKING:
    from drivers._clock import Clock
    from drivers.profile.raw import Raw, Row
    from drivers.profile.spec import AlarmKind, Layout
    from ingestor.driver import Stamp

MOST_ALARMS = 200_000


def read_alarms(raw: Raw, clock: Clock, model: str) -> tuple[AlarmRow, ...]:
    """Return the alarms in the order in which they were first printed.

    Args:
        raw: what the reader found.
        clock: dates the stamps.
        model: the device's model, which may have meanings of its own for codes.

    Raises:
        ParseError: `limit_alarms`.
    """
    rows = rows_of(raw, "alarms")
    if len(rows) > MOST_ALARMS:
        line = rows[MOST_ALARMS].line
        error = ParseError(raw.member, line, f"at most {MOST_ALARMS} alarms", "more", "limit_alarms")
        error.details["limit"] = MOST_ALARMS
        raise error
    reading = _Alarms(raw, clock, model)
    for row in rows:
        reading.add(row)
    reading.tell_unknown()
    return tuple(reading.out)


def meaning_of(layout: Layout, model: str, code: str, klass: str) -> AlarmKind | None:
    """Return what a code means: on this model before in general, with its class before without."""
    for table in (layout.kinds_of_model.get(model, {}), layout.kinds):
        if found := table.get(f"{klass}:{code}") or table.get(code):
            return found
    return None


class _Alarms:
    """The alarms of one treatment, as they are read."""

    def __init__(self, raw: Raw, clock: Clock, model: str) -> None:
        self.raw, self.clock, self.model = raw, clock, model
        self.out: list[AlarmRow] = []
        self._active: dict[str, int] = {}
        self._segment = 0
        self._meanings: dict[tuple[str, str], AlarmKind | None] = {}
        self._unknown: Counter[str] = Counter()
        self._first: dict[str, int] = {}

    def add(self, row: Row) -> None:
        """Add one row."""
        at = stamp(self.raw, row, "time", self.clock)
        meaning = self._meaning(row)
        if "state" in row.cells:
            self._signal(row, at, meaning)
        else:
            self.out.append(self._alarm(row, at, meaning))

    def _signal(self, row: Row, at: Stamp | None, meaning: AlarmKind | None) -> None:
        """Fold one signal: repeats are the same alarm; one that is first seen going on has no onset."""
        segment = bisect_left(self.raw.restarts, row.line)
        if segment != self._segment:
            self._active.clear()
            self._segment = segment
        state, code = word(self.raw, row, "state"), row.text("code")
        if state in {"on", "continues"} and code in self._active:
            self.raw.notes.ignored["alarm_repeat"] += 1
            return
        if code not in self._active:
            self._active[code] = len(self.out)
            self.out.append(self._alarm(row, at if state == "on" else None, meaning))
        place = self._active[code]
        if state == "off":
            self.out[place] = replace(self.out[place], cleared=at)
            del self._active[code]
        elif state == "acknowledged":
            self.out[place] = replace(self.out[place], acknowledged=at)

    def _alarm(self, row: Row, onset: Stamp | None, meaning: AlarmKind | None) -> AlarmRow:
        said = word(self.raw, row, "priority")
        priority = Priority(said) if said else (meaning.priority if meaning else None) or Priority.UNKNOWN
        return AlarmRow(
            code=printed(row.text("code")),
            klass=printed(_class(row)),
            kind=meaning.kind if meaning else "other",
            priority=priority,
            text=printed(row.text("text")),
            onset=onset,
            cleared=stamp(self.raw, row, "cleared", self.clock, onset),
            acknowledged=stamp(self.raw, row, "acknowledged", self.clock, onset),
            line=row.line,
        )

    def _meaning(self, row: Row) -> AlarmKind | None:
        code, klass = row.text("code"), _class(row)
        if (code, klass) not in self._meanings:
            self._meanings[code, klass] = meaning_of(
                self.raw.layout, self.model, printed(code), printed(klass)
            )
        meaning = self._meanings[code, klass]
        if meaning is None:
            self._unknown[code] += 1
            self._first.setdefault(code, row.line)
        return meaning

    def tell_unknown(self) -> None:
        """Note each code without a meaning once, with the number of its rows."""
        for code, rows in self._unknown.items():
            told = {"code": printed(code)[:40], "rows": str(rows)}
            self.raw.notes.find("unknown_alarm", self._first[code], Severity.INFO, **told)


def _class(row: Row) -> str:
    return row.text("class") or row.text("priority")
