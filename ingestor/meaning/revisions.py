"""Two readings of one run, compared record by record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestor.model import Run


class Relation(StrEnum):
    """What a new reading is to the one that is there."""

    SAME = "same"
    EXTENDS = "extends"
    PREFIX = "prefix"
    CONTRADICTS = "contradicts"
    DISJOINT = "disjoint"


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that differs; `old` or `new` None: it stands on one side only. Texts may quote the file."""

    record: str
    field: str
    old: str | None
    new: str | None
    old_line: int = 0
    new_line: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer, with up to 200 differences in the order of the record; `total` counts them all."""

    relation: Relation
    differences: tuple[Difference, ...] = ()
    total: int = 0


def compare(old: Run, new: Run) -> Comparison:
    """Compare two readings of the same run.

    `extends`: same records and more at the end, or partial and now complete: supersede. `prefix`: a shorter
    copy of what is known: duplicate. `disjoint`: the two halves of an interrupted run: keep both as one run
    with an interruption. `contradicts`: hold for a person.
    """
    raise NotImplementedError
