"""The blocks of a profile, from its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.profile.fields import read_field, read_order
from drivers.profile.problems import Keys, near
from drivers.profile.spec import Block, Field
from drivers.profile.vocabulary import HEADER, NEEDED, ROWS

if TYPE_CHECKING:
    from drivers._text import Grammar

_PAIR = {"key", "value"}


def read_blocks(keys: Keys, number: Grammar) -> tuple[Block, ...]:
    """Return the blocks; at least one is needed."""
    below = keys.below("block")
    if below is None or not below.data:
        keys.complain("block", "a profile describes at least one block, such as [block.samples]")
        return ()
    inside = [(name, below.below(name)) for name in below.data]
    return tuple(_block(one, name, number) for name, one in inside if one is not None)


def _block(keys: Keys, name: str, number: Grammar) -> Block:
    rows = keys.choice("rows", ROWS, name if name in ROWS else None) or "events"
    order, units = read_order(keys)
    pairs = keys.flag("pairs", default=rows in {"header", "totals"} and (not order or set(order) >= _PAIR))
    known = HEADER if rows in {"totals", "header"} else ROWS[rows]
    options = {
        "member": keys.text("member", "-"),
        "tag": keys.text("tag", "-"),
        "prefix": keys.text("prefix", "-"),
        "separator": keys.text("separator", "-"),
        "path": keys.text("element", "-"),
        "key": keys.text("key", "-") if rows in {"header", "totals"} else "-",
        "value": keys.text("value", "-") if rows in {"header", "totals"} else "-",
        "new_column": keys.text("new_column_after", "-"),
    }
    widths = keys.raw("widths") or []
    if not all(isinstance(width, int) and width > 0 for width in widths):
        keys.complain("widths", "a list of whole numbers")
        widths = []
    block = Block(
        name=name,
        rows=rows,
        order=order,
        section=keys.words("section"),
        ignore=keys.words("ignore"),
        pairs=pairs,
        widths=tuple(widths),
        of_segment=keys.choice("covers", ("treatment", "segment"), "treatment") == "segment",
        units_row=keys.flag("units_row"),
        until_next=keys.choice("lasts", ("as printed", "until next"), "as printed") == "until next",
        fields=_fields(keys, rows, order, units, known, number),
        **{key: value.removeprefix("-") for key, value in options.items()},
    )
    _check(keys, block)
    return block


def _fields(
    keys: Keys,
    rows: str,
    order: tuple[str, ...],
    units: dict[str, str],
    known: tuple[str, ...],
    number: Grammar,
) -> dict[str, Field]:
    names = dict.fromkeys((*(n for n in order if n != "-" and n not in _PAIR), *keys.rest()))
    extra = {"time", "index"} if rows in {"totals", "header"} else set()
    fields = {}
    for name in names:
        if keys.data.get(name) is False:
            continue
        if name not in known and name not in extra:
            keys.complain(name, f"{name!r} is no field of {rows} rows{near(name, known)}")
            continue
        fields[name] = read_field(keys, name, rows, number, units.get(name, ""))
    return fields


def _check(keys: Keys, block: Block) -> None:
    _check_places(keys, block)
    for name in NEEDED[block.rows]:
        if name not in block.fields:
            keys.complain("", f"{block.rows} rows need the field {name!r}")
    if block.rows == "samples" and not {"time", "elapsed"} & block.fields.keys():
        keys.complain("", "samples rows need the field 'time' or 'elapsed'")
    if block.widths and len(block.widths) != len(block.order):
        keys.complain("widths", f"{len(block.widths)} widths for {len(block.order)} fields")
    if block.pairs and block.order and not set(block.order) >= _PAIR:
        keys.complain("fields", "pairs need the fields 'key' and 'value'")


def _check_places(keys: Keys, block: Block) -> None:
    words: dict[str, str] = {}
    for name, one in block.fields.items():
        if not one.words and name not in block.order and not one.source:
            keys.complain(name, "say under which word it stands in the file")
        if one.words and name in block.order:
            keys.complain(name, "stands in `fields` by its position, and under a word: say one of both")
        for word in one.words:
            if words.setdefault(word, name) != name:
                keys.complain(name, f"{word!r} already stands for {words[word]!r}")
