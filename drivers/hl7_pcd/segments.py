"""Segments, fields and components of HL7 version 2.

Source: HL7 Messaging Standard 2.6, chapter 2: delimiters in MSH-1 and MSH-2, escape sequences, null `""`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

HEADERS = frozenset({"MSH", "FHS", "BHS"})
TRAILERS = frozenset({"BTS", "FTS"})
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The signs of one message, as its own header declares them."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    part: str = "&"


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of a message; fields count from 1 as in the standard, so that MSH-1 is the field sign."""

    name: str
    line: int
    fields: tuple[str, ...]
    signs: Delimiters

    def repetitions(self, number: int) -> tuple[tuple[str, ...], ...]:
        """Return every repetition of a field as its components; empty ones are left out."""
        return _parts(self.fields[number - 1], self.signs) if 0 < number <= len(self.fields) else ()

    def components(self, number: int) -> tuple[str, ...]:
        """Return the components of the first repetition of a field."""
        found = self.repetitions(number)
        return found[0] if found else ()

    def text(self, number: int, component: int = 1) -> str:
        """Return one component, empty where there is none."""
        found = self.components(number)
        return found[component - 1] if component <= len(found) else ""


@lru_cache(maxsize=8192)
def _parts(raw: str, signs: Delimiters) -> tuple[tuple[str, ...], ...]:
    """Return the repetitions of a field as components; reports repeat most of their fields, so these are shared."""
    split = (one.split(signs.component) for one in raw.split(signs.repetition) if one)
    return tuple(tuple(_plain(component, signs) for component in components) for components in split)


def _plain(text: str, signs: Delimiters) -> str:
    text = text.strip()
    if text == '""':
        return ""
    if signs.escape not in text:
        return text
    mark = re.escape(signs.escape)
    known = {
        "F": signs.field, "S": signs.component, "R": signs.repetition, "E": signs.escape, "T": signs.part,
    }  # fmt: skip

    def unescaped(match: re.Match[str]) -> str:
        code = match[1]
        if code in known:
            return known[code]
        if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", code):
            return bytes.fromhex(code[1:]).decode("latin-1")
        return match[0]

    return re.sub(rf"{mark}([^{mark}\s]{{1,20}}){mark}", unescaped, text)


def name_of(line: str, field: str = "|") -> str:
    """Return the name of the segment that a line is, or an empty text; a space before the sign is forgiven."""
    name = line[:3] if line[:3] in HEADERS else line.split(field, 1)[0].strip()
    return name if _NAME.fullmatch(name) else ""


def delimiters_of(header: str) -> Delimiters | None:
    """Return the signs that a header line declares, or None where it declares none."""
    signs = header[3:].lstrip(" ")[:5]
    if len(set(signs)) != 5 or any(sign.isalnum() or sign.isspace() for sign in signs):  # noqa: PLR2004 - five signs
        return None
    return Delimiters(*signs)


def segment(line: str, number: int, signs: Delimiters) -> Segment:
    """Return a line as a segment."""
    head, *fields = line.split(signs.field)
    name = head.strip()
    return Segment(name, number, (signs.field, *fields) if name in HEADERS else tuple(fields), signs)
