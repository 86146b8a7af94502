"""Which volume of processed plasma is served, or why none is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestor.meaning.agreement import ORDER, Agreement, Readings, agreement, holds, session_readings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from ingestor.meaning.policy import Policy
    from ingestor.meaning.served import Decision, Part


@dataclass(frozen=True, slots=True)
class Processed:
    """Processed plasma of a session.

    Attributes:
        reading: which reading is served; None where none is.
        ml: its value.
        missing: code why none is served.
        withheld: the readings differ so much that a person must decide.
        troubles: codes that keep the dose from being final.
        remarks: codes to be read along.
    """

    readings: Readings
    agreement: Agreement
    reading: str | None
    ml: Decimal | None
    missing: str | None
    withheld: bool
    troubles: tuple[str, ...]
    remarks: tuple[str, ...]


def processed(parts: Sequence[Part], policy: Policy, decision: Decision | None) -> Processed:
    """Choose the reading of the runs that count."""
    readings = session_readings(parts, policy)
    compared = agreement(readings, policy)
    decided = decision is not None and holds(decision, readings)
    reading = next((name for name in ORDER if readings.values[name] is not None), None)
    if decided and decision is not None:
        reading = decision.reading
    apart = compared.outcome == "disagreed" and not decided
    # The readings of a cut record cover different stretches: they differ without contradicting each other.
    whole = all(p.figures.complete for p in parts)
    withheld = apart and whole and compared.apart > policy.withhold_above
    missing = _missing(parts, readings) if reading is None else "readings_withheld" if withheld else None
    troubles = {
        "decision_outdated": decision is not None and not decided,
        "readings_disagree": apart and not withheld,
        "integrated_with_gaps": reading == "integrated" and bool(readings.gap_s),
        "part_without_plasma": reading is not None and readings.empty_parts > 0,
        "plasma_assumed": any("plasma_assumed" in p.figures.notes for p in parts),
    }
    value = None if reading is None or withheld else readings.values[reading]
    low, high = policy.plasma_soft
    remarks = {
        "reading_chosen": decided,
        "plasma_unusual": value is not None and not low <= value <= high,
    }
    return Processed(
        readings, compared, None if value is None else reading, value, missing, withheld,
        tuple(code for code, true in troubles.items() if true),
        tuple(code for code, true in remarks.items() if true),
    )  # fmt: skip


def _missing(parts: Sequence[Part], readings: Readings) -> str:
    if any("no_plasma_therapy" in p.figures.notes for p in parts):
        return "no_plasma_therapy"
    if "plasma_implausible" in readings.missing.values():
        return "plasma_implausible"
    return "no_plasma_reading"
