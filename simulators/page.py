"""A text as a machine writes it, line by line, with the places where its facts stand.

The places are what makes damage honest: whatever a fault does to the lines, the truth that survives is counted
from the lines that are still there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.numbers import Floats
    from simulators.pumps import Units


def _no_lines() -> Units:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Marks:
    """Where the facts of one treatment stand in a page; lines count from 0.

    Attributes:
        session: place of the treatment among the export's.
        known: number of lines needed to know which run it is.
        samples: line of each sample, ascending.
        counter: what the plasma counter shows there [mL], same shape; empty if the layout has none.
        loads: line on which each load stands (or begins), in order.
        load_ends: line that says that each load is over; the same line in a table of cycles.
        alarms: line on which each alarm first stands, in order.
        alarm_ends: line that says that each alarm is over; -1 for one that never was.
        columns: line that first tells of each column that was hung later than the head says, in order.
        stop: line that prints when the treatment ended.
        reported: line of the printed total of plasma.
        totals: line by which blood and anticoagulant are printed, too.
        blood, anticoagulant: what the samples show of them [mL], same shape as `counter`, if they do.
        end: line that says that the treatment is whole.
    """

    session: int = 0
    known: int = 0
    samples: Units = field(default_factory=_no_lines)
    counter: Floats = field(default_factory=lambda: np.zeros(0))
    loads: tuple[int, ...] = ()
    load_ends: tuple[int, ...] = ()
    alarms: tuple[int, ...] = ()
    alarm_ends: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    stop: int | None = None
    reported: int | None = None
    totals: int | None = None
    blood: Floats | None = None
    anticoagulant: Floats | None = None
    end: int | None = None

    def moved(self, where: dict[int, int]) -> Marks:
        """The marks after their lines moved; a line that is not in `where` is gone."""
        kept = np.array([line in where for line in self.samples.tolist()], bool)
        there = np.array([where[line] for line in self.samples[kept].tolist()], np.int64)
        order = np.argsort(there, kind="stable")

        def still(values: Floats) -> Floats:
            return values[kept][order] if len(values) else values

        return replace(
            self,
            samples=there[order],
            counter=still(self.counter),
            blood=None if self.blood is None else still(self.blood),
            anticoagulant=None if self.anticoagulant is None else still(self.anticoagulant),
            loads=tuple(where.get(line, _GONE) for line in self.loads),
            load_ends=tuple(where.get(line, _GONE) for line in self.load_ends),
            alarms=tuple(where.get(line, _GONE) for line in self.alarms),
            alarm_ends=tuple(where.get(line, line if line < 0 else _GONE) for line in self.alarm_ends),
            columns=tuple(where.get(line, _GONE) for line in self.columns),
            stop=_there(self.stop, where),
            reported=_there(self.reported, where),
            totals=_there(self.totals, where),
            end=_there(self.end, where),
        )

    def shifted(self, lines: int) -> Marks:
        """The same treatment further down in a file."""
        return replace(
            self,
            known=self.known + lines,
            samples=self.samples + lines,
            loads=tuple(line + lines for line in self.loads),
            load_ends=tuple(line + lines for line in self.load_ends),
            alarms=tuple(line + lines for line in self.alarms),
            alarm_ends=tuple(line + lines if line >= 0 else line for line in self.alarm_ends),
            columns=tuple(line + lines for line in self.columns),
            stop=None if self.stop is None else self.stop + lines,
            reported=None if self.reported is None else self.reported + lines,
            totals=None if self.totals is None else self.totals + lines,
            end=None if self.end is None else self.end + lines,
        )


_GONE = 1 << 60


def _there(line: int | None, where: dict[int, int]) -> int | None:
    return None if line is None else where.get(line, _GONE)


@dataclass(frozen=True)
class Page:
    """One text member.

    Attributes:
        lines: without their ends.
        seal: puts checksums and line counts in, when everything else is written.
        ends_with_newline: whether the last line is terminated.
    """

    name: str
    lines: tuple[str, ...]
    marks: tuple[Marks, ...] = ()
    encoding: str = "utf-8"
    bom: bytes = b""
    newline: str = "\r\n"
    ends_with_newline: bool = True
    seal: Callable[[Page], tuple[str, ...]] | None = None

    def sealed(self) -> Page:
        """The page as it stands on the medium; changes after this are damage, not the machine's doing."""
        return replace(self, lines=self.seal(self), seal=None) if self.seal else self

    def content(self) -> bytes:
        """The bytes of the member."""
        page = self.sealed()
        end = page.newline if page.ends_with_newline else ""
        return page.bom + (page.newline.join(page.lines) + end).encode(page.encoding)

    def rearranged(self, order: Sequence[int]) -> Page:
        """The page with its lines in another order; a line may be named twice or not at all."""
        where: dict[int, int] = {}
        for place, line in enumerate(order):
            where.setdefault(line, place)
        lines = tuple(self.lines[line] for line in order)
        return replace(self, lines=lines, marks=tuple(m.moved(where) for m in self.marks))

    def whole_lines(self, content: bytes) -> int:
        """Number of lines whose end, or its first sign, is still there in the first bytes of this page."""
        text = content[len(self.bom) :].decode(self.encoding, errors="ignore")
        whole = text.count(self.newline)
        rest = text.rsplit(self.newline, 1)[-1]
        lines = self.sealed().lines
        is_last = whole == len(lines) - 1 and rest == lines[-1]
        is_last |= self.newline == "\r\n" and rest.endswith("\r")
        return whole + 1 if is_last or self._has_all_columns(rest, lines, whole) else whole

    def _has_all_columns(self, rest: str, lines: tuple[str, ...], place: int) -> bool:
        """Where no last line is ever terminated, an unterminated one counts if its columns are complete."""
        if self.ends_with_newline or place >= len(lines) or not rest or rest.endswith(";"):
            return False
        return rest.count(";") == lines[place].count(";") > 1


def joined(pages: Sequence[Page], name: str) -> Page:
    """Several treatments one after the other in one file."""
    lines: list[str] = []
    marks: list[Marks] = []
    for session, page in enumerate(pages):
        marks += [replace(m.shifted(len(lines)), session=session) for m in page.marks]
        lines += page.sealed().lines
    return replace(pages[0], name=name, lines=tuple(lines), marks=tuple(marks), seal=None)
