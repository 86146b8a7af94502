"""Two readings of one run, compared record by record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ingestor.meaning.differences import differences

if TYPE_CHECKING:
    from decimal import Decimal

    from ingestor.meaning.differences import Difference
    from ingestor.model import Run


class Relation(StrEnum):
    """What a new reading is to the one that is there."""

    SAME = "same"
    EXTENDS = "extends"
    PREFIX = "prefix"
    CONTRADICTS = "contradicts"
    DISJOINT = "disjoint"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer, with up to 200 differences in the order of the record; `total` counts them all."""

    relation: Relation
    differences: tuple[Difference, ...] = ()
    total: int = 0


MOST = 200


def compare(old: Run, new: Run) -> Comparison:
    """Compare two readings of the same run.

    `extends`: same records and more at the end, or partial and now complete: supersede. `prefix`: a shorter
    copy of what is known: duplicate. `disjoint`: the two halves of an interrupted run: keep both as one run
    with an interruption. `contradicts`: hold for a person.
    """
    if _is_other_half(old, new):
        return Comparison(Relation.DISJOINT)
    forward = differences(old, new)
    if not forward and not differences(new, old) and old.complete == new.complete:
        return Comparison(Relation.SAME)
    if not forward and new.complete >= old.complete:
        return Comparison(Relation.EXTENDS)
    if not differences(new, old) and old.complete >= new.complete:
        return Comparison(Relation.PREFIX)
    return Comparison(Relation.CONTRADICTS, tuple(forward[:MOST]), len(forward))


def _is_other_half(old: Run, new: Run) -> bool:
    """Two stretches of one treatment that share no moment, the machine's own number being the same.

    The same sums at another time are no other half: a clock was set between two exports of one treatment.
    """
    if old.printed_id is None or old.started.local == new.started.local or _sums(old) & _sums(new):
        return False
    (a, b), (c, d) = _stretch(old), _stretch(new)
    return b < c or d < a


def _sums(run: Run) -> set[tuple[str, Decimal]]:
    return {(t.kind, t.value) for t in run.totals if t.kind != "cycles" and t.value}


def _stretch(run: Run) -> tuple[datetime, datetime]:
    """From the first to the last moment of which something is recorded."""
    moments = [run.started.utc, *(i.utc for p in run.phases for i in (p.start, p.end) if i)]
    if run.trace is not None and len(run.trace):
        edges = (int(run.trace.utc_ms.min()), int(run.trace.utc_ms.max()))
        moments += [datetime.fromtimestamp(ms / 1000, UTC) for ms in edges]
    elif not run.phases and run.ended:
        moments.append(run.ended.utc)
    return min(moments), max(moments)
