"""Two runs side by side: can they be one treatment, and if not, what is odd about them?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ingestor.meaning.linking import is_one_slip
from ingestor.model import Role

if TYPE_CHECKING:
    from ingestor.meaning.clock import DeviceKey

# An interrupted run of the same machine is taken up again within this time, or it is another treatment.
RESUME_WITHIN = timedelta(hours=3)
# A separator's and an adsorber's run of one patient that miss each other by less than this are odd: a clock is wrong.
_MISSED_BY = timedelta(hours=6)
# A session with such a question is kept out of course sums until a person has answered it.
QUESTIONS = frozenset({"overlapping_runs", "perhaps_resumed", "unjoined_runs", "patient_on_two_machines"})


@dataclass(frozen=True, slots=True)
class RunBrief:
    """What grouping needs of a run.

    Attributes:
        id: identity of the run.
        patient: the printed patient id under the site's normalisation rule; None where there is none.
        ended: end, or the last instant of the record where the end is missing.
        complete: the end of the treatment was read.
        printed_id: the machine's own number of the treatment.
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
    printed_id: str | None = None


def are_complementary(one: RunBrief, other: RunBrief) -> bool:
    """Tell whether one run can be the separator and the other the adsorber of one treatment, by role and time."""
    return {one.role, other.role} == {Role.SEPARATOR, Role.ADSORBER} and _overlap_enough(one, other)


def _overlap_enough(one: RunBrief, other: RunBrief) -> bool:
    shorter = min(one.ended - one.started, other.ended - other.started)
    return _overlap(one, other) > timedelta(0) and _overlap(one, other) * 2 >= shorter


def _overlap(one: RunBrief, other: RunBrief) -> timedelta:
    return min(one.ended, other.ended) - max(one.started, other.started)


def same_patient(one: RunBrief, other: RunBrief) -> bool:
    """Tell whether both runs print one and the same patient."""
    return one.patient is not None and one.patient == other.patient


def _clash(one: RunBrief, other: RunBrief) -> bool:
    return one.patient is not None and other.patient is not None and one.patient != other.patient


def goes_on(first: RunBrief, second: RunBrief) -> bool:
    """Tell whether the second run is the first one taken up again.

    The same treatment by the machine's own number, or a record cut off and the same patient again soon after.
    """
    if not _soon_after(first, second) or _clash(first, second):
        return False
    same_number = first.printed_id is not None and first.printed_id == second.printed_id
    return same_number or (not first.complete and same_patient(first, second))


def _soon_after(first: RunBrief, second: RunBrief) -> bool:
    return timedelta(0) <= second.started - first.ended <= RESUME_WITHIN


def question(one: RunBrief, other: RunBrief) -> str | None:
    """Return what is odd about two runs of different sessions, the earlier one first; a code of `QUESTIONS`."""
    overlapping = _overlap(one, other) > timedelta(0)
    if one.device == other.device:
        if overlapping:
            return "overlapping_runs"
        return "perhaps_resumed" if _perhaps_goes_on(one, other) else None
    if {one.role, other.role} == {Role.SEPARATOR, Role.ADSORBER}:
        return "unjoined_runs" if _perhaps_one_treatment(one, other) else None
    twice = overlapping and one.role == other.role and same_patient(one, other)
    return "patient_on_two_machines" if twice else None


def _perhaps_one_treatment(one: RunBrief, other: RunBrief) -> bool:
    if _overlap(one, other) > timedelta(0):
        return not _clash(one, other) or _near(one, other)
    return same_patient(one, other) and -_overlap(one, other) < _MISSED_BY


def _perhaps_goes_on(first: RunBrief, second: RunBrief) -> bool:
    """A record cut off, and soon after it the same column on the same machine: a patient's number is missing or odd."""
    shared = {c for c in first.columns if c} & set(second.columns)
    return bool(shared) and not first.complete and _soon_after(first, second)


def _near(one: RunBrief, other: RunBrief) -> bool:
    """Tell whether the two printed numbers may be one number with a typing slip."""
    return one.patient is not None and other.patient is not None and is_one_slip(one.patient, other.patient)
