"""Every row as a file over HTTP."""

import csv
import io
import json
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from api import streams
from ingestor.exports.codebook import codebook
from ingestor.store import audit
from tests.api.clinic import Clinic
from tests.api.conftest import Staff


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_file_has_every_row_that_the_list_has_in_pages(hospital: TestClient, people: Staff) -> None:
    listed = hospital.get("/v1/doses", headers=people["analyst"]).json()["items"]
    files = {
        s: hospital.get(f"/v1/doses.{s}", headers=people["analyst"])
        for s in ("csv", "ndjson", "parquet", "arrow")
    }
    assert [json.loads(line) for line in files["ndjson"].text.splitlines()] == listed
    assert [r["session_id"] for r in _csv(files["csv"].text)] == [r["session_id"] for r in listed]
    parquet = pq.read_table(pa.BufferReader(files["parquet"].content))
    arrow = pa.ipc.open_file(pa.BufferReader(files["arrow"].content)).read_all()
    assert parquet.to_pylist() == arrow.to_pylist()
    assert parquet["processed_plasma_ml"].to_pylist() == [r["processed_plasma_ml"] for r in listed]
    assert files["csv"].headers["content-disposition"] == 'attachment; filename="doses.csv"'


@pytest.mark.parametrize("table", ["doses", "sessions", "cycles", "alarms", "events", "traces"])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow", "ndjson", "excel.csv"])
def test_no_file_tells_an_analyst_who_a_patient_is(
    hospital: TestClient, people: Staff, known: Clinic, table: str, suffix: str
) -> None:
    answer = hospital.get(f"/v1/{table}.{suffix}", headers=people["analyst"])
    assert answer.status_code == 200
    assert not [s for s in known.secrets if s.encode() in answer.content]
    assert hospital.get(f"/v1/{table}.{suffix}", headers=people["nurse"]).status_code == 403


def test_the_type_can_be_asked_for_in_the_header(hospital: TestClient, people: Staff) -> None:
    for accept, suffix in (
        ("text/csv", "csv"), ("application/vnd.apache.parquet", "parquet"), ("application/x-ndjson", "ndjson"),
    ):  # fmt: skip
        asked = hospital.get("/v1/doses?linked=true", headers=people["analyst"] | {"Accept": accept})
        assert (
            asked.content
            == hospital.get(f"/v1/doses.{suffix}?linked=true", headers=people["analyst"]).content
        )
    assert hospital.get("/v1/doses", headers=people["analyst"] | {"Accept": "*/*"}).json()["items"]


def test_filters_hold_for_files_and_slips_are_refused(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    key = known.sessions[0]
    rows = _csv(hospital.get(f"/v1/cycles.csv?session={key}", headers=people["analyst"]).text)
    shown = hospital.get(f"/v1/sessions/{key}/cycles", headers=people["analyst"]).json()["items"]
    assert [float(r["load_ml"]) for r in rows] == [c["load_ml"] for c in shown]
    for slip in ("statsu=final", "limit=5", "cursor=x"):
        assert hospital.get(f"/v1/doses.csv?{slip}", headers=people["analyst"]).status_code == 422
    assert hospital.get("/v1/doses.xlsx", headers=people["analyst"]).status_code == 404


def test_an_export_is_on_record_without_what_was_asked_for(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    assert (
        ward.get("/v1/doses.csv?patient=ps-x&from=2020-01-01", headers=people["analyst"]).status_code == 200
    )
    with ward.app.state.service.db.read() as connection:  # type: ignore[attr-defined]
        (entry,) = [e for e in audit.entries(connection) if e["action"] == "export"]
    assert (entry["actor"], entry["object"]) == ("the analyst", "doses")
    assert entry["detail"] == {"format": "csv", "filters": ["from", "patient"]}


def test_more_exports_than_the_service_bears_are_told_to_wait(
    hospital: TestClient, people: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = hospital.app.state.service  # type: ignore[attr-defined]
    go, begun = threading.Event(), threading.Semaphore(0)
    real = streams.batches

    def slow(*given: object) -> object:
        begun.release()
        go.wait(10)
        yield from real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(streams, "batches", slow)
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(hospital.get("/v1/doses.csv", headers=people["analyst"]).status_code)

    running = [threading.Thread(target=ask) for _ in range(3)]
    for thread in running:
        thread.start()
        begun.acquire(timeout=10)
    refused = hospital.get("/v1/doses.csv", headers=people["analyst"])
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429,
        "too_many_exports",
        "10",
    )
    go.set()
    for thread in running:
        thread.join()
    assert statuses == [200] * 3
    assert service.exports._value == 3


def test_an_export_that_breaks_gives_its_place_back(
    hospital: TestClient, people: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> object:
        yield from ()
        raise OSError(5, "the disk went away")

    monkeypatch.setattr(streams, "batches", broken)
    answer = hospital.get("/v1/doses.csv", headers=people["analyst"])
    assert answer.text.count("\n") == 1
    assert hospital.app.state.service.exports._value == 3  # type: ignore[attr-defined]


def test_the_codebook_is_served_in_both_languages(hospital: TestClient, people: Staff) -> None:
    for language in ("de", "en"):
        answer = hospital.get(f"/v1/codebook?language={language}", headers=people["analyst"])
        assert answer.text == codebook(language)
    assert hospital.get("/v1/codebook?language=fr", headers=people["analyst"]).status_code == 422
