"""The fields of a block, from the keys of a profile."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from drivers._text import Grammar
from drivers.profile.problems import Keys, near
from drivers.profile.spec import Field
from drivers.profile.vocabulary import (
    PHASES,
    VALUES,
    canonical_unit,
    is_measured,
    is_signed,
)
from ingestor.quantity import ALIASES, convert, ucum

if TYPE_CHECKING:
    from collections.abc import Sequence

_POSITIONAL = re.compile(r"(?P<name>[a-z0-9_]+|-)(?: \[(?P<unit>[^\]]+)\])?")
_UNITLESS = {"[pH]": "pH", "{cycles}": "1"}
_RATIOS = {"ac_ratio", "cycle_number"}
CELL = "cell"


def read_order(keys: Keys) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the names by position and the units written behind them in brackets."""
    order, units = [], {}
    for text in keys.words("fields"):
        match = _POSITIONAL.fullmatch(text)
        if match is None:
            keys.complain("fields", f"expected a name, or a name and a unit as 'name [unit]', got {text!r}")
            continue
        order.append(match["name"])
        if match["unit"]:
            units[match["name"]] = match["unit"]
    doubled = sorted({name for name in order if name != "-" and order.count(name) > 1})
    if doubled:
        keys.complain("fields", f"named twice: {', '.join(doubled)}")
    return tuple(order), units


def read_field(keys: Keys, name: str, rows: str, number: Grammar, unit: str = "") -> Field:
    """Return one field of a block.

    Args:
        keys: the block.
        name: the field's name; its value is a word, a list of words, or a table.
        rows: what the block's rows are.
        number: how the file prints numbers.
        unit: the unit, where it was written beside the position.
    """
    value = keys.raw(name)
    if not isinstance(value, dict):
        words, units = _words(keys, name, value, unit)
        return Field(
            name, words, _checked(keys, name, rows, words, units), grammar=_grammar(number, name, {})
        )
    inside = Keys(value, keys.path(name), keys.problems)
    words, units = _words(
        inside, "word", inside.raw("word"), inside.text("unit", unit or "-").removeprefix("-")
    )
    options: dict[str, Any] = {
        "decimals": inside.count("decimals"),
        "negative": inside.flag("negative", default=is_signed(name)),
    }
    counts = inside.choice("counts", ("since start", "since last row"), "since start")
    field = Field(
        name=name,
        words=words,
        units=_checked(keys, name, rows, words, units),
        values=_values(inside, name, rows),
        optional=inside.flag("optional"),
        grammar=_grammar(number, name, options),
        interval=counts == "since last row",
        wraps_at=inside.count("wraps_at"),
        source=inside.text("from", "-").removeprefix("-"),
    )
    inside.done()
    return field


def _words(keys: Keys, key: str, value: Any, unit: str) -> tuple[tuple[str, ...], tuple[str, ...]]:  # noqa: ANN401
    if value is None:
        return (), (unit,)
    words, units = [], []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and one:
            words.append(one)
            units.append(unit)
        elif isinstance(one, dict) and set(one) == {"word", "unit"}:
            words.append(str(one["word"]))
            units.append(str(one["unit"]))
        else:
            keys.complain(
                key, f"expected a word, a list of words, or {{ word = ..., unit = ... }}, got {one!r}"
            )
    return tuple(words), tuple(units)


def _checked(
    keys: Keys, name: str, rows: str, words: Sequence[str], units: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the units, defaults filled in, after a complaint about each that means nothing."""
    if not is_measured(name) or (rows in {"totals", "header"} and name == "value"):
        if any(units):
            keys.complain(name, f"{name} is no measured value and has no unit")
        return ()
    target = canonical_unit(name)
    if not target:
        return units
    default = _UNITLESS.get(target, "1" if name in _RATIOS else "")
    out = tuple(unit or default for unit in units)
    for word, unit in zip(words or (name,), out, strict=False):
        if not unit:
            keys.complain(
                name, f"{word!r} needs a unit, for example {{ word = {word!r}, unit = {target!r} }}"
            )
        elif unit != CELL and not unit.startswith("@") and convert(Decimal(1), unit, target) is None:
            known = [u for u in ALIASES if convert(Decimal(1), u, target) is not None]
            hint = f"; it can be {', '.join(known)}" if ucum(unit) or known else near(unit, ALIASES)
            keys.complain(name, f"{unit!r} is no unit of {name}{hint}")
    return out


def _grammar(number: Grammar, name: str, options: dict[str, Any]) -> Grammar:
    signed = options.get("negative", is_signed(name))
    return Grammar(number.decimal, number.thousands, signed=signed, decimals=options.get("decimals", 0))


def _values(keys: Keys, name: str, rows: str) -> dict[str, str]:
    below = keys.below("values")
    if below is None:
        return {}
    known = (*PHASES, "none") if (name, rows) == ("state", "samples") else VALUES.get(name, ())
    if not known and name != "position":
        keys.complain("values", f"{name} is taken as printed; only {', '.join(VALUES)} have values")
    out: dict[str, str] = {}
    for canonical in below.data:
        if known and canonical not in known:
            below.complain(canonical, f"{canonical!r} is no {name}{near(canonical, known)}")
        for word in below.words(canonical):
            if out.setdefault(word, canonical) != canonical:
                below.complain(canonical, f"{word!r} already means {out[word]!r}")
    return out
