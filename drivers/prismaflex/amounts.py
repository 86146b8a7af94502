"""Set values: a raw number beside a text in the machine's language, such as `265` beside `26.5 %`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from drivers._text import Grammar, printed
from ingestor.driver import Number

if TYPE_CHECKING:
    from drivers._remarks import Remarks

_RAW = Grammar()
_TEXT = re.compile(r"([+-]?[0-9]{1,9}(?:[.,][0-9]{1,6})?)(?:\s*([^\d\s].{0,20}))?")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}[.,][0-9]{3}")
_MOST_IMPLIED = 2


def set_value(raw: str, text: str, unit: str, remarks: Remarks, line: int, member: str) -> Number | None:
    """Return the value of a setting, None where the row holds no number.

    The raw number may leave out one or two decimals; the text says how many. Where the two do not show the same
    digits, or a sign could part thousands as well as decimals, there is no value.

    Args:
        raw: `Sample(cod)`.
        text: `Sample`.
        unit: of this code, where the text prints none.
        remarks: collects what is doubtful.
        line: of the row.
        member: of the row.
    """
    value, match = _RAW.value(raw), _TEXT.fullmatch(text)
    if match is None:
        return None if value is None or not unit or text else Number(raw, unit, value)
    shown, unit = match[0], (match[2] or unit).strip()
    told = Decimal(match[1].replace(",", "."))
    if value is not None and _THOUSANDS.fullmatch(match[1]) and value == told * 1000:
        value = None
    elif value is not None:
        value = next((told for n in range(_MOST_IMPLIED + 1) if value == told.scaleb(n)), None)
    if value is None:
        remarks.add("value_ambiguous", line, member=member, term=printed(shown)[:40])
    return Number(shown, unit, value)
