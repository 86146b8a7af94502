"""Which runs make one session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingestor.meaning.clock import DeviceKey
    from ingestor.model import Role

# Runs further away than this from a new run can change nothing about its session.
REACH = timedelta(hours=48)


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
    raise NotImplementedError
