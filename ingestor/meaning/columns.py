"""Columns that should not have been used: with somebody else, too often, or too late."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

ANOTHER, OVERUSED, EXPIRED = "column_of_another_patient", "column_overused", "column_expired"
CODES = (ANOTHER, OVERUSED, EXPIRED)
# A person's word on something: (code, serial, subject).
Word = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Use:
    """A column in a run of a session.

    Attributes:
        patient: whose session it is; None while nobody is linked.
        started: start of the session.
        day: on which the run began, on the machine's own calendar.
        printed: the number of uses that the machine printed.
        regenerable: whether this kind of column may be used again; None where the layout does not say.
        member, line: where the machine printed the column.
    """

    serial: str
    session: str
    run: str
    patient: str | None
    started: datetime
    day: date
    product: str = ""
    position: str = ""
    printed: int | None = None
    expiry: date | None = None
    regenerable: bool | None = None
    member: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Concern:
    """What is wrong with a column of a session.

    Attributes:
        code: `column_of_another_patient`, `column_overused` or `column_expired`.
        number: how often it has been used; `limit` is how often it may be.
        subjects: what a person's word has to speak of: pairs of patients, else runs.
        acknowledged: a person has seen it and said why it is as it is.
    """

    code: str
    use: Use
    number: int | None = None
    limit: int | None = None
    subjects: tuple[str, ...] = ()
    acknowledged: bool = False

    @property
    def told(self) -> dict[str, str]:
        """Return what fills its phrase."""
        expiry = "–" if self.use.expiry is None else self.use.expiry.isoformat()
        return {
            "serial": self.use.serial, "product": self.use.product, "expiry": expiry,
            "number": "–" if self.number is None else str(self.number),
            "limit": "–" if self.limit is None else str(self.limit),
        }  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands with a dose; it names no patient and no file."""
        use = self.use
        return {
            "code": self.code, "serial": use.serial, "product": use.product, "position": use.position, "run": use.run,
            "line": use.line, "number": self.number, "limit": self.limit,
            "expiry": None if use.expiry is None else use.expiry.isoformat(), "acknowledged": self.acknowledged,
        }  # fmt: skip


def concerns(
    uses: Iterable[Use], limits: Mapping[str, int], words: Iterable[Word] = ()
) -> dict[str, tuple[Concern, ...]]:
    """Return what is wrong with columns, by session; the order of `uses` does not matter.

    Args:
        uses: every use of some columns.
        limits: how often a column of a product may be used. A product without a limit is never used too often;
            a single-use column may be used once.
        words: what persons have acknowledged.
    """
    of: dict[str, list[Use]] = {}
    for use in sorted(uses, key=lambda u: (u.started, u.session, u.run, u.position)):
        if use.serial:
            of.setdefault(use.serial, []).append(use)
    said = frozenset(words)
    found: dict[str, tuple[Concern, ...]] = {}
    for serial in sorted(of):
        for one in (*_with_others(of[serial]), *_too_often(of[serial], limits), *_too_late(of[serial])):
            found[one.use.session] = (*found.get(one.use.session, ()), _judged(one, said))
    return found


def _judged(one: Concern, said: frozenset[Word]) -> Concern:
    """A word on each pair of patients is needed; on a run, one word is enough for a session."""
    known = [(one.code, one.use.serial, subject) in said for subject in one.subjects]
    return replace(one, acknowledged=all(known) if one.code == ANOTHER else any(known))


def _sessions(uses: Sequence[Use]) -> list[list[Use]]:
    """The same uses by session, in order of time."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        found.setdefault(use.session, []).append(use)
    return list(found.values())


def _with_others(uses: Sequence[Use]) -> Iterator[Concern]:
    """A column that may be used again belongs to one person; wherever it has two, each of their sessions waits."""
    mine = [use for use in uses if use.patient is not None and use.regenerable is not False]
    for members in _sessions(mine):
        first = members[0]
        others = sorted({str(u.patient) for u in mine} - {str(first.patient)})
        if others:
            subjects = tuple(" ".join(sorted((str(first.patient), other))) for other in others)
            yield Concern(ANOTHER, first, subjects=subjects)


def _too_often(uses: Sequence[Use], limits: Mapping[str, int]) -> Iterator[Concern]:
    """Uses are counted as sessions that are known, and as the machine counts; the larger number holds."""
    for counted, members in enumerate(_sessions(uses), start=1):
        first = members[0]
        limit = 1 if first.regenerable is False else limits.get(first.product)
        number = max([counted, *(u.printed for u in members if u.printed is not None)])
        if limit is not None and number > limit:
            yield Concern(OVERUSED, first, number, limit, tuple(u.run for u in members))


def _too_late(uses: Sequence[Use]) -> Iterator[Concern]:
    """A column may be used until the end of the day that is printed as its expiry."""
    for members in _sessions(uses):
        late = [u for u in members if u.expiry is not None and u.day > u.expiry]
        if late:
            yield Concern(EXPIRED, late[0], subjects=tuple(u.run for u in late))
