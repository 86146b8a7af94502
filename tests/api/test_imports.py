"""Files handed in over HTTP: durable before the answer, once whatever happens, and never half."""

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api import intake
from api.app import create_app
from ingestor.config import Settings
from tests.api.clinic import Clinic
from tests.api.conftest import PASSWORD, Staff


@dataclass(frozen=True)
class Door:
    client: TestClient
    staff: Staff
    settings: Settings


REPORT = ("twin-column-report", "--seed", "11")


@pytest.fixture(scope="module")
def door(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One running service for all tests that leave nothing another one would stumble over."""
    data = tmp_path_factory.mktemp("door")
    shutil.copy(empty_store, data / "apherelog.db")
    settings, staff = Settings(data_dir=data, centre="vie"), Staff(data)
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield Door(client, staff, settings)


@pytest.fixture(scope="module")
def report(simulated) -> bytes:  # noqa: ANN001 - a function of the shared parts
    return simulated(*REPORT).files[0].read_bytes()


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _objects(settings: Settings) -> set[str]:
    return {p.name for p in settings.data_dir.glob("archive/??/*")}


def _left(settings: Settings) -> list[Path]:
    return list((settings.data_dir / "archive" / "tmp").iterdir())


def _send(client: TestClient, who: dict[str, str], data: bytes, name: str = "a.txt", **query: str):  # noqa: ANN202
    headers = who | {"X-Filename": quote(name)}
    return client.post("/v1/imports", params=query, headers=headers, content=data)


def test_a_new_export_is_stored_and_the_receipt_adds_up(
    client: TestClient, staff: Staff, settings: Settings, report: bytes
) -> None:
    answer = _send(client, staff["nurse"], report, "Müller & Söhne.txt")
    receipt = answer.json()
    assert (answer.status_code, receipt["status"]) == (201, "stored")
    assert answer.headers["location"] == f"/v1/imports/{receipt['submission']}"
    assert receipt["source"] == _sum(report)
    assert receipt["members"][0]["name"] == "Müller & Söhne.txt"
    rows = receipt["rows"]
    assert rows["read"] == rows["stored"] + rows["held"] + rows["duplicate"] + rows["ignored"] > 0
    assert _objects(settings) == {_sum(report)}
    assert _left(settings) == []


def test_the_same_bytes_again_are_known(client: TestClient, staff: Staff, report: bytes) -> None:
    first = _send(client, staff["nurse"], report).json()
    again = _send(client, staff["agent"], report, "other name.txt")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert again.json()["sessions"] == first["sessions"]


def test_what_nobody_knows_is_refused_with_a_receipt(door: Door) -> None:
    answer = _send(door.client, door.staff["nurse"], b"no export at all")
    assert (answer.status_code, answer.json()["status"]) == (422, "refused")
    assert answer.json()["message"]["de"]


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"%PDF-1.7\n...", b"PK\x03\x04" + b"x" * 100])
def test_anything_at_all_is_answered_and_never_a_bug(
    client: TestClient, staff: Staff, content: bytes
) -> None:
    assert _send(client, staff["nurse"], content).status_code == 422


def test_a_form_of_several_files_answers_with_a_list_and_the_worst_status(
    client: TestClient, staff: Staff, report: bytes
) -> None:
    files = [("files", ("a.txt", report)), ("files", ("b.txt", b"nothing")), ("files", ("c.txt", report))]
    answer = client.post("/v1/imports", headers=staff["nurse"], files=files)
    assert answer.status_code == 422
    assert [r["status"] for r in answer.json()] == ["stored", "refused", "duplicate"]
    one = client.post("/v1/imports", headers=staff["nurse"], files={"files": ("a.txt", report)})
    assert (one.status_code, one.json()["status"]) == (200, "duplicate")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\temp\\x.txt", "x.txt"), ("a\0b\r\nc.txt", "a\ufffdb\ufffd\ufffdc.txt"),
        ("", "export"), ("x" * 5000, "x" * 200), ("\u202egnp.txt", "\ufffdgnp.txt"), ("<b>\"'.txt", "<b>\"'.txt"),
    ],
)  # fmt: skip
def test_a_file_name_is_for_show_only(
    client: TestClient, staff: Staff, settings: Settings, name: str, shown: str
) -> None:
    assert (
        _send(client, staff["nurse"], b"data of " + name.encode(), name).json()["members"][0]["name"] == shown
    )
    assert all(len(p) == 64 for p in _objects(settings))


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_above_the_limit_leaves_nothing(settings: Settings, staff: Staff, announced: bool) -> None:
    def pieces() -> object:
        for _ in range(20):
            yield b"x" * (64 << 10)

    with TestClient(create_app(settings.model_copy(update={"max_file_mib": 1}))) as client:
        content = b"x" * (1 << 20) + b"y" if announced else pieces()
        answer = client.post("/v1/imports", headers=staff["nurse"], content=content)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        in_a_form = client.post("/v1/imports", headers=staff["nurse"], files={"files": b"x" * (2 << 20)})
        assert in_a_form.status_code == 413
        assert _send(client, staff["nurse"], b"x" * (1 << 20)).status_code == 422
    assert _left(settings) == []
    assert len(_objects(settings)) == 1


def test_a_full_disk_is_our_trouble_and_said_so(
    client: TestClient, staff: Staff, settings: Settings, report: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestor import disk

    monkeypatch.setattr(disk, "room", lambda _path: disk.Room(free=1000, whole=1 << 40))
    for answer in (
        _send(client, staff["nurse"], report),
        client.post("/v1/imports", headers=staff["nurse"], files={"files": report}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert int(answer.headers["retry-after"]) > 0
    assert _objects(settings) == set()


def test_a_preview_counts_for_nothing_until_it_is_confirmed(
    client: TestClient, staff: Staff, report: bytes
) -> None:
    preview = _send(client, staff["nurse"], report, preview="true")
    assert (preview.status_code, preview.json()["status"]) == (200, "preview")
    assert client.get("/v1/doses", headers=staff["steward"]).json()["items"] == []
    address = f"/v1/imports/{preview.json()['submission']}/confirm"
    confirmed = client.post(address, headers=staff["nurse"])
    assert (confirmed.status_code, confirmed.json()["status"]) == (201, "stored")
    assert len(client.get("/v1/doses", headers=staff["steward"]).json()["items"]) == 1
    again = client.post(address, headers=staff["nurse"])
    assert (again.status_code, again.json()) == (201, confirmed.json())


def test_the_same_key_is_the_same_submission_even_at_the_same_moment(
    client: TestClient, staff: Staff, report: bytes
) -> None:
    answers: list[dict[str, object]] = []

    def send() -> None:
        headers = staff["nurse"] | {"Idempotency-Key": "k-1"}
        answers.append(client.post("/v1/imports", headers=headers, content=report).json())

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({a["submission"] for a in answers}) == 1
    assert len(client.get("/v1/imports", headers=staff["nurse"]).json()["items"]) == 1


def test_a_key_belongs_to_one_file_and_one_sender(client: TestClient, staff: Staff, report: bytes) -> None:
    key = {"Idempotency-Key": "k-1"}
    assert client.post("/v1/imports", headers=staff["nurse"] | key, content=report).status_code == 201
    other = client.post("/v1/imports", headers=staff["nurse"] | key, content=report + b" ")
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    stranger = client.post("/v1/imports", headers=staff["steward"] | key, content=report)
    assert (stranger.status_code, stranger.json()["status"]) == (200, "duplicate")


def test_what_takes_long_is_answered_as_queued_and_goes_on(
    client: TestClient, staff: Staff, report: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PATIENCE_S", 0.0)
    answer = _send(client, staff["nurse"], report)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    ends = time.monotonic() + 20
    found = {"status": "queued"}
    while found["status"] == "queued" and time.monotonic() < ends:
        found = client.get(answer.headers["location"], headers=staff["nurse"]).json()
    assert found["status"] == "stored"


def test_a_source_tells_what_became_of_it(client: TestClient, staff: Staff, report: bytes) -> None:
    stored = _send(client, staff["nurse"], report).json()
    for key in (stored["source"], stored["submission"]):
        found = client.get(f"/v1/imports/{key}", headers=staff["nurse"])
        assert (found.status_code, found.json()["sessions"]) == (200, stored["sessions"])
    assert client.get(f"/v1/imports/{'0' * 64}", headers=staff["nurse"]).status_code == 404


def test_an_analyst_sees_of_a_receipt_no_name_and_no_quote(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    text = ward.get("/v1/imports", headers=people["analyst"]).text
    assert len(json.loads(text)["items"]) == 5
    assert not [s for s in clinic.secrets if s in text]
    assert any(s in ward.get("/v1/imports", headers=people["steward"]).text for s in clinic.secrets)


@pytest.mark.parametrize(
    "query",
    ["preview=yes", "preview=", "zone=Europe/Nowhere", "zone=../../etc/passwd", "driver=", "prewiev=true"],
)
def test_a_slip_in_a_parameter_is_refused_before_anything_is_taken(door: Door, query: str) -> None:
    content = b"sent with a slip: " + query.encode()
    answer = door.client.post(f"/v1/imports?{query}", headers=door.staff["nurse"], content=content)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert _sum(content) not in _objects(door.settings)


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
PART = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\ndata'


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "multipart/form-data"}, PART + b"\r\n--b--\r\n"),
        ({"Content-Type": "multipart/form-data; boundary=" + "b" * 300}, b""),
        ({"Content-Type": "multipart/mixed; boundary=b"}, PART + b"\r\n--b--\r\n"),
        (BOUNDARY, PART), (BOUNDARY, b""), (BOUNDARY, b"x" * 100_000), (BOUNDARY, b"--b--\r\n"),
        (BOUNDARY, b"--b\r\n" + b"X-A: b\r\n" * 100 + b"\r\ndata\r\n--b--\r\n"),
        (BOUNDARY, b"--b\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\ndata\r\n--b--\r\n"),
        (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"y" * 9000 + b"\r\n--b--\r\n"),
        (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n' * 50 + b"--b--\r\n"),
    ],
)  # fmt: skip
def test_a_broken_or_hostile_form_is_refused_and_leaves_nothing(
    door: Door, headers: dict[str, str], body: bytes
) -> None:
    answer = door.client.post("/v1/imports", headers=door.staff["nurse"] | headers, content=body)
    assert answer.status_code in {400, 413, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert _left(door.settings) == []


def test_a_browser_needs_the_token_of_its_own_form(client: TestClient, staff: Staff, report: bytes) -> None:
    from ingestor.access.logins import form_token

    client.post("/login", data={"name": "the nurse", "password": PASSWORD})
    browser = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/imports", headers=browser, content=report).json()["code"] == "form_over"
    assert client.post("/v1/imports", headers=browser, files={"files": report}).json()["code"] == "form_over"
    token = form_token(client.cookies["sid"])
    with_header = client.post("/v1/imports", headers=browser | {"X-Form-Token": token}, content=report)
    assert with_header.status_code == 201
    in_form = client.post("/v1/imports", headers=browser, data={"form_token": token}, files={"files": report})
    assert in_form.status_code == 200


def test_too_many_uploads_are_told_to_wait(settings: Settings, staff: Staff) -> None:
    with TestClient(create_app(settings)) as client:
        client.app.state.service.uploads._most = 2  # type: ignore[attr-defined]
        codes = [_send(client, staff["nurse"], b"x").status_code for _ in range(3)]
        assert codes == [422, 422, 429]
    with TestClient(create_app(settings.model_copy(update={"rate_limits": False}))) as client:
        client.app.state.service.uploads._most = 2  # type: ignore[attr-defined]
        assert {_send(client, staff["nurse"], b"x").status_code for _ in range(3)} == {422}


def test_a_sender_who_does_not_wait_is_answered_once_it_is_durable(
    client: TestClient, staff: Staff, settings: Settings, report: bytes
) -> None:
    heads = staff["nurse"] | {"X-Filename": "a.txt", "Prefer": "respond-async, wait=5"}
    answer = client.post("/v1/imports", headers=heads, content=report)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert _objects(settings) == {_sum(report)}
    end = time.monotonic() + 30
    while (later := client.get(answer.headers["location"], headers=staff["nurse"]).json())[
        "status"
    ] == "queued":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert later["status"] == "stored"
    assert later["source"] == _sum(report)
