"""Which runs make one session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from ingestor.ids import derived
from ingestor.meaning.linking import is_one_slip
from ingestor.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ingestor.meaning.clock import DeviceKey

# Runs further away than this from a new run can change nothing about its session.
REACH = timedelta(hours=48)
SINGLE, JOINED, RESUMED, PERSON = "single", "separator_and_adsorber", "resumed", "person"
# An interrupted run of the same machine is taken up again within this time, or it is another treatment.
RESUME_WITHIN = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class RunBrief:
    """What grouping needs of a run.

    Attributes:
        id: identity of the run.
        patient: the printed patient id under the site's normalisation rule; None where there is none.
        ended: end, or the last instant of the record where the end is missing.
        complete: the end of the treatment was read.
    """

    id: str
    device: DeviceKey
    role: Role
    patient: str | None
    started: datetime
    ended: datetime
    complete: bool
    columns: tuple[str, ...] = ()
    bench: bool = False


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

    Args:
        runs: a new run and all runs of the centre within `REACH` of it.
        together: sets of runs that a person declared to be one session.
        apart: pairs of runs that a person declared not to be one session, and not to be asked about again.
    """
    known = {r.id: r for r in sorted(runs, key=lambda r: (r.started, r.id))}
    never = {pair for pair in apart if pair <= set(known)}
    ties: dict[frozenset[str], str] = {}
    ties |= dict.fromkeys(_resumed(list(known.values())), RESUMED)
    ties |= dict.fromkeys(_joined(list(known.values())), JOINED)
    ties = {pair: rule for pair, rule in ties.items() if pair not in never}
    ties |= {frozenset((a, b)): PERSON for one in together for a, b in pairwise(sorted(one & set(known)))}
    groups = [_group([known[r] for r in members], ties) for members in _components(known, ties)]
    flags = _flags(list(known.values()), groups, never)
    return tuple(replace(g, flags=tuple(f for r in g.runs for f in flags.get(r, ()))) for g in groups)


def _resumed(runs: list[RunBrief]) -> Iterator[frozenset[str]]:
    """Pairs on one device, same patient, the first one cut off, the second beginning soon after its end."""
    by_device: dict[object, list[RunBrief]] = {}
    for run in runs:
        by_device.setdefault(run.device, []).append(run)
    for mine in by_device.values():
        for first, second in pairwise(mine):
            pause = second.started - first.ended
            soon = timedelta(0) <= pause <= RESUME_WITHIN
            if soon and not first.complete and first.patient and first.patient == second.patient:
                yield frozenset((first.id, second.id))


def _joined(runs: list[RunBrief]) -> Iterator[frozenset[str]]:
    """Pairs of a separator and an adsorber of one treatment: each is the other's only candidate."""
    candidates = {
        run.id: [other.id for other in runs if are_complementary(run, other) and _same_patient(run, other)]
        for run in runs
    }
    for run, others in candidates.items():
        if len(others) == 1 and candidates[others[0]] == [run]:
            yield frozenset((run, others[0]))


def are_complementary(one: RunBrief, other: RunBrief) -> bool:
    """Tell whether one run can be the separator and the other the adsorber of one treatment, by role and time."""
    return {one.role, other.role} == {Role.SEPARATOR, Role.ADSORBER} and _overlap_enough(one, other)


def _overlap_enough(one: RunBrief, other: RunBrief) -> bool:
    overlap = min(one.ended, other.ended) - max(one.started, other.started)
    shorter = min(one.ended - one.started, other.ended - other.started)
    return overlap > timedelta(0) and overlap * 2 >= shorter


def _same_patient(one: RunBrief, other: RunBrief) -> bool:
    return one.patient is not None and one.patient == other.patient


def _components(known: dict[str, RunBrief], ties: dict[frozenset[str], str]) -> list[list[str]]:
    """Runs that are tied to each other, directly or through others, in order of time."""
    leader = {run: run for run in known}

    def lead(run: str) -> str:
        return run if leader[run] == run else lead(leader[run])

    for first, second in (sorted(pair, key=list(known).index) for pair in ties):
        leader[lead(second)] = lead(first)
    members: dict[str, list[str]] = {}
    for run in known:
        members.setdefault(lead(run), []).append(run)
    return list(members.values())


def _group(members: list[RunBrief], ties: dict[frozenset[str], str]) -> Group:
    ids = {m.id for m in members}
    rules = {rule for pair, rule in ties.items() if pair <= ids}
    rule = next((r for r in (PERSON, JOINED, RESUMED) if r in rules), SINGLE)
    leading = [m for m in members if m.role is not Role.SEPARATOR] or members
    return Group(derived("ses", leading[0].id), tuple(m.id for m in members), rule)


def _flags(
    runs: list[RunBrief], groups: list[Group], never: set[frozenset[str]]
) -> dict[str, tuple[Flag, ...]]:
    """What a person must decide of runs in different sessions; by the run that carries the flag."""
    session = {run: group.id for group in groups for run in group.runs}
    found: dict[str, list[Flag]] = {}
    for one, other in combinations([r for r in runs if not r.bench], 2):
        if session[one.id] == session[other.id] or frozenset((one.id, other.id)) in never:
            continue
        code = _question(one, other)
        if code:
            found.setdefault(one.id, []).append(Flag(code, (other.id,)))
            found.setdefault(other.id, []).append(Flag(code, (one.id,)))
    return {run: tuple(flags) for run, flags in found.items()}


def _question(one: RunBrief, other: RunBrief) -> str | None:
    overlap = min(one.ended, other.ended) - max(one.started, other.started)
    if one.device == other.device:
        return "overlapping_runs" if overlap > timedelta(0) else None
    if not are_complementary(one, other):
        clash = overlap > timedelta(0) and one.role == other.role and _same_patient(one, other)
        return "patient_on_two_machines" if clash else None
    both_known = one.patient is not None and other.patient is not None
    return None if both_known and one.patient != other.patient and not _near(one, other) else "unjoined_runs"


def _near(one: RunBrief, other: RunBrief) -> bool:
    """Tell whether the two printed numbers may be one number with a typing slip."""
    return one.patient is not None and other.patient is not None and is_one_slip(one.patient, other.patient)
