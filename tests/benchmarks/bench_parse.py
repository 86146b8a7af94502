"""Bytes to arrays, rows validated and line numbers kept, beside a scan of the same bytes in C.

The scan looks at every byte once, splits lines and fields and adds up digits. It validates nothing and keeps nothing:
it is what no reader can be faster than.
"""

from __future__ import annotations

import ctypes
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from ingestor.driver import Bundle, Member
from ingestor.isolate import find_drivers
from simulators.command import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

_SCAN = r"""
#include <stddef.h>
long scan(const unsigned char *p, size_t n) {
    long fields = 0, lines = 0, sum = 0, value = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = p[i];
        if (c >= '0' && c <= '9') value = value * 10 + (c - '0');
        else if (c == ';' || c == ',' || c == '\t' || c == '|') { fields++; sum += value; value = 0; }
        else if (c == '\n' || c == '\r') { lines++; sum += value; value = 0; }
    }
    return sum + fields + lines;
}
"""
LAYOUTS = (
    ("twin-column-report", "1"), ("twin-column-journal", "1"), ("twin-column-serial", "0.1"),
    ("single-column-table", "1"), ("separator-record", "0.016666667"), ("session-sheet", "0.016666667"),
    ("prismaflex", "0.016666667"), ("hl7-pcd", "0.016666667"),
)  # fmt: skip


def main() -> None:
    """Print one row a layout."""
    drivers = {d.name: d for d in find_drivers(None)[0]}
    with tempfile.TemporaryDirectory() as folder:
        scan = _compiled(Path(folder))
        if scan is None:
            print("no C compiler here: nothing to compare with")
            return
        print(f"{'layout':<22}{'kB':>8}{'parse ms':>10}{'MB/s':>8}{'scan MB/s':>11}{'times the scan':>16}")
        for name, hz in LAYOUTS:
            bundle = _bundle(name, hz, Path(folder) / name)
            size = sum(len(m.data) for m in bundle.members)
            parse = _median(lambda b=bundle, d=drivers[name]: list(d.parse(b)))
            bound = _median(lambda b=bundle: [scan(m.data, len(m.data)) for m in b.members])
            print(
                f"{name:<22}{size / 1e3:>8.0f}{parse * 1e3:>10.1f}{size / parse / 1e6:>8.1f}"
                f"{size / bound / 1e6:>11.0f}{parse / bound:>16.1f}"
            )


def _compiled(folder: Path) -> Callable[[bytes, int], int] | None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    (folder / "scan.c").write_text(_SCAN)
    library = folder / "scan.so"
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(folder / "scan.c")], check=True
    )
    scan = ctypes.CDLL(str(library)).scan
    scan.argtypes, scan.restype = (ctypes.c_char_p, ctypes.c_size_t), ctypes.c_long
    return scan


def _bundle(name: str, hz: str, folder: Path) -> Bundle:
    done = CliRunner().invoke(
        simulate, [name, "--seed", "5", "--hours", "4", "--hz", hz, "--out", str(folder)]
    )
    assert done.exit_code == 0, done.output
    files = sorted(p for p in folder.iterdir() if p.name != "truth.json")
    return Bundle(tuple(Member(p.name, p.read_bytes()) for p in files))


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(9):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
