"""How much antibody went: a model's answer and, apart from it, what was measured."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from ingestor.meaning.inputs import canonical
from ingestor.meaning.plasma_volume import rounded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from ingestor.meaning.policy import Policy
    from ingestor.model import Person

_EXACT = Context(prec=28, rounding=ROUND_HALF_EVEN)
IMMUNOGLOBULINS = ("igg", "iga", "igm")


def predicted(pv_multiple: Decimal, extraction: Decimal) -> Decimal:
    """Return the fraction removed from one well-stirred compartment: 1 - e^(-E x).

    Args:
        pv_multiple: processed plasma over plasma volume.
        extraction: mean fraction taken out in one pass over the column.
    """
    with localcontext(_EXACT):
        return rounded(1 - (-extraction * pv_multiple).exp())


def model_output(pv_multiple: Decimal | None, products: Iterable[str], policy: Policy) -> dict[str, Any]:
    """Return the model's answer, or the code why there is none. Never a measured value."""
    used = sorted(set(products))
    known = {policy.extraction[product] for product in used if product in policy.extraction}
    if pv_multiple is None:
        return {"missing": "no_pv_multiple"}
    if len(known) != 1 or not all(product in policy.extraction for product in used):
        return {"missing": "no_extraction"}
    (extraction,) = known
    return {
        "kind": "one-compartment", "products": used, "extraction": float(extraction),
        "pv_multiple": float(pv_multiple), "removed_fraction": float(predicted(pv_multiple, extraction)),
    }  # fmt: skip


def measured(person: Person | None, started: datetime, ended: datetime, reach: timedelta) -> dict[str, Any]:
    """Return the measured fall of each immunoglobulin that was measured before and after a session."""
    found = {}
    for kind in IMMUNOGLOBULINS:
        values = [
            (m.at, value)
            for m in (person.measurements if person is not None else ())
            if m.kind == kind and (value := canonical(m)) is not None
        ]
        before = max((v for v in values if started - reach <= v[0] <= started), default=None)
        after = min((v for v in values if ended <= v[0] <= ended + reach), default=None)
        if before is None or after is None or not before[1]:
            continue
        found[kind] = {
            "before_g_l": float(before[1]), "before_at": before[0].isoformat(),
            "after_g_l": float(after[1]), "after_at": after[0].isoformat(),
            "reduction_fraction": float(rounded(1 - after[1] / before[1])),
        }  # fmt: skip
    return found
