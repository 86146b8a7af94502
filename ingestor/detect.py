"""Which one claim stands, and which files belong together. Pure: claims and keys are handed in."""

from __future__ import annotations

import codecs
import fnmatch
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ingestor.errors import Refused
from ingestor.phrases import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingestor.driver import BundleKey, Claim
    from ingestor.model import DriverStamp

# What operating systems and editors leave beside exports, and what our simulators write for tests.
_JUNK = (
    ".ds_store", "thumbs.db", "desktop.ini", "._*", "~$*", ".~lock*", ".smb*", ".nfs*", "@eadir", "__macosx",
    "truth.json",
)  # fmt: skip

# Source: the formats' own specifications, first bytes.
_MAGIC = (
    (b"%PDF-", "PDF"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"BM", "BMP"), (b"PK\x03\x04", "ZIP"), (b"PK\x05\x06", "ZIP"),
    (b"\x1f\x8b", "GZIP"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "RAR"), (b"BZh", "BZIP2"),
    (b"\xfd7zXZ\0", "XZ"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office 97–2003"),
    (b"{\\rtf", "RTF"), (b"SQLite format 3\0", "SQLite"), (b"MZ", "Windows EXE"), (b"\x7fELF", "ELF"),
)  # fmt: skip
_OFFICE = ((b"word/", "Word"), (b"xl/", "XLSX"), (b"ppt/", "PowerPoint"), (b"opendocument", "OpenDocument"))
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What one driver said to *is it yours*."""

    driver: DriverStamp
    claim: Claim


def the_one(answers: Sequence[Answer], kind: str) -> Answer:
    """Return the answer that stands.

    Args:
        answers: of every driver.
        kind: what the bytes look like, see `kind_of`; for the message.

    Raises:
        Refused: `ambiguous_format` if several claim it; the code of the only near miss that has one, such
            as `unknown_version`; else `not_recognised`, with everything that came close.
    """
    mine = [a for a in answers if a.claim.claims]
    if len(mine) == 1:
        return mine[0]
    if mine:
        names = sorted(a.driver.name for a in mine)
        raise Refused("ambiguous_format", drivers=", ".join(names))
    near = [a for a in answers if a.claim.near_misses]
    told = "; ".join(f"{a.driver.name}: {', '.join(a.claim.near_misses)}" for a in near)
    codes = {a.claim.code for a in near if a.claim.code in catalogue()}
    code = codes.pop() if len(codes) == 1 else None
    if code is not None:
        raise Refused(code, near=told, kind=kind)
    raise Refused("nearly_recognised" if near else "not_recognised", near=told, kind=kind)


def kind_of(data: bytes) -> str:
    """Return a word for what bytes look like: `PDF`, `PNG`, `XML`, `Text`, `binary`..."""
    head = data[:_HEAD]
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return _office(head) if kind == "ZIP" else kind
    if head[257:262] == b"ustar":
        return "TAR"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "Text"
    plain = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if plain.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if plain.startswith(b"<"):
        return "XML"
    return "binary" if b"\0" in head else "Text"


def _office(head: bytes) -> str:
    return next((kind for mark, kind in _OFFICE if mark in head), "ZIP")


def is_junk(name: str) -> bool:
    """Say whether a file or folder of this name never holds an export; for names with or without folders."""
    parts = [part.lower() for part in PurePosixPath(name).parts]
    return any(fnmatch.fnmatchcase(part, pattern) for part in parts for pattern in _JUNK)


def group(names: Sequence[str], keys: Mapping[str, Mapping[str, BundleKey]]) -> list[tuple[str, ...]]:
    """Join names into bundles; a name alone is a bundle too.

    Only companions that are all here, side by side in one folder, are joined: whether a lone file waits for
    another is decided by the driver that recognises its content, not by its name.

    Args:
        names: with `/` where they stand in folders.
        keys: for each name, driver name -> its key; see `Driver.bundle_key`.

    Returns:
        Groups in the order of their first names; inside a group, in the order of the parts.
    """
    families: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    order: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for name in names:
        for driver, key in keys.get(name, {}).items():
            family = (str(PurePosixPath(name).parent), driver, key.stem)
            families.setdefault(family, {}).setdefault(key.part, []).append(name)
            order[family] = key.parts
    joined: dict[str, tuple[str, ...]] = {}
    for family in sorted(families, key=lambda f: (-len(families[f]), f)):
        parts = families[family]
        bundle = tuple(parts[part][0] for part in order[family] if part in parts)
        alone = any(len(same) > 1 for same in parts.values())
        if len(bundle) > 1 and not alone and joined.keys().isdisjoint(bundle):
            joined |= dict.fromkeys(bundle, bundle)
    return list(dict.fromkeys(joined.get(name, (name,)) for name in names))


def missing_parts(keys: Sequence[BundleKey | None]) -> tuple[str, ...]:
    """Return which parts of its bundle a driver still waits for, given the keys of all members it has."""
    known = [key for key in keys if key is not None]
    if not known:
        return ()
    here = {key.part for key in known}
    return tuple(part for part in known[0].parts if part not in here)
