"""Sessions as FHIR and OMOP over HTTP: ordered, asked after, fetched, deleted; by pseudonym whoever asks."""

from __future__ import annotations

import fcntl
import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources import get_fhir_model_class as class_of_r5
from fhir.resources.R4B import get_fhir_model_class as class_of_r4b
from starlette.testclient import TestClient

from api.app import create_app
from ingestor.config import Settings
from ingestor.exports.omop import layout
from ingestor.store import audit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx2

    from api.deliveries import Deliveries
    from ingestor.access.permissions import Caller
    from tests.api.clinic import Clinic
    from tests.api.conftest import Staff


def _order(client: TestClient, who: dict[str, str], query: str = "", kind: str = "fhir") -> str:
    answer = client.get(f"/v1/{kind}/$export{query}", headers=who)
    assert answer.status_code == 202, answer.text
    place: str = answer.headers["content-location"]
    assert place == f"http://testserver/v1/deliveries/{answer.json()['delivery']}"
    return place.removeprefix("http://testserver")


def _done(client: TestClient, who: dict[str, str], place: str) -> httpx2.Response:
    """Wait as a program does, and return the answer that is not 202 any more."""
    for _ in range(3000):
        answer = client.get(place, headers=who)
        if answer.status_code != 202:
            return answer
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-progress"].endswith(" sessions")
        threading.Event().wait(0.02)
    raise AssertionError("it never ends")


def _files(client: TestClient, who: dict[str, str], manifest: dict[str, Any]) -> dict[str, bytes]:
    listed = [*manifest["output"], *manifest["error"]]
    assert listed
    return {one["url"].rpartition("/")[2]: client.get(one["url"], headers=who).content for one in listed}


def _service(clinic: Clinic, now: datetime | None = None) -> TestClient:
    settings = Settings(data_dir=clinic.data, centre="vie")
    app = create_app(settings, now=None if now is None else lambda: now)
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize("kind", ["fhir", "omop"])
def test_an_order_is_taken_carried_out_fetched_and_deleted(
    ward: TestClient, people: Staff, clinic: Clinic, kind: str
) -> None:
    who = people["analyst"]
    place = _order(ward, who, kind=kind)
    answer = _done(ward, who, place)
    assert answer.status_code == 200
    manifest = answer.json()
    assert manifest["requiresAccessToken"] is True
    assert manifest["request"] == f"http://testserver/v1/{kind}/$export"
    files = _files(ward, who, manifest)
    sums = manifest["extension"]["urn:apherelog:origin"]["sha256"]
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    for one in [*manifest["output"], *manifest["error"]]:
        lines = files[one["url"].rpartition("/")[2]].splitlines()
        assert len(lines) - (kind == "omop") == one["count"]
    if kind == "fhir":
        procedures = [json.loads(line)["id"] for line in files["Procedure.ndjson"].splitlines()]
        assert sorted(procedures) == sorted(clinic.sessions[:3])
    else:
        assert set(files) == {f"{table}.csv" for table in layout.tables()}
    assert "expires" in answer.headers
    assert ward.delete(place, headers=who).status_code == 202
    gone = ward.get(place, headers=who)
    assert (gone.status_code, gone.json()["code"]) == (404, "no_such_delivery")
    assert ward.delete(place, headers=who).status_code == 404


@pytest.mark.parametrize("role", ["analyst", "steward"])
def test_no_file_says_who_a_patient_is_whoever_asks(
    ward: TestClient, people: Staff, clinic: Clinic, role: str
) -> None:
    who = people[role]
    for kind in ("fhir", "omop"):
        by_id = f"?patient={clinic.anna}" if role == "steward" else ""
        answer = _done(ward, who, _order(ward, who, by_id, kind))
        assert not [s for s in clinic.secrets if s in answer.text]
        for name, data in _files(ward, who, answer.json()).items():
            assert not [s for s in clinic.secrets if s.encode() in data], name
        pseudonym = ward.app.state.service.pseudonyms.of(clinic.anna)  # type: ignore[attr-defined]
        everything = b"".join(_files(ward, who, answer.json()).values())
        # Who may see names learns nothing of the pseudonyms of analysts: that takes a second person.
        assert (pseudonym.encode() in everything) == (role == "analyst")
        assert b"ps-" in everything


def test_an_order_is_its_own_asker_s(ward: TestClient, people: Staff) -> None:
    place = _order(ward, people["analyst"])
    assert _done(ward, people["analyst"], place).status_code == 200
    for method, path in (("GET", place), ("GET", f"{place}/Patient.ndjson"), ("DELETE", place)):
        assert ward.request(method, path, headers=people["steward"]).status_code == 404
        assert ward.request(method, path, headers=people["nurse"]).status_code == 403
    assert ward.get(place, headers=people["analyst"]).status_code == 200


