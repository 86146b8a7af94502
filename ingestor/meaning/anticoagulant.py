"""The anticoagulant in the separated plasma."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from ingestor.meaning.plasma_volume import rounded

_EXACT = Context(prec=28, rounding=ROUND_HALF_EVEN)


def ac_share(ratio: Decimal, hematocrit: Decimal) -> Decimal:
    """Return the fraction of the separated plasma that is anticoagulant.

    Of one part of inlet, 1/ratio is anticoagulant, and the rest is blood of which 1 - hematocrit is plasma.

    Args:
        ratio: inlet to anticoagulant, the inlet including it; more than 1.
        hematocrit: of the patient, a fraction.
    """
    with localcontext(_EXACT):
        ac = 1 / ratio
        return ac / (ac + (1 - ac) * (1 - hematocrit))


def native_ml(processed: Decimal, ratio: Decimal | None, hematocrit: Decimal) -> Decimal:
    """Return the patient's own plasma in the processed [mL]; no ratio: no anticoagulant was given."""
    if ratio is None:
        return processed
    with localcontext(_EXACT):
        return rounded(processed * (1 - ac_share(ratio, hematocrit)))


def ratio_from_volumes(blood_ml: Decimal, ac_ml: Decimal) -> Decimal:
    """Return the inlet to anticoagulant ratio that was really used; blood is without anticoagulant [mL]."""
    with localcontext(_EXACT):
        return rounded((blood_ml + ac_ml) / ac_ml)
