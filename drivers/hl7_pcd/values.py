"""Numbers and units of observations, with the errors that real writers make.

Source: HL7 Messaging Standard 2.6, chapter 2A (NM), table 0085 (result status); UCUM for units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers._text import Grammar
from ingestor.driver import Number
from ingestor.quantity import ucum

if TYPE_CHECKING:
    from decimal import Decimal

    from drivers._remarks import Remarks
    from drivers.hl7_pcd.report import Observation

_GRAMMAR = Grammar()
# Could not be obtained, deleted, wrong: no value stands behind these.
_NO_RESULT = frozenset({"X", "D", "W"})


def unit_of(units: tuple[str, ...]) -> str:
    """Return the first spelling that is a known unit, else the first one printed."""
    return next((u for u in units if u and ucum(u) is not None), units[0] if units else "")


def read_number(text: str) -> Decimal | None:
    """Return an HL7 number; the standard lets a writer leave out the digits on one side of the point."""
    bare = text.lstrip("+-")
    if bare.startswith("."):
        text = text.replace(".", "0.", 1)
    elif bare.endswith("."):
        text = text[:-1]
    return _GRAMMAR.value(text)


def number_of(observation: Observation, remarks: Remarks) -> Number:
    """Return the value of an observation, None with a remark where it is no single believable number."""
    text, unit, term = observation.text, unit_of(observation.units), observation.term.label
    if observation.status in _NO_RESULT or not any(observation.values):
        return Number(text, unit, None)
    if observation.repeated or not text:
        remarks.add("value_ambiguous", observation.line, term=term)
        return Number(text, unit, None)
    if observation.misplaced:
        remarks.add("value_misplaced", observation.line, term=term)
    value = read_number(text)
    if value is None:
        remarks.add("value_implausible", observation.line, kind=term, value=text[:40], unit=unit[:40])
    return Number(text, unit, value)


def is_number(observation: Observation) -> bool:
    """Say whether an observation holds a number."""
    return read_number(observation.text) is not None
