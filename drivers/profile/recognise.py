"""Is it mine? Answered from the first lines, never by trying to read the whole file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers._text import printed
from drivers.profile.codes import FIRST, declared_heads, other_heads
from drivers.profile.headings import cut, looks_like

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers._lines import Lines
    from drivers.profile.spec import Block, Layout, Profile

_MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class Recognised:
    """An answer about one member: the layout it is printed in, or what stood against it."""

    layout: Layout | None
    reason: str
    near: tuple[str, ...] = ()
    code: str | None = None


def recognise_text(profile: Profile, part: str, data: bytes | dict[str, bytes]) -> Recognised:
    """Look at the first lines of one member.

    Args:
        profile: with all its versions and variants.
        part: which part of the bundle the member is, empty for layouts of one file.
        data: all bytes of the member; or, by variant, what a workbook says in its dialect.
    """
    own = {one.variant: data if isinstance(data, bytes) else data[one.variant] for one in profile.layouts}
    answers = _answers(profile, part, own, declared_heads)
    if not any(one.layout for one in answers) and any(one.other_encodings for one in profile.layouts):
        answers = _answers(profile, part, own, other_heads) + answers
    mine = [one for one in answers if one.layout is not None]
    if mine:
        return mine[0]
    if not any(one.near for one in answers):
        answers.append(_in_other_code(profile.layouts[0], part, own[profile.layouts[0].variant]))
    coded = [one for one in answers if one.code]
    nearest = coded or [one for one in answers if one.near] or answers
    near = tuple(dict.fromkeys(text for one in nearest for text in one.near))
    return Recognised(None, nearest[0].reason, near, nearest[0].code)


def _answers(
    profile: Profile, part: str, own: dict[str, bytes], read: Callable[[Layout, bytes], list[Lines]]
) -> list[Recognised]:
    """Return what each version and variant says; lines are cut once for all that are written alike."""
    heads: dict[tuple[object, ...], list[Lines]] = {}
    out = []
    for one in profile.layouts:
        key = (one.encodings, one.other_encodings, one.frames, id(own[one.variant]))
        if key not in heads:
            heads[key] = read(one, own[one.variant])
        out += [_by_lines(one, part, lines) for lines in heads[key]]
    return out or [Recognised(None, f"the bytes are not text in {' or '.join(profile.layouts[0].encodings)}")]


def _in_other_code(layout: Layout, part: str, data: bytes) -> Recognised:
    """Say whether it would be this layout, were it not for its encoding."""
    head = data[:FIRST]
    codes = ("utf-16", "utf-16-le") if b"\0" in head else () if head.isascii() else ("utf-8", "cp1252")
    for codec in (
        *codes,
        *(("utf-8",) if layout.encodings[0].startswith("utf-16") and b"\0" not in head else ()),
    ):
        respelled = replace(layout, encodings=(codec,), other_encodings=())
        for lines in declared_heads(respelled, data):
            if _by_lines(layout, part, lines).layout is not None:
                told = f"the text is in {codec}, not in {' or '.join(layout.encodings)}"
                return Recognised(None, told, (told,))
    return Recognised(None, f"no {layout.name} in any encoding")


def _by_lines(layout: Layout, part: str, lines: Lines) -> Recognised:
    first = next(iter(layout.bundle), "")
    if layout.begin.lines and part == first:
        return _by_line(layout, lines)
    if layout.begin.tag and part == first:
        return _by_tag(layout, lines)
    return _by_columns(layout, [b for b in layout.blocks if (b.member or first) == part], lines)


def first_index(lines: Lines) -> int | None:
    """Return the index of the first line that is not blank."""
    return next((i for i in range(min(len(lines), _MOST_LINES)) if lines.raw(i).strip(b" \t\0")), None)


def _by_line(layout: Layout, lines: Lines) -> Recognised:
    at = first_index(lines)
    text = lines.text(at).strip(" ") if at is not None else ""
    at = at or 0
    for one in layout.begin.lines:
        if match := one.fullmatch(text):
            version = match.groupdict().get("version", "")
            if layout.version is None or layout.version.fullmatch(version):
                return Recognised(layout, f"begins with {printed(text)[:60]!r}")
            return Recognised(
                None,
                f"version {version} is not known",
                (_in_line(lines, at, f"version {version} is new"),),
                "unknown_version",
            )
    if any(literal.strip() and text.startswith(literal.strip()) for literal in layout.begin.literal):
        near = _in_line(lines, at, f"it begins with {printed(text)[:60]!r}")
        return Recognised(None, f"begins with {printed(text)[:60]!r}", (near,))
    return Recognised(None, f"does not begin with {' or '.join(layout.begin.literal)!r}")


def _by_tag(layout: Layout, lines: Lines) -> Recognised:
    at, tag, cells = _first_tagged(layout, lines)
    block = next((b for b in layout.blocks if b.tag == layout.begin.tag), None)
    if block is None or not tag.startswith(layout.begin.tag):
        return Recognised(None, f"the first line is no {layout.begin.tag!r} line")
    wanted = len(block.order) + layout.tag_field
    if tag != layout.begin.tag and len(cells) == wanted:
        told = f"the first line is of the type {printed(tag)[:20]!r} instead of {layout.begin.tag!r}"
        return Recognised(None, told, (_in_line(lines, at, told),), "unknown_version")
    if tag != layout.begin.tag:
        return Recognised(None, f"the first line is no {layout.begin.tag!r} line")
    if len(cells) != wanted:
        told = f"the first line has {len(cells)} fields instead of {wanted}"
        return Recognised(None, told, (_in_line(lines, at, told),))
    return Recognised(layout, f"begins with a {layout.begin.tag!r} line of {wanted} fields")


def _in_line(lines: Lines, index: int, told: str) -> str:
    return f"line {lines.number(index)}: {told}"


def _first_tagged(layout: Layout, lines: Lines) -> tuple[int, str, list[str]]:
    """Return index, type and fields of the first line that is not only a sign of life."""
    for index in range(min(len(lines), _MOST_LINES)):
        cells = cut(lines.text(index), layout) or []
        tag = cells[layout.tag_field - 1] if len(cells) >= layout.tag_field else ""
        if tag not in layout.tags_ignored and lines.raw(index).strip(b" \t\0"):
            return index, tag, cells
    return 0, "", []


def _by_columns(layout: Layout, blocks: list[Block], lines: Lines) -> Recognised:
    heads = [(b, _candidates(b, lines)) for b in blocks if not (b.order or b.pairs or b.tag)]
    for index in sorted({index for _, candidates in heads for index in candidates}):
        cells = cut(lines.text(index), layout) or []
        for block, candidates in heads:
            if index in candidates and looks_like(block, cells):
                return _by_column_row(layout, block, [cell for cell in cells if cell], lines.number(index))
    return _with_other_delimiter(layout, heads, lines)


def _candidates(block: Block, lines: Lines) -> set[int]:
    """Return the lines in which most of the words stand that a column row of the block needs."""
    last = min(len(lines), _MOST_LINES) - 1
    text = lines.padded[: lines.end[last]].tobytes() if last >= 0 else b""
    needed = [one for one in block.fields.values() if not one.optional] or list(block.fields.values())
    seen: Counter[int] = Counter()
    for one in needed:
        places = [at for word in one.words for at in _places(text, word.encode(lines.codec, "replace"))]
        seen.update(set((np.searchsorted(lines.start, places, "right") - 1).tolist()))
    return {index for index, count in seen.items() if count * 2 > len(needed)}


def _places(text: bytes, word: bytes) -> list[int]:
    """Return the first few hundred places of a word."""
    places: list[int] = []
    at = text.find(word)
    while at >= 0 and len(places) < _MOST_LINES:
        places.append(at)
        at = text.find(word, at + len(word))
    return places


def _with_other_delimiter(layout: Layout, heads: list[tuple[Block, set[int]]], lines: Lines) -> Recognised:
    """Say whether the column row would be there, were it cut at another sign."""
    for block, candidates in heads:
        for index in sorted(candidates):
            for sign in (";", ",", "\t", "|"):
                cells = [cell.strip(" ") for cell in lines.text(index).split(sign)]
                if sign != layout.delimiter and looks_like(block, cells):
                    told = f"the columns are separated by {sign!r} instead of {layout.delimiter!r}"
                    return Recognised(None, told, (_in_line(lines, index, told),))
    return Recognised(None, "no column row of this layout was found")


def _by_column_row(layout: Layout, block: Block, cells: list[str], line: int) -> Recognised:
    known = block.by_word()
    names = {known[word].name for word in cells if word in known}
    lacking = [one for one in block.fields.values() if not one.optional and one.name not in names]
    strange = [word for word in cells if word not in known and word not in block.ignore]
    near = [f"column {' or '.join(one.words)} is missing" for one in lacking]
    if not layout.unknown_columns:
        near += [f"column {printed(word)[:40]!r} is new" for word in strange]
    if near:
        return Recognised(None, near[0], tuple(f"line {line}: {text}" for text in near), "other_columns")
    return Recognised(layout, f"has the columns {', '.join(cells[:3])}…")
