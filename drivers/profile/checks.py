"""What a profile says that means nothing where it stands: an error, never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.profile.vocabulary import TIMES

if TYPE_CHECKING:
    from drivers.profile.problems import Keys
    from drivers.profile.spec import Block, Layout

_TEXT_ONLY = ("section", "tag", "prefix", "separator", "widths", "member", "fields", "units_row")
_XML_ONLY = ("element", "key", "value")
_ONLY_IN = {
    "covers": ("totals",), "lasts": ("phases",), "new_column_after": ("samples",), "key": ("header", "totals"),
    "value": ("header", "totals", "events"), "pairs": ("header", "totals"), "separator": ("header", "totals"),
}  # fmt: skip
_FIELD_ONLY_IN = {
    "counts": ("samples",), "wraps_at": ("samples",), "from": ("phases", "alarms", "events"),
}  # fmt: skip
_STAMPS = {"time", "start", "end", "cleared", "acknowledged", *TIMES}


def check_layout(keys: Keys, layout: Layout) -> None:
    """Note everything in a layout that contradicts itself or means nothing."""
    tags = {block.tag for block in layout.blocks if block.tag}
    for block in layout.blocks:
        _check_block(keys, layout, block)
    drafted = keys.data.get("template") is True  # a draft may know the mark before it knows the line
    if layout.begin.tag and layout.begin.tag not in tags and not drafted:
        keys.complain("begin.tag", f"no block has the tag {layout.begin.tag!r}")
    if layout.end.tag and not layout.end.order:
        keys.complain("end.fields", "say which fields the line of the end has")
    if layout.end.document != (layout.form == "xml") and (layout.end.document or not layout.end.field):
        keys.complain("end", "XML ends with its document; only XML does")
    if layout.begin.goes_on and "run_id" not in {name for b in layout.of("header") for name in b.fields}:
        keys.complain("begin.goes_on", "a treatment that goes on is known by its run_id in the header")
    _check_recognisable(keys, layout)
    _check_text(keys, layout)


def _check_block(keys: Keys, layout: Layout, block: Block) -> None:
    where = f"block.{block.name}"
    said = keys.data.get("block", {}).get(block.name, {})
    _check_options(keys, layout, block, said)
    if layout.form == "xml" and not block.path and block.rows not in {"header", "totals"}:
        keys.complain(where, 'say in which element its rows stand, for example element = "Events/Event"')
    if block.tag and not block.order:
        keys.complain(where, "a tagged line has no column row: name its `fields` in order")
    if block.member and block.member not in layout.bundle:
        keys.complain(f"{where}.member", f"{block.member!r} is no part of the bundle")
    if block.units_row and block.order:
        keys.complain(f"{where}.units_row", "only a block with a column row has a row of units")
    for name, one in block.fields.items():
        if one.source and one.source not in block.fields:
            keys.complain(f"{where}.{name}.from", f"there is no field {one.source!r} in this block")


def _check_options(keys: Keys, layout: Layout, block: Block, said: dict[str, Any]) -> None:
    """Note options of a block or a field that mean nothing for its form or its rows."""
    where = f"block.{block.name}"
    strange = set(_TEXT_ONLY if layout.form == "xml" else _XML_ONLY)
    for key in sorted(strange & said.keys()):
        if key != "value" or block.rows != "events":
            keys.complain(f"{where}.{key}", f"has no meaning in {layout.form}")
    for key, rows in _ONLY_IN.items():
        if key in said and block.rows not in rows:
            keys.complain(f"{where}.{key}", f"only {' and '.join(rows)} rows have it")
    inside = [(name, key) for name, field in said.items() if isinstance(field, dict) for key in field]
    for name, key in inside:
        if block.rows not in _FIELD_ONLY_IN.get(key, (block.rows,)):
            only = " and ".join(_FIELD_ONLY_IN[key])
            keys.complain(f"{where}.{name}.{key}", f"only {only} rows have it")


def _check_recognisable(keys: Keys, layout: Layout) -> None:
    begin = layout.begin
    heads = [b for b in layout.blocks if not (b.order or b.pairs or b.tag)]
    if layout.form == "xml":
        if not begin.path:
            keys.complain("begin", 'say which element a treatment is, for example element = "Procedure"')
    elif not (begin.lines or begin.tag or heads):
        keys.complain("begin", "nothing tells this layout from others: say by which line or tag it begins")


def _check_text(keys: Keys, layout: Layout) -> None:
    names = {name for block in layout.blocks for name in block.fields}
    if names & _STAMPS and not layout.stamps:
        keys.complain("file.stamps", 'say how times are printed, for example ["dd.mm.yyyy HH:MM:SS"]')
    cut = [b for b in layout.blocks if not (b.widths or b.separator or b.path)]
    if layout.form == "text" and cut and not layout.delimiter and any(len(b.fields) > 1 for b in cut):
        keys.complain("file.delimiter", "say which sign stands between the fields")
    if layout.frames is not None and not (layout.begin.tag and layout.delimiter):
        keys.complain("frames", "frames hold tagged lines: say begin.tag and file.delimiter")
