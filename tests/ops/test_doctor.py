"""`apherelog doctor` explains and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestor import disk
from ingestor.cli import main
from ingestor.disk import Room
from ingestor.ops.doctor import look_at_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite


def _asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    with pytest.raises(SystemExit) as ended:
        main(["--json", "doctor", *words])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    code = ended.value.code
    assert isinstance(code, int)
    return code, {line["name"]: line for line in lines}


def test_a_folder_is_explained_and_left_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")
    code, found = _asked(capsys, str(tmp_path))
    assert code == 0
    assert found["entries"]["value"].startswith("1 in ")
    assert found["writable"]["code"] is None
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_a_folder_that_is_gone_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = _asked(capsys, str(tmp_path / "gone"))
    assert (code, found["reachable"]["code"]) == (3, "folder_gone")
    assert found["reachable"]["message"]["de"]


def test_a_read_only_share_can_still_be_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    assert {c.name: c.code for c in look_at_folder(tmp_path)}["writable"] == "doctor_read_only"


def test_a_share_with_another_clock_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([1_000_000.0, 1_000_000.0])
    monkeypatch.setattr("ingestor.ops.doctor.time.time", lambda: next(now))
    checks = {c.name: c for c in look_at_folder(tmp_path)}
    assert checks["clock"].code == "doctor_skew"


def test_an_installation_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = str(tmp_path / "data")
    code, found = _asked(capsys, "--data", data)
    assert (code, found["drivers"]["code"], found["archive"]["value"]) == (0, None, "0 files")
    monkeypatch.setattr(disk, "room", lambda _: Room(free=0, whole=1 << 40))
    code, found = _asked(capsys, "--data", data)
    assert (code, found["room"]["code"]) == (3, "doctor_full")
