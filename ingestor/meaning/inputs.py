"""Weight, height and hematocrit of the person at the time of a session, each with its time and source."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ingestor.meaning.amounts import exact
from ingestor.meaning.plasma_volume import rounded
from ingestor.meaning.served import Input
from ingestor.quantity import FACTS, convert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from ingestor.meaning.policy import Policy
    from ingestor.meaning.served import Part
    from ingestor.model import Measurement, Person

_DAY = timedelta(days=1)


def inputs_at(
    parts: Sequence[Part], person: Person | None, policy: Policy, started: datetime
) -> dict[str, Input]:
    """Return weight, height and hematocrit by kind.

    The measurement nearest to the start counts if it is not further away than the policy allows; else what a
    machine recorded.
    """
    ages = {
        "weight": policy.weight_age,
        "height": policy.height_age,
        "hematocrit": policy.hematocrit_age,
    }
    found = {}
    for kind, age in ages.items():
        chosen = _measured(kind, age, person, started) or recorded(kind, parts)
        if chosen is not None:
            found[kind] = chosen
    return found


def _measured(kind: str, age: timedelta, person: Person | None, started: datetime) -> Input | None:
    near = [
        (m, value)
        for m in (person.measurements if person is not None else ())
        if m.kind == kind and abs(started - m.at) <= age and (value := canonical(m)) is not None
    ]
    if not near:
        return None
    best, value = min(near, key=lambda pair: (abs(started - pair[0].at), pair[0].at, pair[1]))
    days = round((started - best.at) / _DAY, 3)
    return Input(kind, value, FACTS[kind].unit, best.at, best.source, days)


def recorded(kind: str, parts: Sequence[Part]) -> Input | None:
    """Return what the first machine that recorded such a value recorded."""
    for part in parts:
        value = part.figures.facts.get(kind)
        if value is not None:
            source = f"{part.device_model} {part.device_serial}".strip()
            return Input(kind, value, FACTS[kind].unit, part.figures.started, source, 0.0)
    return None


def canonical(measurement: Measurement) -> Decimal | None:
    """Return a measurement in its canonical unit, None where that cannot be or is not to be believed."""
    quantity = FACTS[measurement.kind]
    value = convert(measurement.value, measurement.unit, quantity.unit)
    if value is None or quantity.range is None:
        return None
    low, high = quantity.range.hard
    return rounded(value) if exact(low) <= value <= exact(high) else None
