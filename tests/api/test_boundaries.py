"""F110, F112, F122: many exports, ids of others, and an audit chain that cannot be written."""

from __future__ import annotations

import http.client
import io
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, update

from ingestor.cli import main
from ingestor.store import tables
from ingestor.store.engine import open_database
from ingestor.store.lines import LineState, note
from tests.benchmarks.seeding import seed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.testclient import TestClient

    from ingestor.config import Settings
    from tests.api.clinic import Clinic
    from tests.api.conftest import Staff
    from tests.parts import Exports

pytestmark = pytest.mark.sqlite
GUESSED = ("0" * 64, "ses-aaaaaaaaaaaaaaaa", "sub-aaaaaaaaaaaaaaaa", "0815", "Beispielhuber")


def _missing(client: TestClient) -> list[tuple[str, str]]:
    with client.app.state.service.db.read() as connection:  # type: ignore[attr-defined]
        rows = connection.execute(
            tables.audit.select().where(tables.audit.c.action == "not_found").order_by(tables.audit.c.seq)
        )
        return [(row.actor, row.object) for row in rows]


@pytest.mark.parametrize(
    ("role", "address"),
    [
        ("analyst", "/v1/sessions/{id}"), ("analyst", "/v1/sessions/{id}/dose"), ("nurse", "/v1/imports/{id}"),
        ("analyst", "/v1/patients/{id}/courses"), ("nurse", "/sessions/{id}"), ("steward", "/patients/{id}"),
    ],
)  # fmt: skip
def test_an_id_that_leads_nowhere_is_404_and_on_record(
    ward: TestClient, people: Staff, role: str, address: str
) -> None:
    answers = [ward.get(address.replace("{id}", guess), headers=people[role]) for guess in GUESSED]
    assert {answer.status_code for answer in answers} == {404}
    kept = _missing(ward)
    assert [actor for actor, _ in kept] == [f"the {role}"], "once a minute for each way of asking"
    assert not any(guess in kept[0][1] for guess in GUESSED[2:])


