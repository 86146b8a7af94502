"""XML as a small tree with line numbers: no DTD, no entities, limits on depth and number, cut files kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError as NotWellFormed

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ingestor.driver import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 64
MOST_ELEMENTS = 500_000
_CHUNK = 1 << 16
_LINE = 256


@dataclass(slots=True)
class Node:
    """One element; names are without their namespace.

    Attributes:
        closed: its end tag was read; the text of an element that was cut is never used.
    """

    name: str
    namespace: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    closed: bool = False
    children: list[Node] = field(default_factory=list)

    def at(self, path: str) -> Iterator[Node]:
        """Yield the elements on a path such as `Totals/plasma`; `.` and the empty path are this one."""
        if path in {"", "."}:
            yield self
            return
        first, _, rest = path.partition("/")
        for child in self.children:
            if child.name == first:
                yield from child.at(rest)

    def value(self, path: str) -> tuple[str, Node] | None:
        """Return the text of an element or attribute (`A/@b`) and its element, None where there is none."""
        inner, marked, attribute = path.rpartition("@")
        for node in self.at(inner.rstrip("/") if marked else path):
            if marked and attribute in node.attributes:
                return node.attributes[attribute], node
            if not marked and node.closed:
                return node.text.strip(), node
        return None


class _Builder:
    """Receives events of the parser."""

    def __init__(self, member: str) -> None:
        self.member, self.parser, self.count = member, None, 0
        self.root: Node | None = None
        self.open: list[Node] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        line = self._line()
        if len(self.open) >= DEEPEST or self.count > MOST_ELEMENTS:
            wanted = f"at most {MOST_ELEMENTS} elements, {DEEPEST} deep"
            raise ParseError(self.member, line, wanted, "more", "xml_limit")
        name, namespace = _apart(tag)
        node = Node(name, namespace, {_apart(key)[0]: value for key, value in attributes.items()}, line)
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node
        self.open.append(node)

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self.open.pop().closed = True

    def data(self, text: str) -> None:
        if self.open:
            self.open[-1].text += text

    def close(self) -> None:
        """Satisfy the parser."""

    def _line(self) -> int:
        inner: Any = getattr(self.parser, "parser", None)
        return int(inner.CurrentLineNumber) if inner is not None else 0


def _apart(tag: str) -> tuple[str, str]:
    namespace, found, name = tag.rpartition("}")
    return (name, namespace.removeprefix("{")) if found else (tag, "")


def read_tree(data: bytes, member: str, *, only_root: bool = False) -> tuple[Node | None, bool]:
    """Return the root element and whether the document is whole.

    Args:
        data: the bytes; their own declaration says how they are encoded.
        member: for errors.
        only_root: stop at the first element.

    Raises:
        ParseError: `xml_malformed`, `xml_forbidden` or `xml_limit`; never for a document that only ends early.
    """
    builder = _Builder(member)
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    builder.parser = parser
    try:
        step = _LINE if only_root else _CHUNK
        for at in range(0, len(data), step):
            parser.feed(data[at : at + step])
            if only_root and builder.root is not None:
                return builder.root, False
    except NotWellFormed as error:
        if only_root and builder.root is not None:
            return builder.root, False
        line = error.position[0]
        raise ParseError(member, line, "well-formed XML", str(error), "xml_malformed") from error
    except DefusedXmlException as error:
        raise ParseError(member, builder._line(), "XML without a DTD", str(error), "xml_forbidden") from error  # noqa: SLF001
    except (LookupError, ValueError) as error:
        raise ParseError(member, 1, "a known encoding", str(error), "undecodable") from error
    try:
        parser.close()
    except NotWellFormed:
        return builder.root, False
    return builder.root, builder.root is not None and builder.root.closed
