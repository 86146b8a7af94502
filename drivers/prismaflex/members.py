"""Which files are the three members of a treatment: events, pressures and volumes, paired by stem."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers._text import printed
from drivers.prismaflex.tables import read_head
from ingestor.driver import BundleKey, Severity
from ingestor.packed import is_gzip, unpack

if TYPE_CHECKING:
    from drivers._remarks import Remarks
    from ingestor.driver import Bundle

EVENTS, PRESSURES, VOLUMES = "events", "pressures", "volumes"
# By these columns a member is known, whatever else it prints.
MARKS = {
    EVENTS: {"classcod", "typecod"},
    PRESSURES: {"accesspressure", "access"},
    VOLUMES: {"runtime"},
}
_TRIPLE = re.compile(r"(.+)([EPS]\.TXT)", re.IGNORECASE)
_LOOSE = re.compile(r"(.+)(\.PL[EPS])", re.IGNORECASE)
_KINDS = {"E": EVENTS, "P": PRESSURES, "S": VOLUMES}
_PARTS = {_TRIPLE: ("E.TXT", "P.TXT", "S.TXT"), _LOOSE: (".PLE", ".PLP", ".PLS")}


@dataclass(frozen=True, slots=True)
class Part:
    """One of the three members; `whole` False where its end is known to be missing."""

    name: str
    data: bytes
    whole: bool


@dataclass(slots=True)
class Family:
    """The members of one stem; `generation` 5 or 8."""

    stem: str
    generation: int
    parts: dict[str, Part] = field(default_factory=dict)


def key_of(member_name: str) -> BundleKey | None:
    """Return how a file pairs with others; an archive holds all its members and stands alone."""
    name = member_name.replace("\\", "/").rsplit("/", 1)[-1]
    for pattern, parts in _PARTS.items():
        if match := pattern.fullmatch(name):
            return BundleKey(match[1], match[2].upper(), parts)
    return None


def families(bundle: Bundle, remarks: Remarks | None = None) -> list[Family]:
    """Return the treatments of a bundle, each with the members that are there.

    In an archive the ending of a name says what a member is; of a loose file its columns say it.

    Raises:
        ParseError: an archive that is larger than allowed or holds something else than plain files.
    """
    found: dict[tuple[int, str], Family] = {}
    left: list[str] = []
    for name, data, whole, packed in _files(bundle, remarks):
        key = key_of(name)
        if packed:
            kind = _KINDS[key.part[3]] if key is not None and key.part.startswith(".") else None
        else:
            kind = _kind_of(name, data)
        stem = key.stem if key is not None else name
        generation = 8 if packed or (key is not None and key.part.startswith(".")) else 5
        family = found.get((generation, stem.upper()))
        if kind is None or (family is not None and kind in family.parts):
            left.append(name)
            continue
        family = found.setdefault((generation, stem.upper()), Family(stem, generation))
        family.parts[kind] = Part(name, data, whole)
    if left and remarks is not None:
        remarks.add("members_left", 0, Severity.INFO, names=", ".join(left[:20]))
    return list(found.values())


def _kind_of(name: str, data: bytes) -> str | None:
    head = read_head(name, data)
    return None if head is None else next((k for k, mark in MARKS.items() if mark & set(head.columns)), None)


def _files(bundle: Bundle, remarks: Remarks | None) -> list[tuple[str, bytes, bool, bool]]:
    """Return name, content, whether it is whole, and whether it came out of an archive."""
    files: list[tuple[str, bytes, bool, bool]] = []
    for member in bundle.members:
        if not is_gzip(member.data):
            files.append((member.name, member.data, True, False))
            continue
        archive = unpack(member.data, member.name)
        if archive.cut and remarks is not None:
            remarks.add("archive_cut", member=member.name)
        files += [(printed(packed.name), packed.data, packed.whole, True) for packed in archive.members]
    return files
