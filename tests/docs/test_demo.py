"""The demo is the front door: it answers, and it leaves nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_answers_shows_its_logins_and_is_gone_on_exit(tmp_path: Path):
    demo = subprocess.Popen(
        [sys.executable, "-m", "ingestor", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}, cwd=tmp_path,
    )  # fmt: skip
    assert demo.stdout
    assert demo.stderr
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    text = "".join(lines)
    assert text, demo.stderr.read()
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", text)
        assert address
        assert urllib.request.urlopen(f"{address[0]}health", timeout=5).status == 200
        for role in ("nurse", "analyst", "steward", "admin"):
            assert f"({role})" in text
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    assert list(tmp_path.iterdir()) == []
