"""The limits of the ways in: a folder of 100,000 files, and a nurse's upload beside 500 connections that hang."""

from __future__ import annotations

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from click.testing import CliRunner

from ingestor.ways.watch.scan import print_of, scan
from simulators.command import simulate
from tests.benchmarks.bench_uploads import serving

FILES, HANGING, NURSES = 100_000, 500, 20
ROOT = Path(__file__).parents[2]


def main() -> None:
    """Print one table a limit."""
    with tempfile.TemporaryDirectory() as folder:
        _folder(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _hanging(Path(folder))


def _folder(root: Path) -> None:
    inbox = root / "inbox"
    inbox.mkdir()
    for number in range(FILES):
        (inbox / f"TC_AM-0007_{number:06d}.txt").write_bytes(b"%d" % number)
    path = os.fsencode(inbox)
    known = {p: print_of(s) for p, s in scan(path, {}).fresh.items()}
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert scan(path, known).files == FILES
        times.append(time.perf_counter() - began)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from ingestor.config import Settings; from ingestor.flow.house import open_house\n"
        "from ingestor.ways.watch.folder import Folder, Habits\n"
        "with open_house(Settings(data_dir=Path(sys.argv[2]))) as house:\n"
        "    folder = Folder(house, os.fsencode(sys.argv[1]), Habits(quiet=1000))\n"
        "    assert [folder.look().left for _ in range(3)] == [100_000] * 3\n"
        "    print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(inbox), str(root / "data")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    print(
        f"a scan of {FILES} files: median {statistics.median(times):.2f} s, best {min(times):.2f} s; watcher {int(done.stdout) >> 10} MB"
    )


def _hanging(root: Path) -> None:
    words = [
        "twin-column-report",
        "--seed",
        "21",
        "--sessions",
        str(2 * NURSES),
        "--hours",
        "1",
        "--out",
        str(root / "x"),
    ]
    assert CliRunner().invoke(simulate, words).exit_code == 0
    files = [p.read_bytes() for p in sorted((root / "x").iterdir()) if p.name != "truth.json"]
    with serving(root / "data") as (port, token, server), ExitStack() as many:
        _upload(port, token, files[0])
        alone = sorted(_upload(port, token, data) for data in files[1:NURSES])
        before = server.memory_info().rss
        for number in range(HANGING):
            line = many.enter_context(socket.create_connection(("127.0.0.1", port)))
            head = f"POST /v1/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 20000\r\n"
            line.sendall((head + ("\r\nhalf a body" if number % 2 else "X-Slow: ")).encode())
        beside = sorted(_upload(port, token, data) for data in files[NURSES:])
        grown = server.memory_info().rss - before
    print(f"{'uploads':<28}{'median ms':>11}{'slowest ms':>12}")
    for name, times in (("alone", alone), (f"beside {HANGING} that hang", beside)):
        print(f"{name:<28}{statistics.median(times) * 1e3:>11.0f}{times[-1] * 1e3:>12.0f}")
    print(f"memory of the service grew by {grown / 1e6:.0f} MB")


def _upload(port: int, token: str, data: bytes) -> float:
    """Hand a whole export in and wait until it is understood, as a nurse does."""
    began = time.perf_counter()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("POST", "/v1/imports", data, {"Authorization": f"Bearer {token}", "X-Filename": "a.txt"})
    answer = line.getresponse()
    answer.read()
    line.close()
    assert answer.status == 201, answer.status
    return time.perf_counter() - began
