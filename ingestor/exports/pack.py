"""The evidence pack: one session with its dose, the lines it was read from and the originals, in one file.

Whoever gets it can check every number without this program: `LIESMICH.txt` and `README.txt` say how. The same
session in the same state gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from typing import IO, TYPE_CHECKING, Any

from ingestor.exports.pack_page import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ingestor.store.answers.evidence import SourceFacts

# The oldest moment that the format knows: files of a pack carry no time of their own.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_PAGES = (("README.txt", "en"), ("LIESMICH.txt", "de"))


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a pack.

    Attributes:
        session: from `ingestor.exports.session.document`.
        evidence: from `ingestor.exports.evidence.document`.
        sources: whose members are added as they came.
        read: gives the bytes of an archived member, None if they cannot be had; None as a whole leaves the
            originals out, for readers who may not know who the patient is.
    """

    session: Mapping[str, Any]
    evidence: Mapping[str, Any]
    sources: Sequence[SourceFacts]
    read: Callable[[str], bytes | None] | None


def write(contents: Contents, sink: IO[bytes]) -> None:
    """Write the pack to an open file."""
    sums = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in _files(contents):
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
            pack.writestr(_entry(name), data)
        pack.writestr(_entry("SHA256SUMS"), "".join(sums))


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o444 << 16
    return entry


def _files(contents: Contents) -> Iterator[tuple[str, bytes]]:
    has_originals, made_by = contents.read is not None, version("apherelog")
    for name, language in _PAGES:
        text = page(contents.session, contents.evidence, language, made_by, originals=has_originals)
        yield name, text.encode()
    yield "session.json", _json(contents.session)
    yield "evidence.json", _json(contents.evidence)
    if contents.read is not None:
        for member in {m.sha256: m for s in contents.sources for m in s.members}.values():
            data = contents.read(member.sha256)
            if data is not None:
                yield f"originals/{member.sha256}", data


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()
