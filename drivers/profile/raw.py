"""What a reader found in a file, before it is put together: printed texts with their lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ingestor.driver import Finding, Severity

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from drivers._lines import Lines
    from drivers.profile.spec import Block, Field, Layout
    from ingestor.driver import ParseError

_MOST_ALIKE = 50


@dataclass(frozen=True, slots=True)
class Printed:
    """One value of a header or of the sums."""

    name: str
    text: str
    unit: str
    line: int
    member: str


@dataclass(frozen=True)
class Heading:
    """How the columns of a block stand in this file; a field is None where nobody knows the column."""

    block: Block
    printed: tuple[str, ...]
    fields: tuple[Field | None, ...]
    units: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, empty where nobody knows the column."""
        return tuple(one.name if one is not None else "" for one in self.fields)

    @cached_property
    def _units(self) -> dict[str, str]:
        return {one.name: unit for one, unit in zip(self.fields, self.units, strict=True) if one is not None}

    def unit(self, name: str) -> str:
        """Return the unit of a field, empty where it has none."""
        return self._units.get(name, "")

    def has(self, name: str) -> bool:
        """Say whether a field stands in this file."""
        return name in self._units


@dataclass(frozen=True, slots=True)
class Row:
    """One row, cut into cells by the names of its fields."""

    line: int
    cells: dict[str, str]
    heading: Heading
    member: str
    units: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a cell, empty where the row has none."""
        return self.cells.get(name, "")

    def unit(self, name: str) -> str:
        """Return the unit of a cell."""
        return self.units.get(name) or self.heading.unit(name)


@dataclass(frozen=True, slots=True, eq=False)
class SampleLines:
    """Sample rows that were left in the file: indices of their lines."""

    lines: Lines
    rows: npt.NDArray[np.int64]
    heading: Heading


@dataclass(frozen=True, slots=True)
class EndMark:
    """The end of a treatment as printed: each check with what was found and what it should be."""

    line: int
    agreed: bool
    time: str = ""
    index: str = ""


@dataclass(slots=True)
class Notes:
    """Findings and counts of one treatment; of one kind at most fifty are written out."""

    member: str
    findings: list[Finding] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    _alike: Counter[tuple[str, str]] = field(default_factory=Counter)

    def find(
        self,
        code: str,
        line: int,
        severity: Severity = Severity.WARNING,
        /,
        *,
        about: str = "",
        **params: str,
    ) -> None:
        """Note one finding; `about` tells alike ones apart, such as the column they are in."""
        self._alike[code, about] += 1
        if self._alike[code, about] <= _MOST_ALIKE:
            self.findings.append(Finding(code, severity, self.member, line, params))

    def add(self, other: Notes) -> None:
        """Take over what was noted of another part of the same treatment."""
        self.findings += other.findings
        self.ignored += other.ignored
        self.rows_read += other.rows_read
        self._alike += other._alike

    def ignore(self, reason: str, rows: int = 1) -> None:
        """Count rows that were read and are not kept."""
        self.rows_read += rows
        self.ignored[reason] += rows

    def all_findings(self) -> tuple[Finding, ...]:
        """Return the findings, with a last word on each kind of which there were too many to write out."""
        more = [
            Finding(
                "more_alike", Severity.INFO, self.member, 0, {"code": code, "count": str(count - _MOST_ALIKE)}
            )
            for (code, _), count in self._alike.items()
            if count > _MOST_ALIKE
        ]
        return (*self.findings, *more)


@dataclass(slots=True)
class Raw:
    """One treatment as found.

    Attributes:
        layout: the version of the layout it is printed in.
        line: where it begins, from 1.
        cut: the file ends without the end of this treatment.
        gaps: rows are known to be missing.
        restarts: lines at which the counters began again.
        hold: code why a person has to look first.
        broken: why it cannot be read at all.
        is_row: it is one row of a sheet.
    """

    layout: Layout
    member: str
    line: int
    notes: Notes
    version: str = ""
    header: list[Printed] = field(default_factory=list)
    totals: list[Printed] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    samples: list[SampleLines] = field(default_factory=list)
    end: EndMark | None = None
    last_line: int = 0
    cut: bool = False
    gaps: bool = False
    restarts: list[int] = field(default_factory=list)
    hold: str | None = None
    broken: ParseError | None = None
    is_row: bool = False
