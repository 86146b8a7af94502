"""The demo is the front door: it answers, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from itertools import takewhile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def welcome(output: IO[str]) -> str:
    """Return everything up to the line that ends the welcome."""
    return "".join(takewhile(lambda line: "Ctrl-C" not in line, output))


def test_the_demo_answers_shows_its_logins_and_is_gone_on_exit(tmp_path: Path):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "ingestor", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=tmp_path,
    ) as demo:  # fmt: skip
        assert demo.stdout
        text = welcome(demo.stdout)
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", text)
            assert address, text
            with urllib.request.urlopen(f"{address[0]}health", timeout=5) as answer:
                assert answer.status == 200
            for role in ("nurse", "analyst", "steward", "admin"):
                assert f"({role})" in text
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=30)
    assert demo.returncode == 0
    assert list(tmp_path.iterdir()) == []
