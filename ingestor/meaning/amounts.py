"""Single printed numbers: into the canonical unit, and believed or not."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ingestor.model import Event, Fact, Finding, Severity, Total
from ingestor.quantity import FACTS, TOTALS, convert, ucum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ingestor.driver import EventRow, NamedNumber, Number
    from ingestor.meaning.stamps import Timeline
    from ingestor.quantity import Quantity, Range


def exact(bound: float) -> Decimal:
    """Return a bound as it is written in the settings."""
    return Decimal(str(bound))


class Amounts:
    """Reads numbers and collects what a person should know about them.

    Args:
        member: name for findings.
        told: lines on which the driver has already said something.
    """

    def __init__(self, member: str, told: Iterable[int] = ()) -> None:
        self._member = member
        self._told = frozenset(told)
        self.findings: list[Finding] = []

    def read(self, number: Number, unit: str, kind: str, line: int, range_: Range | None) -> Decimal | None:
        """Return a number in the canonical unit, or None with a finding."""
        if number.value is None:
            if number.text.strip(" -–—") and line not in self._told:
                self._tell("value_implausible", line, kind, number)
            return None
        value = convert(number.value, number.unit, unit)
        if value is None:
            self._tell("unit_unknown", line, kind, number)
            return None
        if kind == "hematocrit" and ucum(number.unit) == "%" and number.value <= 1:
            # No living person has a hematocrit of one percent: a fraction stands under a percent sign.
            self._tell("hematocrit_as_fraction", line, kind, number, Severity.INFO)
            value = number.value
        if range_ is not None:
            return self._believed(value, number, kind, line, range_)
        return value

    def _believed(
        self, value: Decimal, number: Number, kind: str, line: int, range_: Range
    ) -> Decimal | None:
        if not exact(range_.hard[0]) <= value <= exact(range_.hard[1]):
            self._tell("value_implausible", line, kind, number)
            return None
        if not exact(range_.soft[0]) <= value <= exact(range_.soft[1]):
            self._tell("value_unusual", line, kind, number)
        return value

    def _tell(
        self, code: str, line: int, kind: str, number: Number, severity: Severity = Severity.WARNING
    ) -> None:
        params = {"kind": kind, "value": number.text, "unit": number.unit, "rows": "1"}
        self.findings.append(Finding(code, severity, self._member, line, params))


def totals(rows: Sequence[NamedNumber], amounts: Amounts, ranges: Mapping[str, Range]) -> tuple[Total, ...]:
    """Return the printed sums in canonical units."""
    found = [(row, _unit(row, TOTALS)) for row in rows]
    return tuple(
        Total(
            row.kind,
            amounts.read(row.number, unit, row.kind, row.line, ranges.get(row.kind)),
            unit,
            row.number.text,
            row.line,
        )
        for row, unit in found
    )


def facts(rows: Sequence[NamedNumber], amounts: Amounts, ranges: Mapping[str, Range]) -> tuple[Fact, ...]:
    """Return what the machine recorded of the patient and the set-up, in canonical units."""
    found = [(row, _unit(row, FACTS)) for row in rows]
    return tuple(
        Fact(
            row.kind,
            amounts.read(row.number, unit, row.kind, row.line, ranges.get(row.kind)),
            unit,
            row.number.text,
            row.line,
        )
        for row, unit in found
    )


def _unit(row: NamedNumber, known: Mapping[str, Quantity]) -> str:
    if row.kind in known:
        return known[row.kind].unit
    return ucum(row.number.unit) or row.number.unit


def events(rows: Sequence[EventRow], timeline: Timeline, amounts: Amounts) -> tuple[Event, ...]:
    """Return events with their instants; a number keeps its own unit as long as that is known."""
    instants = timeline.series([r.at for r in rows], [r.line for r in rows])
    found = []
    for index, (row, at) in enumerate(zip(rows, instants, strict=True), start=1):
        value, unit = None, ""
        if row.number is not None:
            unit = ucum(row.number.unit) or row.number.unit
            value = amounts.read(row.number, unit, row.kind, row.line, None)
        found.append(Event(index, at, row.kind, row.text, value, unit, row.line))
    return tuple(found)
