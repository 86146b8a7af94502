"""A draft profile from an XML record: attributes and elements by path."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from drivers import teach_words as words
from drivers.teach_draft import head
from drivers.teach_remarks import quoted
from drivers.teach_structure import format_of, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from drivers.teach_remarks import Remarks

# Attributes that say only whose they are.
_OF_OWNER = frozenset({"id", "no", "nr", "number", "value", "name"})
_MOST_ELEMENTS = 20_000


def xml_draft(data: bytes, name: str, file: str, marks: Remarks) -> str | None:
    """Return a draft of an XML layout, None where the bytes are no XML that may be read."""
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError):
        return None
    paths = list(_walk(root, ""))
    counts = Counter(path for path, _ in paths)
    values = [v for path, element in paths if counts[path] == 1 for v in _values(path, element)]
    stamps = sorted(
        {f for _, value in values if (f := format_of([value])) is not None and not is_number(value)}
    )
    lines = [
        *head(name, file, marks), "", "[file]", 'form = "xml"',
        f"stamps = [{', '.join(map(quoted, stamps or ['yyyy-mm-ddTHH:MM:SSzz']))}]{marks.guess()}", "",
        *_begin(root, marks), "[end]", "document = true", "",
        *_once(values, paths, counts, marks), *_repeated(paths, counts, marks),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _local(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]


def _walk(element: Element, path: str) -> Iterator[tuple[str, Element]]:
    """Yield every element with its path below the root, which has the empty path."""
    stack = [(path, element)]
    seen = 0
    while stack and seen < _MOST_ELEMENTS:
        here, one = stack.pop()
        seen += 1
        yield here, one
        below = [
            (f"{here}/{_local(child.tag)}".lstrip("/"), child) for child in one if isinstance(child.tag, str)
        ]
        stack += reversed(below)


def _values(path: str, element: Element) -> Iterator[tuple[str, str]]:
    """Yield the paths and values of attributes, and of the text of an element without children."""
    for key, value in element.attrib.items():
        yield f"{path}/@{_local(key)}".lstrip("/"), value
    if not len(element) and (element.text or "").strip():
        yield path, (element.text or "").strip()


def _begin(root: Element, marks: Remarks) -> Iterator[str]:
    yield "[begin]"
    yield f"element = {quoted(_local(root.tag))}"
    space = str(root.tag)[1:].split("}")[0] if str(root.tag).startswith("{") else ""
    version = re.search(r"\d+(?:\.\d+)*$", space)
    if space:
        shown = space[: version.start()] + "{version}" if version else space
        yield f"namespace = {quoted(shown)}{marks.guess()}"
    yield ""
    if version:
        yield from (f"[version.{quoted(version[0])}]", "")


def _once(
    values: list[tuple[str, str]], paths: list[tuple[str, Element]], counts: Counter[str], marks: Remarks
) -> Iterator[str]:
    """Yield header and sums: what stands once."""
    sums = [
        (path, element) for path, element in paths
        if counts[path] == 1 and not len(element) and "/" in path and words.guess(_local(element.tag), words.SUMS)
        and is_number((element.text or "").strip())
    ]  # fmt: skip
    summed = {path for path, _ in sums}
    found: list[str] = []
    yield "[block.header]"
    for path, _ in values:
        owner, _, attribute = path.rpartition("@")
        if owner.rstrip("/") in summed or path in summed:
            continue
        name = "run_id" if path == "@id" else words.guess(attribute or path.rsplit("/", 1)[-1], words.HEADER)
        if name is None and attribute in _OF_OWNER:
            name = words.guess(owner.strip("/").rsplit("/", 1)[-1], words.HEADER)
        if name is None or name in found:
            yield f"# {quoted(path)}: {marks.leave(path)}"
            continue
        found.append(name)
        yield f"{name} = {quoted(path)}{marks.guess()}"
    yield ""
    parents = Counter(path.rpartition("/")[0] for path, _ in sums)
    for parent in parents:
        yield "[block.totals]"
        yield f"element = {quoted(parent)}"
        for path, element in sums:
            name = words.guess(_local(element.tag), words.SUMS)
            if path.rpartition("/")[0] == parent and name is not None and name not in found:
                found.append(name)
                unit = "@unit" if "unit" in element.attrib else words.guess_unit("", name)[0]
                yield f"{name} = {{ word = {quoted(_local(element.tag))}, unit = {quoted(unit)} }}{marks.guess()}"
        yield ""
        break


def _repeated(paths: list[tuple[str, Element]], counts: Counter[str], marks: Remarks) -> Iterator[str]:
    """Yield alarms and samples: elements that come again and again with a time."""
    first = dict(reversed(paths))
    taken: set[str] = set()
    for path, count in counts.items():
        keys = [_local(key) for key in first[path].attrib]
        named = {key: words.guess(key, words.ALARMS) for key in keys}
        kind = "alarms" if "code" in named.values() else "samples"
        if (count < 2 and kind == "samples") or "time" not in named.values() or kind in taken:  # noqa: PLR2004
            continue
        taken.add(kind)
        known = words.TABLES[kind]
        yield f"[block.{kind}]"
        yield f"element = {quoted(path)}{marks.guess()}"
        for key in keys:
            name = words.guess(key, known)
            if name is None:
                yield f"# {quoted('@' + key)}: {marks.leave(key)}"
            elif (kind, name) == ("alarms", "state"):
                yield _state(key, [e.get(key, "") for p, e in paths if p == path], marks)
            elif words.needs_unit(name):
                unit = words.guess_unit(key, name)[0]
                yield f"{name} = {{ word = {quoted('@' + key)}, unit = {quoted(unit)} }}{marks.guess()}"
            else:
                yield f"{name} = {quoted('@' + key)}{marks.guess()}"
        yield ""


def _state(key: str, printed: list[str], marks: Remarks) -> str:
    groups: dict[str, list[str]] = {}
    for word in dict.fromkeys(filter(None, printed)):
        if meant := words.guess_value("alarm_state", word):
            groups.setdefault(meant, []).append(word)
    values = ", ".join(f"{meant} = [{', '.join(map(quoted, said))}]" for meant, said in groups.items())
    return f"state = {{ word = {quoted('@' + key)}, values = {{ {values} }} }}{marks.guess()}"
