"""Parsing beside a scan of the same bytes in C, in one run; only the ratio counts, machines differ.

The scan is the least that reading such text can be: one pass that finds lines and fields, and turns each field of
digits, sign and decimal sign into an integer. It is compiled with `gcc -O2` where gcc is there; else it is a pass of
numpy over the bytes that finds lines and fields, and reads nothing. Parsing is bytes to arrays: rows validated, values
exact, line numbers kept, phases, alarms and sums as objects, the end checked. Times are of the CPU, the best of many,
in the environment of the limited child in which drivers run; the small files of a layout stand beside large ones,
because what a file costs before its first row weighs most in the smallest.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from click.testing import CliRunner

from ingestor.driver import Bundle, Member
from ingestor.isolate.child import ALONE
from ingestor.isolate.found import find_drivers
from simulators.command import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

SCAN = r"""
#include <stddef.h>
#include <stdint.h>
int64_t scan(const unsigned char *p, size_t n, unsigned char sign, unsigned char decimal) {
    int64_t lines = 0, cells = 0, numbers = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t value = 0;
        int digits = 0, good = 1, minus = 0, seen = 0;
        if (p[i] == '-') { minus = 1; i++; }
        for (; i < n && p[i] != sign && p[i] != '\n'; i++) {
            if (p[i] >= '0' && p[i] <= '9') { value = value * 10 + (p[i] - '0'); digits++; }
            else if (p[i] == decimal && !seen) seen = 1;
            else if (p[i] != '\r') good = 0;
        }
        cells++;
        if (good && digits) { numbers++; total += minus ? -value : value; }
        if (i < n && p[i] == '\n') lines++;
    }
    return lines + cells + numbers + total;
}
"""
SECONDS_EACH, FEWEST = 2.0, 12
# Layout, arguments of the simulator, delimiter, decimal sign, how many times the scan it may take.
ROWS = (
    ("twin-column-report", ("--hours", "4", "--hz", "1"), ";", ",", 7),
    ("twin-column-report", ("--hours", "4", "--hz", "10"), ";", ",", 7),
    ("twin-column-report, 20 channels", ("--hours", "4", "--hz", "1"), ";", ",", 7),
    ("twin-column-journal", ("--hours", "4", "--hz", "1"), "\t", ".", 30),
    ("single-column-table", ("--hours", "4", "--hz", "1"), ",", ".", 30),
    ("twin-column-serial", ("--hours", "4", "--hz", "1"), "|", ".", 30),
    ("session-sheet, 100 rows", ("--sessions", "1", "--per-file", "100"), ";", ",", 30),
    ("session-sheet, 2000 rows", ("--sessions", "1", "--per-file", "2000"), ";", ",", 30),
    ("separator-record, 4 h", ("--hours", "4"), '"', ".", 30),
    ("separator-record, 96 h", ("--hours", "96"), '"', ".", 30),
)


def main() -> None:
    """Print one row a layout."""
    if not ALONE.items() <= os.environ.items():
        command = [sys.executable, "-m", "tests.benchmarks.bench_parse"]
        subprocess.run(command, check=True, env=os.environ | ALONE)
        return
    with tempfile.TemporaryDirectory() as folder:
        scan, how = _scanner(Path(folder))
        print(f"scan: {how}")
        print(f"{'layout':<34}{'kB':>7}{'scan ms':>9}{'parse ms':>10}{'MB/s':>7}{'ratio':>8}{'bound':>7}")
        for at, (name, arguments, sign, decimal, bound) in enumerate(ROWS):
            bundle = _bundle(name, arguments, Path(folder) / str(at))
            _row(name, bundle, lambda data, s=sign, d=decimal: scan(data, ord(s), ord(d)), bound)


def _row(name: str, bundle: Bundle, scan: Callable[[bytes], object], bound: int) -> None:
    drivers = {driver.name: driver for driver in find_drivers(None)[0]}
    driver = drivers[name.split(",", maxsplit=1)[0]]
    data = b"".join(member.data for member in bundle.members)
    list(driver.parse(bundle))
    scans, parses = [], []
    end = time.monotonic() + SECONDS_EACH
    while len(parses) < FEWEST or time.monotonic() < end:
        scans.append(_cpu(lambda: scan(data)))
        parses.append(_cpu(lambda: list(driver.parse(bundle))))
    best, parse = min(scans), min(parses)
    speed = len(data) / parse / 1e6
    print(
        f"{name:<34}{len(data) / 1000:>7.0f}{best * 1000:>9.2f}{parse * 1000:>10.2f}{speed:>7.0f}"
        f"{parse / best:>8.1f}{bound:>7}"
    )


def _cpu(work: Callable[[], object]) -> float:
    begun = time.process_time_ns()
    work()
    return (time.process_time_ns() - begun) / 1e9


def _scanner(folder: Path) -> tuple[Callable[[bytes, int, int], object], str]:
    compiler = shutil.which("gcc")
    if compiler is None:
        return _by_numpy, "numpy finds lines and fields (no gcc here), so ratios are not those of a scan in C"
    (folder / "scan.c").write_text(SCAN, "utf-8")
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(folder / "scan.so"), str(folder / "scan.c")]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "scan.so"))
    library.scan.restype = ctypes.c_int64
    library.scan.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_ubyte, ctypes.c_ubyte)
    return lambda data, sign, decimal: library.scan(data, len(data), sign, decimal), "C, gcc -O2"


def _by_numpy(data: bytes, sign: int, decimal: int) -> object:
    del decimal
    window = np.frombuffer(data, np.uint8)
    return np.flatnonzero((window == sign) | (window == ord("\n")))


def _bundle(name: str, arguments: tuple[str, ...], folder: Path) -> Bundle:
    layout = name.split(",", maxsplit=1)[0]
    done = CliRunner().invoke(simulate, [layout, "--seed", "5", *arguments, "--out", str(folder)])
    assert done.exit_code == 0, done.output
    files = sorted(path for path in folder.iterdir() if path.name != "truth.json")
    members = [Member(path.name, path.read_bytes()) for path in files]
    return Bundle((_widened(members[0]),)) if "20 channels" in name else Bundle(tuple(members))


def _widened(member: Member) -> Member:
    """Return a report of a version that may have further columns, with twelve of them."""
    head, rest = member.data.replace(b"#TCR 2.1", b"#TCR 3.1", 1).split(b"[Messwerte]\r\n", 1)
    names, *rows = rest.split(b"\r\n")
    end = rows.index(b"[Summe]")
    further = b"".join(b";X%d" % i for i in range(12))
    wide = [row + b";" + b";".join(row.split(b";")[1:] * 2)[:64].rstrip(b";,-") for row in rows[:end]]
    wide = [b";".join((row.split(b";") + [b"0"] * 21)[:21]) for row in wide]
    return Member(member.name, b"\r\n".join([head + b"[Messwerte]", names + further, *wide, *rows[end:]]))


if __name__ == "__main__":
    main()
