"""What one press of a machine's export button gives, and how it is written beside its truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from simulators import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from simulators.page import Page
    from simulators.truth import SessionTruth

Members = dict[str, bytes]


def _as_they_are(members: Members) -> Members:
    return members


@dataclass(frozen=True)
class Export:
    """One export before it is damaged on its way.

    Attributes:
        pages: its texts.
        sessions: one truth a treatment.
        others: members that are no text.
        pack: puts the members into what lies on the medium (an archive, a workbook).
        unpack: what can still be read of the members when the medium is damaged.
    """

    layout: str
    pages: tuple[Page, ...]
    sessions: tuple[SessionTruth, ...]
    others: Members = field(default_factory=dict)
    pack: Callable[[Members], Members] = _as_they_are
    unpack: Callable[[Members], Members] = _as_they_are

    def members(self) -> Members:
        """File name to bytes, as they lie on the medium."""
        return self.pack({**{p.name: p.content() for p in self.pages}, **self.others})


@dataclass(frozen=True)
class Written:
    """An export on its medium: bytes, the truth that can be found in them, and the folder it goes into."""

    members: Members
    sessions: tuple[SessionTruth, ...]
    under: str = ""


class TruthFile:
    """`truth.json`, written session by session so that a registry fits into little memory."""

    def __init__(self, path: Path, layout: str, seed: int, faults: Iterable[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        known = {"layout": layout, "seed": seed, "version": VERSION, "faults": list(faults)}
        head = json.dumps(known, ensure_ascii=False)
        self._file.write(head[:-1] + ', "sessions": [')
        self._count = 0

    def add(self, session: SessionTruth) -> None:
        """Write one more session."""
        self._file.write(("," if self._count else "") + "\n" + json.dumps(session, ensure_ascii=False))
        self._count += 1

    def close(self) -> None:
        """Finish the document, whatever has been written so far."""
        self._file.write("\n]}\n")
        self._file.close()


@dataclass
class Folder:
    """A folder that exports are written into, with one `truth.json` that is whole whenever the work ends.

    Use it as a context: what was written before an error or an interruption keeps its truth.
    """

    out: Path
    layout: str
    seed: int
    faults: tuple[str, ...] = ()
    keep_names: bool = True
    files: list[str] = field(default_factory=list)
    count: int = 0
    bytes: int = 0
    sessions: int = 0

    def __enter__(self) -> Self:
        self._truth = TruthFile(self.out / "truth.json", self.layout, self.seed, self.faults)
        return self

    def __exit__(self, *_: object) -> None:
        self._truth.close()

    def add(self, written: Written, under: str = "") -> None:
        """Write one export's members and its truths."""
        under = "/".join(part for part in (under, written.under) if part)
        place = self.out / under if under else self.out
        place.mkdir(parents=True, exist_ok=True)
        names = [f"{under}/{name}" if under else name for name in written.members]
        for name, content in written.members.items():
            (place / name).write_bytes(content)
            self.bytes += len(content)
        for session in written.sessions:
            self._truth.add({**session, "files": names})
        self.count += len(names)
        self.sessions += len(written.sessions)
        if self.keep_names:
            self.files += names

    @property
    def summary(self) -> dict[str, Any]:
        """What was written: layout, seed, folder, files, bytes, sessions, path of the truth."""
        return {
            "layout": self.layout,
            "seed": self.seed,
            "out": str(self.out),
            "files": self.files if self.keep_names else self.count,
            "bytes": self.bytes,
            "sessions": self.sessions,
            "truth": str(self.out / "truth.json"),
        }
