"""Whatever an analyst asks for, and however, nothing in the answer says who the patient is."""

import itertools
import re
from datetime import UTC, datetime

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from api.openapi import routes_of
from ingestor.exports.view import View
from ingestor.flow import linking
from ingestor.ops import snapshots
from ingestor.ops.shelf import Shelf
from ingestor.store.answers.doses import Wanted
from tests.api.clinic import FILE, STEWARD, Clinic
from tests.api.conftest import PASSWORD, Staff


def _addresses(client: TestClient, known: Clinic) -> list[tuple[str, str]]:
    """Return every address of every route, filled with ids that exist."""
    service = client.app.state.service  # type: ignore[attr-defined]
    source = __import__("hashlib").sha256(known.exports[FILE]).hexdigest()
    values = {
        "session": known.sessions[:1], "key": (source,), "source": (source,), "name": ("finding",),
        "pseudonym": (service.pseudonyms.of(known.anna), known.anna), "patient": (known.anna,), "member": ("0",),
        "submission": ("sub-x",), "job": tuple(client.app.state.deliveries.orders.jobs()[:1]) or ("exp-x",),  # type: ignore[attr-defined]
        "file": ("Patient.ndjson",),
    }  # fmt: skip
    found = []
    for path, route in routes_of(client.app.routes):  # type: ignore[attr-defined]
        if not isinstance(route, APIRoute):
            continue
        names = [n.partition(":")[0] for n in re.findall(r"\{([^}]+)\}", path)]
        plain = re.sub(r"\{([^}:]+):[^}]+\}", r"{\1}", path)
        for chosen in itertools.product(*(values.get(n, (known.sessions[0],)) for n in names)):
            filled = plain.format(**dict(zip(names, chosen, strict=True)))
            found += [(method, filled) for method in route.methods or ()]
    return found


def _leaks(clinic: Clinic, text: str, address: str) -> list[str]:
    # What was asked with may stand in the answer; it was known before.
    return [s for s in clinic.secrets if s in text and s not in address]


def test_no_route_tells_an_analyst_who_a_patient_is(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    addresses = _addresses(hospital, known)
    assert len(addresses) > 30
    seen = 0
    for method, address in addresses:
        answer = hospital.request(method, address, headers=people["analyst"])
        assert _leaks(known, answer.text + str(answer.headers), address) == [], (method, address)
        assert answer.status_code < 500, (method, address)
        seen += answer.status_code == 200
    assert seen > 20


def test_the_same_routes_tell_a_steward(hospital: TestClient, people: Staff, known: Clinic) -> None:
    """Otherwise the test above would prove nothing."""
    telling = [
        address
        for method, address in _addresses(hospital, known)
        if method == "GET" and _leaks(known, hospital.get(address, headers=people["steward"]).text, "")
    ]
    assert {f"/v1/sessions/{known.sessions[0]}", f"/v1/sessions/{known.sessions[0]}/evidence"} <= set(telling)


@pytest.mark.parametrize(
    "query",
    ["sort=patient", "sort=-patient", "patient={anna}", "patient={identifier}", "patient=Beispielhuber",
     "session={identifier}", "column={identifier}", "device={identifier}", "cursor={identifier}", "reason=%25"],
)  # fmt: skip
def test_no_filter_and_no_order_tells_it_either(
    hospital: TestClient, people: Staff, known: Clinic, query: str
) -> None:
    filled = query.format(anna=known.anna, identifier=known.identifier)
    for path in ("/v1/doses", "/v1/sessions", "/v1/alarms"):
        answer = hospital.get(f"{path}?{filled}", headers=people["analyst"])
        assert answer.status_code == 422 or answer.json()["items"] == []
        assert _leaks(known, answer.text, filled) == []


def test_pages_tell_an_analyst_no_more_than_the_interface(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    signed_in = TestClient(hospital.app, follow_redirects=False)
    answer = signed_in.post("/login", data={"name": "the analyst", "password": PASSWORD})
    assert answer.status_code == 303
    for method, address in _addresses(hospital, known):
        if method == "GET" and not address.startswith("/v1/"):
            page = signed_in.get(address, headers={"Accept": "text/html"})
            assert _leaks(known, page.text, address) == [], address


def test_logs_name_nobody(
    ward: TestClient, people: Staff, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for method, address in _addresses(ward, clinic):
        for role in ("analyst", "steward"):
            ward.request(method, address, headers=people[role])
    assert not [s for s in clinic.secrets if s in caplog.text.replace(clinic.anna, "")]
    assert "apx_" not in caplog.text


def test_data_sets_drawings_and_files_of_them_tell_an_analyst_no_more(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    service = ward.app.state.service  # type: ignore[attr-defined]
    shelf = Shelf(service.db, clinic.data / "snapshots", "vie", View(service.pseudonyms.of), "key")
    for name in ("one", "two"):
        snapshots.take(shelf, snapshots.Order(name, Wanted("vie"), (), STEWARD, datetime.now(UTC)))
    with service.db.write() as connection:
        linking.unlink(service.house, connection, clinic.sessions[0], STEWARD, f"not {clinic.identifier}")
    pseudonym = service.pseudonyms.of(clinic.anna)
    files = [f"/v1/snapshots/one/files/{path.name}" for path in (shelf.folder / "one").iterdir()]
    tables = [f"/v1/{t}.{s}" for t in ("doses", "sessions", "cycles", "alarms", "events", "traces")
              for s in ("csv", "parquet", "arrow", "ndjson", "excel.csv")]  # fmt: skip
    plots = [f"/cohort/{p}.csv" for p in ("plasma", "months", "multiples", "agreement", "apart", "missing")]
    addresses = [
        "/v1/snapshots", "/v1/snapshots/one", "/v1/snapshots/one/diff/two", "/v1/changes", "/v1/methods",
        "/v1/doses/exclusions", f"/v1/doses/exclusions?patient={pseudonym}", "/v1/doses?count=true&limit=2",
        "/snapshots", "/snapshots/one", "/methods", "/cohort", f"/courses/{pseudonym}", f"/courses/{pseudonym}.csv",
        *files, *tables, *plots,
    ]  # fmt: skip
    seen = 0
    for address in addresses:
        answer = ward.get(address, headers=people["analyst"])
        assert answer.status_code < 500, address
        told = answer.content + str(answer.headers).encode()
        assert [s for s in clinic.secrets if s.encode() in told] == [], address
        seen += answer.status_code == 200
    assert seen > len(addresses) - 5
    for slip in (f"patient={clinic.identifier}", f"session={clinic.identifier}", "sort=patient", "as_of=x"):
        for path in ("/v1/doses/exclusions", "/v1/doses", "/v1/doses.csv"):
            told = ward.get(f"{path}?{slip}", headers=people["analyst"]).text
            assert _leaks(clinic, told, slip) == [], (path, slip)
