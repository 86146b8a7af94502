"""`apherelog watch`, as a scheduler or a service starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from ingestor import disk
from ingestor.cli import main
from ingestor.disk import Room

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def once(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        with pytest.raises(SystemExit) as ended:
            main(["--data", str(tmp_path / "data"), "--json", "watch", "--once", *arguments])
        told = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, [json.loads(line) for line in told.out.splitlines()], told.err

    return once


def test_once_takes_what_is_there_and_ends_well(run: Run, inbox: Path) -> None:
    (inbox / "a.one").write_bytes(b"plain")
    code, receipts, _ = run(str(inbox), "--quiet", "0")
    assert (code, [r["status"] for r in receipts]) == (0, ["waiting"])
    assert run(str(inbox), "--quiet", "0")[:2] == (0, [])


def test_once_waits_out_the_quiet_time(run: Run, inbox: Path) -> None:
    (inbox / "a.one").write_bytes(b"plain")
    began = time.monotonic()
    code, receipts, _ = run(str(inbox), "--quiet", "0.6")
    assert (code, len(receipts)) == (0, 1)
    assert time.monotonic() - began >= 0.6


def test_once_says_so_when_something_is_left(run: Run, inbox: Path) -> None:
    (inbox / "a.one").write_bytes(b"plain")
    (inbox / "empty.one").touch()
    code, receipts, _ = run(str(inbox), "--quiet", "0")
    assert (code, len(receipts)) == (3, 1)


def test_a_share_that_is_gone_gives_a_line_and_stops_no_other(run: Run, inbox: Path) -> None:
    (inbox / "a.one").write_bytes(b"plain")
    gone = inbox.with_name("gone")
    code, receipts, told = run(str(gone), str(inbox), "--quiet", "0")
    assert (code, len(receipts)) == (3, 1)
    assert len([line for line in told.splitlines() if line.startswith(str(gone))]) == 1


def test_what_was_refused_is_dealt_with_and_not_left(run: Run, inbox: Path) -> None:
    (inbox / "a.txt").write_bytes(b"nobody knows this")
    code, receipts, _ = run(str(inbox), "--quiet", "0")
    assert (code, [r["status"] for r in receipts]) == (0, ["refused"])
    assert run(str(inbox), "--quiet", "0")[:2] == (0, [])


def test_a_folder_that_never_was_is_said_not_to_exist(run: Run, inbox: Path) -> None:
    code, _, told = run(str(inbox.with_name("mistyped")), "--quiet", "0")
    assert code == 3
    assert "mistyped: The folder does not exist." in told


def test_a_disk_that_is_too_full_ends_at_once(run: Run, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inbox / "a.one").write_bytes(b"plain")
    monkeypatch.setattr(disk, "room", lambda _: Room(free=0, whole=1 << 40))
    assert run(str(inbox), "--quiet", "0")[0] == 5
    assert (inbox / "a.one").exists()


def test_moving_is_an_option(run: Run, inbox: Path) -> None:
    (inbox / "a.one").write_bytes(b"plain")
    run(str(inbox), "--quiet", "0", "--after", "move")
    assert [p.name for p in inbox.rglob("*.one")] == ["a.one"]
    assert not (inbox / "a.one").exists()


def test_a_name_that_is_no_utf8_is_watched_too(run: Run, inbox: Path) -> None:
    folder = os.fsdecode(os.fsencode(inbox) + b"/\xe4")
    os.mkdir(folder)  # noqa: PTH102 - bytes
    with open(folder + "/a.one", "wb") as file:  # noqa: PTH123 - bytes
        file.write(b"plain")
    assert len(run(folder, "--quiet", "0")[1]) == 1


def test_a_service_that_is_told_to_stop_ends_well_and_leaves_the_folder_free(
    tmp_path: Path, inbox: Path
) -> None:
    (inbox / "a.one").write_bytes(b"plain")
    arguments = [
        "--data",
        str(tmp_path / "data"),
        "--json",
        "watch",
        str(inbox),
        "--quiet",
        "0",
        "--interval",
        "0.2",
    ]
    with subprocess.Popen(
        [sys.executable, "-c", f"from ingestor.cli import main; main({arguments!r})"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as service:  # fmt: skip
        assert service.stdout is not None
        assert json.loads(service.stdout.readline())["status"] == "waiting"
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=10) == 0
