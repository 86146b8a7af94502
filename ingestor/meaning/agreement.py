"""The four readings of processed plasma: added up over the runs of a session, and held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

from ingestor.meaning.plasma_volume import rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingestor.meaning.policy import Policy
    from ingestor.meaning.served import Decision, Part

# The value served is the first of these that there is.
ORDER = ("reported", "cycles", "counter", "integrated")


@dataclass(frozen=True, slots=True)
class Readings:
    """A session's readings [mL]; `missing`: reading -> code; `gap_s`: time without data in the integrated one."""

    values: Mapping[str, Decimal | None]
    missing: Mapping[str, str]
    gap_s: Decimal
    empty_parts: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Do the readings agree?

    Attributes:
        outcome: agreed, single_source, disagreed; None where there is nothing to compare.
        worst: the largest difference of two readings as a fraction of the larger; None for a single one.
        apart: the same, over the pairs that do not agree; 0 where all do.
    """

    outcome: str | None
    worst: Decimal | None
    apart: Decimal


def session_readings(parts: Sequence[Part], policy: Policy) -> Readings:
    """Add up the readings of the runs that moved plasma; a reading counts only if every one of them has it.

    Args:
        parts: runs of one role, earliest first.
        policy: for the largest volume that is believed.
    """
    moving = [p for p in parts if any(v is not None for v in p.figures.readings.values())]
    values: dict[str, Decimal | None] = {}
    missing: dict[str, str] = {}
    for name in ORDER:
        value = _sum(moving, name)
        if value is None:
            missing[name] = _why(moving or parts, name)
        elif value > policy.plasma_hard:
            value, missing[name] = None, "plasma_implausible"
        values[name] = value
    gap = sum((p.figures.integrated_gap_s for p in moving), Decimal(0))
    return Readings(values, missing, gap, len(parts) - len(moving))


def _why(parts: Sequence[Part], name: str) -> str:
    return next((p.figures.missing[name] for p in parts if name in p.figures.missing), "not_printed")


def _sum(parts: Sequence[Part], name: str) -> Decimal | None:
    """Add up a reading; what stood still need not have printed it."""
    records = _records(parts)
    moving = [record for record in records if not all(_stood_still(*step) for step in _steps(record))]
    return _added([_of_record(record, name) for record in moving or records])


def _added(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return rounded(sum(known, Decimal(0))) if known and len(known) == len(values) else None


def _records(parts: Sequence[Part]) -> list[list[Part]]:
    """Runs one by one, the halves of one record together."""
    found: list[list[Part]] = []
    for part in parts:
        if found and _counts_on(found[-1][-1], part):
            found[-1].append(part)
        else:
            found.append([part])
    return found


def _steps(record: Sequence[Part]) -> list[tuple[Part, Part | None]]:
    """Each half with the one before it."""
    return list(zip(record, (None, *record), strict=False))


def _of_record(record: Sequence[Part], name: str) -> Decimal | None:
    """One reading of one record. The last half prints the sum of all; a counter goes on from the half before."""
    if name == "reported":
        return record[-1].figures.readings[name]
    if name == "counter":
        return _added([_counted(*step) for step in _steps(record)])
    moving = [half for half, before in _steps(record) if not _stood_still(half, before)]
    return _added([half.figures.readings[name] for half in moving or record])


def _counted(half: Part, before: Part | None) -> Decimal | None:
    """What the counter gained."""
    value = half.figures.readings["counter"]
    if value is None or before is None:
        return value
    return value - (before.figures.counter_last or Decimal(0))


def _stood_still(half: Part, before: Part | None) -> bool:
    """No plasma moved, as far as anything was measured. A later half's printed sum tells of the earlier ones too."""
    readings = half.figures.readings
    gains = [_counted(half, before), readings["cycles"], readings["integrated"]]
    gains += [] if before is not None else [readings["reported"]]
    known = [gain for gain in gains if gain is not None]
    return bool(known) and not any(known)


def _counts_on(before: Part, after: Part) -> bool:
    """Two halves of one record: the machine's counters went on where the first half ended."""
    first, second = before.figures, after.figures
    if before.device != after.device or first.printed_id is None or first.printed_id != second.printed_id:
        return False
    if first.counter_last is None or second.counter_first is None:
        return False
    return second.counter_first >= first.counter_last


def agreement(readings: Readings, policy: Policy) -> Agreement:
    """Compare the readings in pairs; the integrated one stays out if data are missing in it."""
    compared = [
        name
        for name in ORDER
        if readings.values[name] is not None and (name != "integrated" or not readings.gap_s)
    ]
    if len(compared) <= 1:
        there = any(value is not None for value in readings.values.values())
        return Agreement("single_source" if there else None, None, Decimal(0))
    worst = apart = Decimal(0)
    agreed = True
    for one, other in combinations(compared, 2):
        low, high = sorted((readings.values[one] or Decimal(0), readings.values[other] or Decimal(0)))
        fraction = (high - low) / high if high else Decimal(0)
        worst = max(worst, fraction)
        share = policy.agree_integrated if "integrated" in {one, other} else policy.agree_fraction
        if high - low > max(share * high, policy.agree_ml):
            agreed, apart = False, max(apart, fraction)
    return Agreement("agreed" if agreed else "disagreed", rounded(worst), apart)


def holds(decision: Decision, readings: Readings) -> bool:
    """A person's decision stands as long as the readings are the ones that person saw."""
    seen = {name: None if value is None else Decimal(str(value)) for name, value in decision.readings.items()}
    return readings.values.get(decision.reading) is not None and all(
        seen.get(name) == readings.values[name] for name in ORDER
    )
