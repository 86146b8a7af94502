"""Numbers with their unit printed behind them in the same cell, such as `402,5 ml`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from drivers._numbers import Numbers
from drivers.profile.vocabulary import canonical_unit
from ingestor.quantity import convert

if TYPE_CHECKING:
    from decimal import Decimal

    import numpy.typing as npt

    from drivers._text import Grammar
    from drivers.profile.sample_rows import Part
    from drivers.profile.spec import Field

    Places = npt.NDArray[np.int64]

_NUMBER_UNIT = re.compile(r"([+-]?[0-9][0-9.,' ]*?) ?([^0-9 .,+-].{0,15})", re.DOTALL)


def apart(text: str) -> tuple[str, str]:
    """Return number and unit of a cell; the unit is empty where the cell does not end in one."""
    match = _NUMBER_UNIT.fullmatch(text.strip(" "))
    return (match[1], match[2]) if match else (text, "")


def in_canonical(text: str, grammar: Grammar, name: str) -> Decimal | None:
    """Return the value of a cell in the canonical unit, None where number or unit is not known."""
    number, unit = apart(text)
    value = grammar.value(number)
    return convert(value, unit, canonical_unit(name)) if value is not None and unit else None


def read_with_units(part: Part, start: Places, end: Places, one: Field, empty: tuple[str, ...]) -> Numbers:
    """Read a column cell by cell; the values come in the canonical unit."""
    values: list[Decimal | None] = []
    strange: list[int] = []
    for row, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        text = part.padded[a:b].tobytes().decode(part.codec, "replace")
        value = None if not text or text in empty else in_canonical(text, one.grammar, one.name)
        if value is None and text and text not in empty:
            strange.append(row)
        values.append(value)
    scale = max((-int(v.as_tuple().exponent) for v in values if v is not None), default=0)
    scale = min(max(scale, 0), 6)
    mantissa = np.array([0 if v is None else round(v.scaleb(scale)) for v in values], np.int64)
    null = np.array([v is None for v in values], np.bool_)
    return Numbers(mantissa, scale, null, tuple(strange))