@pytest.mark.parametrize("name", ["order.json", "..%2Forder.json", "..", "Patient.csv", "%2Fetc%2Fpasswd"])
def test_only_files_of_the_order_are_given(ward: TestClient, people: Staff, name: str) -> None:
    who = people["analyst"]
    place = _order(ward, who)
    _done(ward, who, place)
    assert ward.get(f"{place}/{name}", headers=who).status_code == 404
    assert ward.get(f"{place}/SHA256SUMS", headers=who).status_code == 200


def test_what_was_begun_goes_on_after_a_restart_and_what_was_done_is_still_there(
    clinic: Clinic, people: Staff
) -> None:
    who = people["analyst"]
    with _service(clinic) as client:
        orders: Deliveries = client.app.state.deliveries  # type: ignore[attr-defined]
        done = _order(client, who)
        first = _done(client, who, done).json()
        orders.stop()
        waiting = _order(client, who, f"?as_of={first['transactionTime'].replace('+', '%2B')}")
        assert client.get(waiting, headers=who).status_code == 202
    with _service(clinic) as client:
        assert client.get(done, headers=who).json() == first
        second = _done(client, who, waiting).json()
        own = "urn:apherelog:origin"
        assert second["extension"][own]["sha256"] == first["extension"][own]["sha256"]


def test_an_order_that_another_process_carries_out_is_left_to_it(clinic: Clinic, people: Staff) -> None:
    who = people["analyst"]
    with _service(clinic) as client:
        orders: Deliveries = client.app.state.deliveries  # type: ignore[attr-defined]
        orders.stop()
        place = _order(client, who)
        job = place.rpartition("/")[2]
        with (clinic.data / "deliveries" / job / "order.json").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            orders.look_after(job)
            assert client.get(place, headers=who).status_code == 202
        orders._stop.clear()
        orders.look_after(job)
        assert client.get(place, headers=who).status_code == 200


def test_files_are_deleted_a_day_later(clinic: Clinic, people: Staff) -> None:
    who, folder = people["analyst"], clinic.data / "deliveries"
    with _service(clinic) as client:
        place = _order(client, who)
        _done(client, who, place)
    later = datetime.now(UTC) + timedelta(hours=23)
    with _service(clinic, later) as client:
        client.app.state.deliveries.look_after(place.rpartition("/")[2])  # type: ignore[attr-defined]
        assert client.get(place, headers=who).status_code == 200
    with _service(clinic, later + timedelta(hours=2)) as client:
        client.app.state.deliveries.look_after(place.rpartition("/")[2])  # type: ignore[attr-defined]
        assert client.get(place, headers=who).status_code == 404
    assert list(folder.iterdir()) == []


