"""What one press of a machine's export button gives: named members, and the truth about them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from simulators.truth import SessionTruth


@dataclass(frozen=True)
class Export:
    """One export.

    Attributes:
        layout: name of the layout.
        members: file name to bytes; most layouts have one.
        sessions: one truth a treatment.
        faults: names of what was done to it.
    """

    layout: str
    members: dict[str, bytes]
    sessions: tuple[SessionTruth, ...]
    faults: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    def with_members(self, members: dict[str, bytes], fault: str) -> Export:
        """The same treatment with damaged bytes."""
        return replace(self, members=members, faults=(*self.faults, fault))


def write_exports(
    exports: Iterable[Export], out: Path, layout: str, seed: int, faults: Iterable[str]
) -> dict[str, Any]:
    """Write the members and one `truth.json` that lists every session in order of writing.

    Returns:
        what was written: folder, files, bytes, sessions, path of the truth.
    """
    out.mkdir(parents=True, exist_ok=True)
    files: list[str] = []
    size = 0
    sessions: list[SessionTruth] = []
    for export in exports:
        for name, content in export.members.items():
            (out / name).write_bytes(content)
            size += len(content)
        files += export.members
        sessions += [{**s, "files": list(export.members), **export.notes} for s in export.sessions]
    truth = {"layout": layout, "seed": seed, "faults": list(faults), "sessions": sessions}
    path = out / "truth.json"
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {
        "layout": layout,
        "seed": seed,
        "out": str(out),
        "files": files,
        "bytes": size,
        "sessions": len(sessions),
        "truth": str(path),
    }
