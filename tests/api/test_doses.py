"""Doses as an analyst asks for them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from ingestor.exports.fields import names
from ingestor.flow import patients
from ingestor.store.tables import DOSE_COLUMNS
from tests.api.clinic import STEWARD, Clinic
from tests.api.conftest import Staff


def _doses(client: TestClient, who: dict[str, str], query: str = "") -> list[dict[str, object]]:
    answer = client.get(f"/v1/doses{query}", headers=who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["items"]
    return found


def test_a_row_has_the_fixed_columns_in_their_order(hospital: TestClient, people: Staff) -> None:
    (row, *_) = _doses(hospital, people["analyst"])
    assert tuple(row) == names("doses") == DOSE_COLUMNS


def test_the_doses_are_what_the_simulator_says_was_given(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    rows = _doses(hospital, people["steward"], f"?patient={known.anna}")
    assert [r["session_id"] for r in rows] == list(known.sessions[:3])
    for row, truth in zip(rows, known.truth, strict=True):
        assert row["processed_plasma_ml"] == pytest.approx(truth["processed_plasma_ml"], rel=0.001)
        assert row["started_local"] == truth["started_local"]
        assert row["cycles_completed"] == sum(c["completed"] for c in truth["cycles"])
        assert str(row["started_at"]).endswith("Z")


def test_an_analyst_finds_a_patient_by_the_pseudonym_alone(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    rows = _doses(hospital, people["analyst"])
    pseudonyms = {r["session_id"]: r["patient"] for r in rows}
    anna = pseudonyms[known.sessions[0]]
    assert str(anna).startswith("ps-")
    found = _doses(hospital, people["analyst"], f"?patient={anna}")
    assert [r["session_id"] for r in found] == list(known.sessions[:3])
    for guess in (
        known.anna,
        known.identifier,
        "nobody",
        str(anna)[:-1] + ("a" if str(anna)[-1] != "a" else "b"),
    ):
        assert _doses(hospital, people["analyst"], f"?patient={guess}") == []


def test_pages_of_one_row_are_the_whole_in_order(hospital: TestClient, people: Staff) -> None:
    for sort in (
        "started_at",
        "-started_at",
        "processed_plasma_ml",
        "-pv_multiple",
        "height_cm",
        "-height_cm",
    ):
        whole = _doses(hospital, people["analyst"], f"?sort={sort}")
        address, walked, links = f"/v1/doses?sort={sort}&limit=1", [], 0
        while address:
            answer = hospital.get(address, headers=people["analyst"])
            walked += answer.json()["items"]
            address = answer.json()["next"]
            links += answer.headers.get("link") == f'<{address}>; rel="next"'
        assert walked == whole
        assert (len(whole), links) == (5, 4)


def test_sorting_puts_rows_without_a_value_last(hospital: TestClient, people: Staff) -> None:
    for sort, reverse in (("height_cm", False), ("-height_cm", True)):
        heights = [r["height_cm"] for r in _doses(hospital, people["analyst"], f"?sort={sort}")]
        known = [h for h in heights if h is not None]
        assert heights == sorted(known, reverse=reverse) + [None] * (5 - len(known))
        assert 0 < len(known) < 5


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("linked=false", 2), ("linked=true", 3), ("status=provisional", 5), ("status=final", 0),
        ("status=final&status=provisional", 5), ("role=adsorber", 5), ("evidence=observed", 0),
        ("from=2020-06-09&to=2020-06-09", 1), ("from=2020-06-01&to=2020-06-09", 2), ("from=2020-06-10T05:59:48Z&to=2020-06-10", 1),
        ("from=2020-06-10T05:59:49Z&to=2020-06-10", 0), ("driver=twin-column-report", 5), ("driver=other", 0),
        ("complete=true", 5), ("complete=false", 0), ("reason=driver_not_accepted", 5), ("reason=nonsense", 0),
        ("processed_plasma_ml_min=4225", None), ("alarm=return_pressure_high", None), ("column=PEP-60", None),
        ("as_of=1999-12-31", 0), ("course=1", 3), ("session=nothing", 0),
    ],
)  # fmt: skip
def test_filters_let_through_what_they_say(
    hospital: TestClient, people: Staff, query: str, expected: int | None
) -> None:
    every = _doses(hospital, people["steward"])
    found = _doses(hospital, people["steward"], f"?{query}")
    if expected is not None:
        assert len(found) == expected
    if query.startswith("processed"):
        assert found == [r for r in every if float(str(r["processed_plasma_ml"])) >= 4225]
        assert 0 < len(found) < 5
    for row in found if query.startswith(("alarm", "column")) else ():
        shown = hospital.get(f"/v1/sessions/{row['session_id']}", headers=people["steward"]).json()
        kinds = {a["kind"] for a in shown["alarms"]}
        products = {c["product"] for c in shown["columns"]}
        assert "return_pressure_high" in kinds if query.startswith("alarm") else "PEP-60" in products
    assert hospital.get(f"/v1/doses?{query}&count=true", headers=people["steward"]).json()["count"] == len(
        found
    )


@pytest.mark.parametrize(
    "query",
    [
        "statsu=final", "status=Final", "limit=0", "limit=1001", "limit=1_0", "limit=١٢", "limit=1&limit=2",
        "sort=patient", "sort=", "cursor=abc", "cursor=W10", "from=yesterday", "from=2026-02-30", "complete=yes",
        "from=2026-11-01T08:00:00", "processed_plasma_ml_min=1e5", "processed_plasma_ml_min=NaN", "processed_plasma_ml_min=١٢",
        "processed_plasma_ml_min=", "patient=" + "x" * 300, "patient=a%00b", "&".join(["device=a"] * 101),
        "cursor=WyJzdGFydGVkX2F0IixmYWxzZSxudWxsLCJ4Il0", "cursor=" + "W" * 5000, "alarm=air",
    ],
)  # fmt: skip
def test_a_slip_in_the_question_is_refused_and_named(hospital: TestClient, people: Staff, query: str) -> None:
    answer = hospital.get(f"/v1/doses?{query}", headers=people["analyst"])
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_request")
    assert {e["where"] for e in problem["errors"]} <= {p.split("=")[0] for p in query.split("&")}
    assert all(e["problem"] in problem["title"] for e in problem["errors"])


def test_a_cursor_of_another_question_is_refused(hospital: TestClient, people: Staff) -> None:
    address = hospital.get("/v1/doses?limit=1", headers=people["analyst"]).json()["next"]
    cursor = address.split("cursor=")[1]
    other = hospital.get(f"/v1/doses?sort=-started_at&cursor={cursor}", headers=people["analyst"])
    assert other.status_code == 422


def test_nothing_new_is_answered_304_until_something_changes(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    first = ward.get("/v1/doses", headers=people["analyst"])
    tag = {"If-None-Match": first.headers["etag"]}
    again = ward.get("/v1/doses", headers=people["analyst"] | tag)
    assert (again.status_code, again.content) == (304, b"")
    assert ward.get("/v1/doses?limit=2", headers=people["analyst"] | tag).status_code == 200
    assert ward.get("/v1/doses", headers=people["steward"] | tag).status_code == 200
    with ward.app.state.service.db.write() as connection:  # type: ignore[attr-defined]
        new = patients.NewMeasurement(
            "weight", Decimal(70), "kg", datetime(2020, 6, 8, 5, tzinfo=UTC), "person"
        )
        patients.measure(ward.app.state.service.house, connection, clinic.anna, new, STEWARD)  # type: ignore[attr-defined]
    changed = ward.get("/v1/doses", headers=people["analyst"] | tag)
    assert changed.status_code == 200
    assert changed.json() != first.json()


def test_a_walk_over_pages_shows_one_state_and_an_old_state_can_be_asked_for(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    before = ward.get("/v1/doses", headers=people["analyst"]).json()["items"]
    first = ward.get("/v1/doses?limit=2", headers=people["analyst"]).json()
    service = ward.app.state.service  # type: ignore[attr-defined]
    with service.db.write() as connection:
        new = patients.NewMeasurement(
            "weight", Decimal(70), "kg", datetime(2020, 6, 10, 5, tzinfo=UTC), "person"
        )
        patients.measure(service.house, connection, clinic.anna, new, STEWARD)
    walked, address = first["items"], first["next"]
    while address:
        answer = ward.get(address, headers=people["analyst"]).json()
        walked, address = walked + answer["items"], answer["next"]
    assert walked == before
    assert ward.get("/v1/doses", headers=people["analyst"]).json()["items"] != before


def test_the_feed_says_which_doses_changed_and_why(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    seen = ward.get("/v1/changes?limit=1000", headers=people["analyst"]).json()["items"]
    assert {c["kind"] for c in seen} >= {"new"}
    last = seen[-1]["seq"]
    service = ward.app.state.service  # type: ignore[attr-defined]
    with service.db.write() as connection:
        new = patients.NewMeasurement(
            "weight", Decimal(70), "kg", datetime(2020, 6, 10, 5, tzinfo=UTC), "person"
        )
        patients.measure(service.house, connection, clinic.anna, new, STEWARD)
    news = ward.get(f"/v1/changes?after={last}", headers=people["analyst"]).json()["items"]
    assert {n["session_id"] for n in news} <= set(clinic.sessions[:3])
    assert news
    assert all(n["seq"] > last and "weight_kg" in n["fields"] for n in news)
    paged = ward.get("/v1/changes?limit=2", headers=people["analyst"]).json()
    assert paged["next"] == f"/v1/changes?limit=2&after={paged['items'][-1]['seq']}"


def test_courses_add_up_and_tell_no_birthday(hospital: TestClient, people: Staff, known: Clinic) -> None:
    (row, *_) = [r for r in _doses(hospital, people["analyst"]) if r["session_id"] == known.sessions[0]]
    answer = hospital.get(f"/v1/patients/{row['patient']}/courses", headers=people["analyst"]).json()
    assert (answer["patient"], answer["sex"], answer["age"]) == (row["patient"], "female", "52")
    (course,) = answer["courses"]
    total = sum(
        float(str(r["processed_plasma_ml"]))
        for r in _doses(hospital, people["analyst"], f"?patient={row['patient']}")
    )
    assert course["processed_plasma_ml"] == pytest.approx(total)
    assert [s["id"] for s in course["sessions"]] == list(known.sessions[:3])
    for guess in (known.anna, "ps-nobody", "x"):
        assert hospital.get(f"/v1/patients/{guess}/courses", headers=people["analyst"]).status_code == 404
    assert hospital.get(f"/v1/patients/{known.anna}/courses", headers=people["steward"]).status_code == 200


def test_a_nurse_gets_no_doses(hospital: TestClient, people: Staff) -> None:
    for path in ("/v1/doses", "/v1/alarms", "/v1/changes", "/v1/patients/x/courses"):
        assert hospital.get(path, headers=people["nurse"]).status_code == 403