def test_a_session_of_another_ward_is_404_and_on_record_as_if_it_were_not_there(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    with ward.app.state.service.db.write() as connection:  # type: ignore[attr-defined]
        for key in ("w-one", "w-two"):
            connection.execute(insert(tables.ward).values(id=key, centre="vie", name=key))
        connection.execute(
            update(tables.account).where(tables.account.c.role == "nurse").values(ward="w-one")
        )
        connection.execute(
            update(tables.session).where(tables.session.c.id == clinic.sessions[0]).values(ward="w-two")
        )
        connection.execute(
            update(tables.session).where(tables.session.c.id == clinic.sessions[1]).values(ward="w-one")
        )
    theirs = ward.get(f"/sessions/{clinic.sessions[0]}", headers=people["nurse"])
    nobodys = ward.get("/sessions/ses-aaaaaaaaaaaaaaaa", headers=people["nurse"])
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.text.replace(clinic.sessions[0], "") == nobodys.text.replace("ses-aaaaaaaaaaaaaaaa", "")
    assert ward.get(f"/sessions/{clinic.sessions[1]}", headers=people["nurse"]).status_code == 200
    assert [actor for actor, _ in _missing(ward)] == ["the nurse"]


def _content(database: Path) -> list[str]:
    """Everything in the database but what opening it notes down."""
    with closing(sqlite3.connect(database)) as connection:
        kept = ('INSERT INTO "setting"', 'INSERT INTO "sqlite_stat')
        return [
            line for line in connection.iterdump() if line.startswith("INSERT") and not line.startswith(kept)
        ]


@pytest.mark.parametrize(
    "words",
    [
        ("link", "{session}", "{patient}", "--reason", "seen"),
        ("unlink", "{linked}", "--reason", "mistaken"),
        ("patients", "add", "--identifier", "hospital=4712", "--sex", "male"),
        ("patients", "measure", "{patient}", "weight", "70", "kg", "--at", "2024-01-01T08:00"),
        ("users", "add", "somebody", "--role", "auditor"),
        ("users", "token", "the analyst"),
        ("drivers", "accept", "twin-column-report", "--person", "a", "--note", "b"),
        ("ingest", "{file}"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_where_the_audit_chain_cannot_be_written_nothing_changes(
    clinic: Clinic,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    simulated: Callable[..., Exports],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    file = simulated("twin-column-report", "--seed", "99").files[0]
    database = clinic.data / "apherelog.db"
    names = {
        "session": clinic.sessions[-1],
        "linked": clinic.sessions[0],
        "patient": clinic.bert,
        "file": str(file),
    }
    command = ["--data", str(clinic.data), *(w.format(**names) for w in words)]
    monkeypatch.setenv("APHERELOG_CENTRE", "vie")
    monkeypatch.setattr("sys.stdin", io.StringIO())  # no password is typed
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk of the chain'); END"
        )
        connection.commit()
    before = _content(database)
    code = _code(command)
    assert code != 0
    assert _content(database) == before
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TRIGGER broken")
        connection.commit()
    assert _code(command) == 0, capsys.readouterr().err
    assert _content(database) != before


def _code(command: list[str]) -> object:
    try:
        main(command)
    except SystemExit as ended:
        return ended.code
    except Exception as error:  # noqa: BLE001 - a broken trigger is no error of the house: it may end as a bug
        return type(error).__name__
    return 0


@pytest.mark.torture
def test_two_hundred_exports_at_once_keep_no_nurse_waiting(
    settings: Settings, staff: Staff, simulated: Callable[..., Exports], tmp_path: Path
) -> None:
    db = open_database(settings.url)
    seed(db, "vie", 40_000)
    db.close()
    exports = simulated("twin-column-report", "--seed", "12", "--sessions", "40", "--hours", "0.5").files
    port = 19_000 + os.getpid() % 900
    words = ["--data", str(settings.data_dir), "-q", "serve", "--port", str(port)]
    environment = os.environ | {"APHERELOG_CENTRE": "vie", "APHERELOG_RATE_LIMITS": "false"}
    server = subprocess.Popen([sys.executable, "-m", "ingestor", *words], env=environment)
    try:
        _until_it_answers(port)
        stop, answers = threading.Event(), list[int]()
        askers = [threading.Thread(target=_export, args=(port, staff, stop, answers)) for _ in range(200)]
        for asker in askers:
            asker.start()
        time.sleep(1)
        times = sorted(_upload(port, staff, path.read_bytes()) for path in exports)
        stop.set()
        for asker in askers:
            asker.join()
    finally:
        server.terminate()
        server.wait(30)
    assert set(answers) <= {200, 429, 503}
    assert 200 in answers
    sys.stdout.write(
        f"uploads beside 200 exports: median {times[20] * 1e3:.0f} ms, slowest {times[-1] * 1e3:.0f} ms\n"
    )
    assert times[-1] <= 0.5


def _until_it_answers(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            return _ask(port, "GET", "/health", {})[0] == 200 or None
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)


def _ask(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request(method, path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def _export(port: int, staff: Staff, stop: threading.Event, answers: list[int]) -> None:
    while not stop.is_set():
        status, _ = _ask(port, "GET", "/v1/doses.csv", staff["analyst"])
        answers.append(status)
        if status != 200:
            time.sleep(0.5)


def _upload(port: int, staff: Staff, data: bytes) -> float:
    began = time.perf_counter()
    status, _ = _ask(port, "POST", "/v1/imports", staff["nurse"] | {"X-Filename": "a.txt"}, data)
    assert status in {201, 202}, status
    return time.perf_counter() - began


def test_how_lines_stand_is_on_the_machines_page_in_health_and_in_metrics(
    ward: TestClient, people: Staff
) -> None:
    service = ward.app.state.service  # type: ignore[attr-defined]
    said = LineState(
        "/dev/ttyS9", "capture", "line_quiet", service.now(), service.now(), 1, 4, 2, "elsewhere:1:1"
    )
    with service.db.write() as connection:
        note(connection, said)
    page = ward.get("/machines", headers=people["nurse"] | {"Accept-Language": "de"}).text
    assert "/dev/ttyS9" in page
    assert "Auf der Leitung ist es still." in page
    (line,) = ward.get("/health").json()["lines"]
    assert (line["state"], line["gaps"], line["treatments"]) == ("line_quiet", 2, 4)
    assert "ttyS9" not in ward.get("/health").text
    assert 'apherelog_state{what="line_quiet"} 1.0' in ward.get("/metrics").text
