"""Reads XML by element paths, in the same words as text."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

import numpy as np

from drivers._lines import Lines, split_lines
from drivers._text import printed
from drivers.profile.raw import EndMark, Heading, Notes, Printed, Raw, Row, SampleLines
from drivers.profile.recognise import Recognised
from drivers.profile.rows import COUNTED
from drivers.profile.xml_tree import read_tree
from ingestor.driver import ParseError, Severity

if TYPE_CHECKING:
    from drivers.profile.spec import Block, Field, Layout, Profile
    from drivers.profile.xml_tree import Node
    from ingestor.driver import Member

HEAD = 64 * 1024
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def recognise_xml(profile: Profile, data: bytes) -> Recognised:
    """Look at the first element: its name and namespace say what it is."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if data.removeprefix(codecs.BOM_UTF8).lstrip()[:1] != b"<" and not wide:
        return Recognised(None, "this is not XML")
    try:
        root, _ = read_tree(data[:HEAD], "", only_root=True)
    except ParseError as error:
        told = f"this is XML that cannot be read: {error.got}"
        return _in_other_code(profile, data) or Recognised(None, told, code=error.code)
    if root is None:
        return Recognised(None, "there is no first element")
    return _by_root(profile, root)


def _in_other_code(profile: Profile, data: bytes) -> Recognised | None:
    """Say whether it would be this layout, were it not for an encoding that contradicts its declaration."""
    for codec in ("utf-8", "utf-16", "utf-16-le", "cp1252"):
        try:
            text = data[:HEAD].decode(codec, "ignore").lstrip("\ufeff")
            root, _ = read_tree(_DECLARATION.sub("", text, count=1).encode(), "", only_root=True)
        except (ParseError, UnicodeError):
            continue
        if root is not None and _by_root(profile, root).layout is not None:
            told = f"the text is in {codec}, its declaration says something else"
            return Recognised(None, told, (f"line 1: {told}",))
    return None


def _by_root(profile: Profile, root: Node) -> Recognised:
    named = [one for one in profile.layouts if one.begin.path.split("/")[0] == root.name]
    if not named:
        return Recognised(None, f"the first element is {printed(root.name)[:40]!r}")
    for layout in named:
        version = _version(layout, root)
        if version is not None and (layout.version is None or layout.version.fullmatch(version)):
            return Recognised(layout, f"begins with the element {root.name!r}")
    told = f"the namespace {printed(root.namespace)[:80]!r} is new"
    return Recognised(None, told, (f"line {root.line}: {told}",), "unknown_version")


def _version(layout: Layout, root: Node) -> str | None:
    """Return the version that the namespace names, empty if it names none, None if it is another one."""
    if layout.begin.namespace is None:
        return ""
    match = layout.begin.namespace.fullmatch(root.namespace)
    return None if match is None else match.groupdict().get("version", "")


def read_xml(layout: Layout, member: Member) -> list[Raw]:
    """Return the treatments of a document; one that was cut gives what is there.

    Raises:
        ParseError: the document is malformed in its middle, has a DTD, is too deep or too large.
    """
    content = member.data.rstrip(b"\0")
    root, whole = read_tree(content, member.name)
    first, _, rest = layout.begin.path.partition("/")
    nodes = list(root.at(rest)) if root is not None and root.name == first else []
    if root is None or not nodes:
        raise ParseError(member.name, 1, f"an element {layout.begin.path}", "none", "no_identity")
    raws = [_treatment(layout, member, root, node, whole=whole) for node in nodes]
    if zeros := len(member.data) - len(content):
        raws[-1].notes.find("zero_bytes", raws[-1].last_line, Severity.INFO, count=str(zeros))
    return raws


def _treatment(layout: Layout, member: Member, root: Node, node: Node, *, whole: bool) -> Raw:
    notes = Notes(member.name)
    raw = Raw(
        layout, member.name, node.line, notes, version=_version(layout, root) or "", last_line=_last(node)
    )
    known: set[str] = set()
    for block in layout.blocks:
        if block.rows in {"header", "totals"}:
            _pairs(raw, block, node, known)
        else:
            _rows(raw, block, node, known)
    _tell_unknown(raw, layout, node, known)
    if node.closed and (whole or node is not root):
        raw.end = EndMark(raw.last_line, agreed=True)
    return raw


def _last(node: Node) -> int:
    return _last(node.children[-1]) if node.children else node.line


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part and part != ".")


