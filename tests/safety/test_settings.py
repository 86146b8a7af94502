"""F126: what would make an installation unsafe stops it, or is said; F123: no log names what was handed in."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from ingestor.config import Settings, load
from ingestor.errors import SettingsError
from ingestor.ops import safety

if TYPE_CHECKING:
    from pathlib import Path

MARK = "Geheimhuber"


@pytest.mark.parametrize("name", ["APHERELOG_CENTER", "APHERELOG_DATA", "apherelog_zonne"])
def test_an_unknown_variable_is_a_slip_and_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "secret value")
    with pytest.raises(SettingsError) as told:
        load()
    assert name in str(told.value.details["problems"])
    assert "secret value" not in str(told.value.details)


def test_every_known_variable_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APHERELOG_CONFIG", "APHERELOG_TOKEN", "APHERELOG_URL", "APHERELOG_FAULT"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("APHERELOG_CENTRE", "vie")
    monkeypatch.delenv("APHERELOG_CONFIG")
    assert load().centre == "vie"


@pytest.mark.parametrize("password", ["", "postgres", "Passwort", "changeme"])
def test_a_default_secret_stops_the_start(tmp_path: Path, password: str) -> None:
    settings = Settings(
        data_dir=tmp_path, database_url=f"postgresql://apherelog:{password}@db.example/apherelog"
    )
    with pytest.raises(SettingsError) as told:
        safety.require_safe(settings)
    assert told.value.code == "default_secret"
    assert (
        safety.require_safe(settings.model_copy(update={"database_url": "postgresql://db.example/x"})) is None
    )


def test_a_secret_in_a_file_that_everybody_can_read_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, secret = tmp_path / "apherelog.toml", tmp_path / "oidc"
    config.write_text('database_url = "postgresql://a:long-and-random@/x"\n')
    monkeypatch.setenv("APHERELOG_CONFIG", str(config))
    config.chmod(0o644)
    with pytest.raises(SettingsError) as told, TestClient(create_app(load())):
        pass
    assert told.value.code == "secret_file_open"
    config.chmod(0o640)
    safety.require_safe(load())
    monkeypatch.delenv("APHERELOG_CONFIG")
    settings = Settings(data_dir=tmp_path, oidc_secret_file=secret)
    for mode, code in ((None, "secret_file_missing"), (0o604, "secret_file_open"), (0o600, None)):
        if mode is not None:
            secret.write_text("x")
            secret.chmod(mode)
        if code is None:
            safety.require_safe(settings)
            continue
        with pytest.raises(SettingsError) as told:
            safety.require_safe(settings)
        assert told.value.code == code


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://db.example/x", True), ("postgresql://db.example/x?sslmode=require", True),
        ("postgresql://db.example/x?sslmode=verify-full", False), ("postgresql://localhost/x", False),
        ("postgresql:///x?host=/run/postgresql", False), (None, False),
    ],
)  # fmt: skip
def test_a_line_to_the_database_that_is_not_checked_is_said(
    tmp_path: Path, url: str | None, said: bool
) -> None:
    found = safety._of_settings(Settings(data_dir=tmp_path / "none", database_url=url))
    assert ("database_line_not_checked" in found) == said


def test_what_is_open_is_said_by_health(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    with TestClient(create_app(Settings(data_dir=data, rate_limits=False))) as client:
        assert client.get("/health").json()["warnings"] == ["data_folder_open", "no_rate_limits"]


class Served:
    """A real service in a process of its own; its log is read at the end."""

    def __init__(self, data: Path, log: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "ingestor",
            "-v",
            "--data",
            str(data),
            "serve",
            "--port",
            str(self.port),
        ]
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [*command, *options], stderr=self._log, stdout=self._log, env=os.environ | {"PYTHONDEVMODE": ""}
        )
        until = time.monotonic() + 60
        while True:
            try:
                httpx2.get(f"http://127.0.0.1:{self.port}/health")
            except httpx2.TransportError:
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) in {0, -signal.SIGTERM}
        self._log.close()


def test_no_line_of_a_log_holds_what_was_handed_in(tmp_path: Path) -> None:
    log = tmp_path / "log"
    served = Served(tmp_path / "data", log)
    made = subprocess.run(
        [sys.executable, "-m", "ingestor", "--data", str(tmp_path / "data"), "users", "add", "steward", "--role", "steward"],
        input="a made-up pass phrase\n", text=True, check=True, capture_output=True,
    )  # fmt: skip
    assert made.returncode == 0
    token = subprocess.run(
        [sys.executable, "-m", "ingestor", "--data", str(tmp_path / "data"), "users", "token", "steward"],
        text=True, check=True, capture_output=True,
    ).stdout.strip()  # fmt: skip
    bearer = {
        "Authorization": f"Bearer {token}",
        "User-Agent": MARK,
        "X-Forwarded-For": MARK,
        "Referer": f"http://{MARK}/",
    }
    with httpx2.Client(base_url=f"http://127.0.0.1:{served.port}", headers=bearer) as client:
        client.post("/login", data={"name": f"{MARK}\r\nforged", "password": MARK, "next": f"/{MARK}"})
        client.get(f"/{MARK}", params={"q": f'{MARK}\n{{"event": "forged"}}'})
        client.get("/v1/doses", params={"patient": MARK, MARK: MARK})
        client.get(f"/v1/sessions/{MARK}")
        client.get("/v1/me", headers={"Authorization": f"Bearer {MARK}"})
        client.post("/patients", data={"name": MARK, "identifier": MARK, "system": MARK, "birth_date": MARK})
        for name, content in ((f"{MARK}.txt", f"patient {MARK}"), (f"{MARK}\n.csv", f"{MARK};1;2\n" * 50)):
            client.post("/v1/imports", files={"files": (name, content.encode())})
        client.post(
            "/v1/imports",
            content=f"{MARK}".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={MARK}"},
        )
        client.get("/v1/me", params={"token": token})
    served.stop()
    written = log.read_text()
    assert written.strip()
    assert MARK not in written
    assert token not in written
    assert "forged" not in written


def test_behind_a_proxy_documents_and_metrics_are_closed_unless_opened(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", tmp_path / "log", "--behind-proxy")
    base = f"http://127.0.0.1:{served.port}"
    codes = [
        httpx2.get(base + path).status_code for path in ("/metrics", "/openapi.json", "/docs", "/health")
    ]
    served.stop()
    assert codes == [401, 401, 401, 200]


def test_the_watch_over_the_logs_of_this_suite_sees_a_name(caplog: pytest.LogCaptureFixture) -> None:
    from tests.marks import named

    record = logging.LogRecord("x", logging.INFO, "", 0, "uploaded %s", ("Beispielhuber.txt",), None)
    assert named(record) == ["Beispielhuber"]
    record = logging.LogRecord("x", logging.INFO, "", 0, "uploaded", None, None)
    record.file = "Xaverine"
    assert named(record) == ["Xaverine"]
    record.file = "pat-1"
    assert named(record) == []
