"""What the simulators write, as sums: `python -m tests.simulators.goldens --renew` writes them down anew.

They may change only together with the simulators' version.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators import VERSION
from simulators.archive import ArchiveOrder, write_archive
from simulators.catalogue import LAYOUTS
from tests.simulators import reading
from tests.simulators.making import exports

if TYPE_CHECKING:
    from simulators.export import Members

KEPT = Path(__file__).with_name("goldens.json")
CLINIC = ArchiveOrder(seed=9, years=21, patients=3, sessions=24, trouble=3)
# One fault of each stage: at the bedside, in writing, on the medium, on the way.
FAULTS = {
    "twin-column-report": ("power-failure", "doubled-lines", "flipped-digit", "re-export"),
    "twin-column-journal": ("counter-reset", "dropped-lines", "wrong-checksum", "cut"),
    "twin-column-serial": ("keep-alive-storm", "noise", "lost-bytes", "torn-copy"),
    "single-column-table": ("column-change", "unbelievable", "missing-member"),
    "separator-record": ("dst-autumn", "encoding-swap", "same-again"),
    "session-sheet": ("typed-wrong", "no-patient"),
    "prismaflex": ("second-patient", "no-rows"),
    "hl7-pcd": ("unknown-alarm", "writer-errors", "contradicting-re-export"),
}


def unpacked(members: Members) -> Members:
    """What lies in archives and workbooks: how tightly it is packed is not the simulators' doing."""
    found: Members = {}
    for name, content in members.items():
        inner = {name: content}
        if name.endswith(".LOX"):
            inner = reading.what_is_left(content)
        elif name.endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                inner = {part: book.read(part) for part in book.namelist()}
        found |= {f"{name}/{part}": data for part, data in inner.items()}
    return found


def summed(written: list[tuple[Members, Any]]) -> str:
    """One sum over names, bytes and truths, in order."""
    whole = hashlib.sha256()
    for members, truths in written:
        for name, content in sorted(unpacked(members).items()):
            whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        whole.update(json.dumps(truths, sort_keys=True).encode())
    return whole.hexdigest()


def sums() -> dict[str, str]:
    """Return the sum of every layout in every version and language, of one damaged export each, and of a clinic."""
    found = {}
    for name, layout in LAYOUTS.items():
        for version in layout.versions:
            for language in layout.languages:
                made = exports(name, version=version, language=language, hours=2.0, sessions=2)
                found[f"{name} {version} {language}"] = summed([(w.members, w.sessions) for w in made])
        hurt = exports(name, *FAULTS[name], hours=2.0)
        found[f"{name} damaged"] = summed([(w.members, w.sessions) for w in hurt])
    with tempfile.TemporaryDirectory() as folder:
        write_archive(CLINIC, Path(folder))
        files = {
            str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()
        }
        found["clinic"] = summed([({name: data}, None) for name, data in files.items()])
    return found


def renew() -> None:
    """Write the sums down anew, if the version says that they may differ."""
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {"version": "", "sums": {}}
    now = sums()
    if kept["version"] == VERSION and kept["sums"] != now:
        raise SystemExit("The bytes have changed: count up VERSION in simulators/__init__.py first.")
    KEPT.write_text(json.dumps({"version": VERSION, "sums": now}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--renew" in sys.argv:
        renew()
    else:
        sys.stdout.write(json.dumps(sums()))
