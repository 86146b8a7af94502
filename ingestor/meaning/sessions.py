"""Which runs make one session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from ingestor.ids import derived
from ingestor.meaning.pairs import RunBrief, are_complementary, goes_on, question, same_patient
from ingestor.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ingestor.meaning.clock import DeviceKey

__all__ = ["REACH", "Flag", "Group", "RunBrief", "group"]

# Runs of one session, earliest first.
Unit = tuple[RunBrief, ...]
# Runs further away than this from a new run can change nothing about its session.
REACH = timedelta(hours=48)
SINGLE, JOINED, RESUMED, PERSON = "single", "separator_and_adsorber", "resumed", "person"


@dataclass(frozen=True, slots=True)
class Flag:
    """Something about a group that a person must decide; `runs` are the others concerned."""

    code: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The runs of one session, earliest first.

    Attributes:
        id: derived from the adsorber's run, else from the earliest.
        rule: why these runs are together: single, separator_and_adsorber, resumed, person.
        flags: anything a person must decide; a flagged group is kept out of course sums.
    """

    id: str
    runs: tuple[str, ...]
    rule: str
    flags: tuple[Flag, ...] = ()


def group(
    runs: Sequence[RunBrief],
    together: Iterable[frozenset[str]] = (),
    apart: Iterable[frozenset[str]] = (),
) -> tuple[Group, ...]:
    """Return the sessions that these runs make, earliest first; the order of `runs` does not matter.

    A person's word is stronger than every rule. An interrupted run and its resumption are put together first, so
    that a separator that ran through finds both halves of its adsorber's treatment.

    Args:
        runs: a new run and all runs of the centre within `REACH` of it.
        together: sets of runs that a person declared to be one session.
        apart: pairs of runs that a person declared not to be one session, and not to be asked about again.
    """
    known = {r.id: r for r in sorted(runs, key=lambda r: (r.started, r.id))}
    sets = _Sets(known, set(apart))
    for declared in together:
        for a, b in pairwise(r for r in known if r in declared):
            sets.tie(a, b, PERSON)
    rulable = [r for r in known.values() if not r.bench]
    for first, second in _resumed(rulable):
        sets.tie(first.id, second.id, RESUMED)
    for one_unit, other_unit in _joined([u for u in sets.units() if not any(r.bench for r in u)], sets):
        sets.tie(one_unit[0].id, other_unit[0].id, JOINED)
    flags = _flags(rulable, sets)
    return tuple(
        Group(
            derived("ses", _leading(unit).id),
            tuple(r.id for r in unit),
            sets.rule(unit),
            tuple(flag for r in unit for flag in flags.get(r.id, ())),
        )
        for unit in sets.units()
    )


def _leading(unit: Unit) -> RunBrief:
    return next((r for r in unit if r.role is not Role.SEPARATOR), unit[0])


class _Sets:
    """Runs in disjoint sets; two runs that a person keeps apart never come into one."""

    def __init__(self, known: dict[str, RunBrief], apart: set[frozenset[str]]) -> None:
        self.known, self.apart = known, apart
        self._set = {run: [run] for run in known}
        self._rules: dict[str, set[str]] = {run: set() for run in known}

    def tie(self, first: str, second: str, rule: str) -> None:
        """Put two runs and all that belongs to them into one set, unless some of them must stay apart."""
        one, other = self._set[first], self._set[second]
        if one is not other:
            if rule != PERSON and any(frozenset((a, b)) in self.apart for a in one for b in other):
                return
            one.extend(other)
            for run in other:
                self._set[run] = one
        self._rules[first].add(rule)

    def units(self) -> list[Unit]:
        """The sets in order of time, each in order of time."""
        order = {run: i for i, run in enumerate(self.known)}
        distinct = {id(runs): sorted(runs, key=order.__getitem__) for runs in self._set.values()}
        ordered = sorted(distinct.values(), key=lambda runs: order[runs[0]])
        return [tuple(self.known[run] for run in runs) for runs in ordered]

    def rule(self, unit: Unit) -> str:
        """Why these runs are together."""
        used = set[str]().union(*(self._rules[r.id] for r in unit))
        return next((rule for rule in (PERSON, JOINED, RESUMED) if rule in used), SINGLE)

    def are_together(self, one: RunBrief, other: RunBrief) -> bool:
        """Two runs are in one session."""
        return self._set[one.id] is self._set[other.id]

    def are_apart(self, one: Unit, other: Unit) -> bool:
        """A person keeps runs of the two sets apart."""
        return any(frozenset((a.id, b.id)) in self.apart for a in one for b in other)


def _resumed(runs: list[RunBrief]) -> Iterator[tuple[RunBrief, RunBrief]]:
    """Pairs on one device of which the second goes on with the first."""
    by_device: dict[DeviceKey, list[RunBrief]] = {}
    for run in runs:
        by_device.setdefault(run.device, []).append(run)
    for mine in by_device.values():
        yield from ((first, second) for first, second in pairwise(mine) if goes_on(first, second))


def _joined(units: list[Unit], sets: _Sets) -> Iterator[tuple[Unit, Unit]]:
    """Pairs of a separator and an adsorber of one treatment: each is the other's only candidate."""
    fitting = [
        [j for j, other in enumerate(units) if _fit(unit, other) and not sets.are_apart(unit, other)]
        for unit in units
    ]
    for i, others in enumerate(fitting):
        if len(others) == 1 and i < others[0] and fitting[others[0]] == [i]:
            yield units[i], units[others[0]]


def _fit(one: Unit, other: Unit) -> bool:
    if {_role(one), _role(other)} != {Role.SEPARATOR, Role.ADSORBER}:
        return False
    first, second = _whole(one), _whole(other)
    return are_complementary(first, second) and same_patient(first, second)


def _role(unit: Unit) -> Role | None:
    roles = {r.role for r in unit}
    return roles.pop() if len(roles) == 1 else None


def _whole(unit: Unit) -> RunBrief:
    """The unit as if it were one run; its patient is the one that its runs name, if they name one."""
    patients = {r.patient for r in unit if r.patient is not None}
    return replace(
        unit[0], ended=max(r.ended for r in unit), patient=patients.pop() if len(patients) == 1 else None
    )


def _flags(runs: list[RunBrief], sets: _Sets) -> dict[str, tuple[Flag, ...]]:
    """What a person must decide of runs in different sessions; by the run that carries the flag."""
    found: dict[str, list[Flag]] = {}
    for one, other in combinations(runs, 2):
        if sets.are_together(one, other) or frozenset((one.id, other.id)) in sets.apart:
            continue
        code = question(one, other)
        if code:
            found.setdefault(one.id, []).append(Flag(code, (other.id,)))
            found.setdefault(other.id, []).append(Flag(code, (one.id,)))
    return {run: tuple(flags) for run, flags in found.items()}