def test_an_order_in_vain_says_so_and_leaves_nothing(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    (clinic.data / "concepts.toml").write_text("[nonsense]\n", "utf-8")
    who = people["analyst"]
    place = _order(ward, who, kind="omop")
    answer = _done(ward, who, place)
    assert (answer.status_code, answer.json()["code"]) == (500, "delivery_failed")
    assert answer.json()["details"] == {"reason": "concept_map"}
    (folder,) = (clinic.data / "deliveries").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["failed.json", "order.json"]
    assert ward.delete(place, headers=who).status_code == 202


def test_an_order_that_cannot_be_read_stops_no_other(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    who, broken = people["analyst"], clinic.data / "deliveries" / "exp-aaaaaaaaaaaaaaaa"
    first = _order(ward, who)
    assert _done(ward, who, first).status_code == 200
    broken.mkdir()
    (broken / "order.json").write_text('{"account": "acc-x"}', "utf-8")
    orders: Deliveries = ward.app.state.deliveries  # type: ignore[attr-defined]
    orders.look_after_all()
    assert ward.get(first, headers=who).status_code == 200
    assert ward.get(f"/v1/deliveries/{broken.name}", headers=who).status_code == 404
    assert _done(ward, who, _order(ward, who)).status_code == 200


def test_only_so_many_orders_are_kept(ward: TestClient, people: Staff) -> None:
    who = people["analyst"]
    places = [_order(ward, who) for _ in range(5)]
    refused = ward.get("/v1/fhir/$export", headers=who)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_exports")
    assert int(refused.headers["retry-after"]) > 0
    _order(ward, people["steward"])
    assert ward.delete(places[0], headers=who).status_code == 202
    _order(ward, who)


@pytest.mark.parametrize(
    "query",
    ["release=R3", "_type=Nonsense", "_type=Patient,Nobody", "_outputFormat=xml", "status=Final", "nothing=1",
     "snapshot=x&linked=true", "snapshot=x&snapshot=y"],
)  # fmt: skip
def test_a_slip_in_an_order_is_refused(ward: TestClient, people: Staff, query: str) -> None:
    answer = ward.get(f"/v1/fhir/$export?{query}", headers=people["analyst"])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_filter_and_types_and_a_release_are_kept(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    who = people["analyst"]
    query = f"?session={clinic.sessions[1]}&release=R5&_type=Procedure,Patient&_outputFormat=application/fhir+ndjson"
    manifest = _done(ward, who, _order(ward, who, query)).json()
    assert [one["type"] for one in manifest["output"]] == ["Patient", "Procedure"]
    (procedure,) = _files(ward, who, manifest)["Procedure.ndjson"].splitlines()
    found = json.loads(procedure)
    assert found["id"] == clinic.sessions[1]
    assert "occurrencePeriod" in found


def test_a_data_set_is_delivered_as_it_was(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    from ingestor.exports.asked import Asker, Query, wanted
    from ingestor.ops import snapshots
    from ingestor.ops.shelf import Shelf
    from tests.api.clinic import STEWARD

    service = ward.app.state.service  # type: ignore[attr-defined]
    who = people["analyst"]
    missing = ward.get("/v1/fhir/$export?snapshot=cited", headers=who)
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_snapshot")
    pseudonyms = service.pseudonyms
    folder = clinic.data / "snapshots"
    shelf = Shelf(service.db, folder, "vie", service.view(_nobody()), pseudonyms.key_id)
    asked = (("patient", clinic.anna),)
    found = wanted(Query(asked, {"patient"}), Asker("vie", "Europe/Vienna", str))
    snapshots.take(shelf, snapshots.Order("cited", found, asked, STEWARD, datetime.now(UTC)))
    manifest = _done(ward, who, _order(ward, who, "?snapshot=cited")).json()
    facts = manifest["extension"]["urn:apherelog:origin"]
    assert facts["snapshot"] == "cited"
    assert facts["filter_patient"] == pseudonyms.of(clinic.anna)
    assert manifest["error"] == []
    assert len(_files(ward, who, manifest)["Procedure.ndjson"].splitlines()) == 3


def _nobody() -> Caller:
    from ingestor.access.permissions import AccountRole, Caller

    return Caller("acc", "nobody", AccountRole.ANALYST, "vie")


@pytest.mark.parametrize(("release", "classes"), [("R4", class_of_r4b), ("R5", class_of_r5)])
def test_one_session_is_a_bundle(
    ward: TestClient, people: Staff, clinic: Clinic, release: str, classes: Callable[[str], Any]
) -> None:
    for role in ("analyst", "steward"):
        answer = ward.get(f"/v1/sessions/{clinic.sessions[0]}/fhir?release={release}", headers=people[role])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/fhir+json"
        classes("Bundle").model_validate(answer.json())
        assert not [s for s in clinic.secrets if s in answer.text]
        pseudonym = ward.app.state.service.pseudonyms.of(clinic.anna)  # type: ignore[attr-defined]
        assert (pseudonym in answer.text) == (role == "analyst")
    kinds = [entry["resource"]["resourceType"] for entry in answer.json()["entry"]]
    assert {"Patient", "Device", "Procedure", "Observation", "Provenance"} == set(kinds)
    nobody_s = ward.get(f"/v1/sessions/{clinic.sessions[3]}/fhir", headers=people["analyst"])
    assert (nobody_s.status_code, nobody_s.json()["code"]) == (404, "no_fhir")
    missing = ward.get("/v1/sessions/ses-nothing/fhir", headers=people["analyst"])
    assert (missing.status_code, missing.json()["code"]) == (404, "no_dose")
    assert ward.get(f"/v1/sessions/{clinic.sessions[0]}/fhir", headers=people["nurse"]).status_code == 403


def test_orders_and_files_are_on_record_without_values_of_filters(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    who = people["steward"]
    place = _order(ward, who, f"?patient={clinic.anna}")
    _done(ward, who, place)
    ward.get(f"{place}/Patient.ndjson", headers=who)
    with ward.app.state.service.db.read() as connection:  # type: ignore[attr-defined]
        entries = [e for e in audit.entries(connection) if e["action"] == "export"]
    assert [e["object"] for e in entries] == ["fhir", f"delivery {place.rpartition('/')[2]}"]
    assert entries[0]["detail"]["filters"] == ["patient"]
    assert clinic.anna not in json.dumps([e["detail"] for e in entries])


def test_an_order_on_disk_names_nobody(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    who = people["steward"]
    _done(ward, who, _order(ward, who, f"?patient={clinic.anna}"))
    orders: list[Path] = list((clinic.data / "deliveries").glob("*/order.json"))
    assert orders
    assert not [s for s in clinic.secrets for path in orders if s in path.read_text("utf-8")]