def _pairs(raw: Raw, block: Block, node: Node, known: set[str]) -> None:
    counted = block.rows == "totals"
    into = raw.totals if counted else raw.header
    known.add(block.path)
    if block.key:
        return _keyed(raw, block, node, known)
    for field in block.fields.values():
        for word, unit in zip(field.words, field.units or ("",) * len(field.words), strict=True):
            path = _join(block.path, word)
            known |= {
                path,
                _join(_owner(path), unit) if unit.startswith("@") else path,
            }
            for base in node.at(block.path):
                found = base.value(word)
                if found is None:
                    continue
                text, at = found
                into.append(Printed(field.name, text, _unit(at, unit), at.line, raw.member))
                raw.notes.rows_read += counted
    return None


def _keyed(raw: Raw, block: Block, node: Node, known: set[str]) -> None:
    """Read elements that carry a name and a value."""
    counted, by_word = block.rows == "totals", block.by_word()
    known |= {_join(block.path, part) for part in (block.key, block.value)}
    for element in node.at(block.path):
        key, value = element.value(block.key), element.value(block.value)
        field = by_word.get(key[0]) if key is not None else None
        if key is None or value is None or field is None:
            if key is not None and key[0] not in block.ignore:
                raw.notes.find("unknown_key", element.line, Severity.INFO, key=printed(key[0])[:80])
            if counted:
                raw.notes.ignore("unknown")
            continue
        unit = field.unit_of(key[0])
        known.add(_join(block.path, unit) if unit.startswith("@") else "")
        kept = Printed(field.name, value[0], _unit(element, unit), element.line, raw.member)
        (raw.totals if counted else raw.header).append(kept)
        raw.notes.rows_read += counted


def _unit(node: Node, unit: str) -> str:
    return node.attributes.get(unit[1:], "?") if unit.startswith("@") else unit


def _rows(raw: Raw, block: Block, node: Node, known: set[str]) -> None:
    fields = tuple(block.fields.values())
    heading = Heading(
        block,
        tuple(one.words[0] for one in fields),
        fields,
        tuple(one.unit_of(one.words[0]) for one in fields),
    )
    known |= {block.path, *(_join(block.path, word) for one in fields for word in one.words)}
    known |= {
        _join(block.path, _owner(one.words[0]), unit)
        for one in fields
        for unit in one.units
        if unit[:1] == "@"
    }
    rows = []
    for element in node.at(block.path):
        cells, units = {}, {}
        for one in fields:
            found = next((v for word in one.words if (v := element.value(word)) is not None), None)
            if found is None:
                continue
            cells[one.name] = found[0]
            if one.units and one.units[0].startswith("@"):
                units[one.name] = _unit(found[1], one.units[0])
        rows.append(Row(element.line, cells, heading, raw.member, units))
    if block.rows == "samples":
        _as_samples(raw, heading, fields, rows)
        return
    raw.rows.setdefault(block.name, []).extend(rows)
    raw.notes.rows_read += len(rows) if block.rows in COUNTED else 0


def _owner(path: str) -> str:
    """Return the element that carries an attribute."""
    return path.rpartition("@")[0].rstrip("/") if "@" in path else path


def _as_samples(raw: Raw, heading: Heading, fields: tuple[Field, ...], rows: list[Row]) -> None:
    """Hand rows of samples on as lines, so that they are read as columns like all others."""
    text = "".join(
        "\x1f".join(row.text(one.name).replace("\n", " ") for one in fields) + "\n" for row in rows
    )
    made = split_lines(text.encode(), "utf-8", raw.member)
    numbers = np.array([row.line for row in rows], np.int64)
    lines = Lines(raw.member, made.padded, made.start, made.end, torn=False, codec="utf-8", numbers=numbers)
    if rows:
        raw.samples.append(SampleLines(lines, np.arange(len(rows)), heading))


def _tell_unknown(raw: Raw, layout: Layout, node: Node, known: set[str]) -> None:
    """Note every element and attribute that nobody reads, each once."""
    ignored = {_join(block.path, path) for block in layout.blocks for path in block.ignore}
    whole = known | ignored
    told: set[str] = set()
    stack = [(node, "")]
    while stack:
        element, path = stack.pop()
        here = [_join(path, f"@{name}") for name in element.attributes]
        if path and element.text.strip():
            here.append(path)
        for one in here:
            if one not in whole and one not in told:
                told.add(one)
                raw.notes.find("unknown_key", element.line, Severity.INFO, about="xml", key=printed(one)[:80])
        if path not in ignored:
            stack += [(child, _join(path, child.name)) for child in reversed(element.children)]
