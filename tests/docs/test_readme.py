"""The README's commands are run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def block(name: str) -> str:
    found = re.search(rf"<!-- executed: {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, name
    return found[1]


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"} | more


def run(script: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    done = run(block("commands"), folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def service(clinic: Path) -> Iterator[dict[str, str]]:
    script = (
        "echo 'a long and lonely sentence' | apherelog --data data users add analysis --role analyst >&2\n"
        "apherelog --data data users token analysis"
    )
    done = run(script, clinic)
    assert done.returncode == 0, done.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [BIN / "apherelog", "--data", "data", "serve", "--port", str(port)],
        cwd=clinic, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/health")
        yield {"URL": url, "TOKEN": done.stdout.strip()}
    finally:
        server.terminate()
        server.wait(15)


def _wait(url: str) -> None:
    for _ in range(150):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the service did not answer")


def test_the_commands_give_a_table_of_three_doses(clinic: Path):
    lines = (clinic / "doses.csv").read_text("utf-8").splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("session_id,patient,course,started_at")


def test_curl_gets_the_same_doses_as_json_csv_and_parquet(clinic: Path, service: dict[str, str]):
    done = run(block("curl"), clinic, **service)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"session_id"') == 3
    assert (clinic / "doses.parquet").read_bytes()[:4] == b"PAR1"


def test_pandas_reads_the_doses_in_one_line(clinic: Path, service: dict[str, str]):
    script = "\n".join([f"URL, TOKEN = {service['URL']!r}, {service['TOKEN']!r}", block("python")])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=clinic, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "count" in done.stdout


@pytest.mark.skipif(
    not shutil.which("Rscript"), reason="R is not installed: its lines in the README were not run"
)
def test_r_reads_the_doses(clinic: Path, service: dict[str, str]):
    script = "\n".join([f"URL <- {service['URL']!r}; TOKEN <- {service['TOKEN']!r}", block("r")])
    done = subprocess.run(["Rscript", "-e", script], cwd=clinic, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
