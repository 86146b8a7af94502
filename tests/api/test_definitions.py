"""Before anything is downloaded: what is left out, and what a dose means."""

import re

from starlette.testclient import TestClient

from ingestor.exports.fields import names
from ingestor.exports.methods import methods
from ingestor.flow.limits import limits
from ingestor.meaning.policy import METHOD
from tests.api.clinic import Clinic
from tests.api.conftest import Staff


def test_every_part_of_a_filter_tells_what_it_leaves_out(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    def ask(query: str) -> dict[str, int | dict[str, int]]:
        answer = hospital.get(f"/v1/doses/exclusions?{query}", headers=people["analyst"])
        assert answer.status_code == 200, answer.text
        found: dict[str, int | dict[str, int]] = answer.json()
        return found

    listed = hospital.get("/v1/doses?limit=1000", headers=people["analyst"]).json()["items"]
    for query, name, fits in (
        ("status=final", "status", lambda r: r["status"] == "final"),
        ("complete=false", "complete", lambda r: not r["complete"]),
        ("pv_multiple_min=1.5", "pv_multiple_min", lambda r: (r["pv_multiple"] or 0) >= 1.5),
        ("pv_multiple_max=1.5", "pv_multiple_max", lambda r: (r["pv_multiple"] or 9) <= 1.5),
        ("reason=no_patient", "reason", lambda r: "no_patient" in r["status_reasons"]),
        ("alarm=self_test", "alarm", lambda _: False),
    ):
        found = ask(query)
        taken = sum(map(fits, listed))
        assert (found["included"], found["filtered"]) == (taken, {name: len(listed) - taken}), query
        assert found["sessions"] == len(known.sessions)
    assert ask("to=2000-01-01")["sessions"] == 0
    assert hospital.get("/v1/doses/exclusions?x=1", headers=people["analyst"]).status_code == 422
    assert hospital.get("/v1/doses/exclusions", headers=people["nurse"]).status_code == 403


def test_the_method_in_use_has_a_sheet_with_the_sites_own_limits(hospital: TestClient, people: Staff) -> None:
    sheets = hospital.get("/v1/methods", headers=people["analyst"]).json()["items"]
    assert [one["method"] for one in sheets] == list(methods())
    (sheet,) = [one for one in sheets if one["method"] == METHOD]
    said = {term["term"]["en"]: term["definition"] for term in sheet["terms"]}
    house = hospital.app.state.service.house  # type: ignore[attr-defined]
    known = limits(house)
    assert (known["withhold_percent"], known["height_years"], known["agree_ml"]) == ("10", "10", "20")
    assert f"more than {known['withhold_percent']} %" in said["Status"]["en"].replace("by more", "more")
    for words in said.values():
        assert set(words) == {"de", "en"}
        assert not re.search(r"[{}]", words["de"] + words["en"])


def test_every_computed_column_of_a_dose_is_explained_by_the_sheet(
    hospital: TestClient, people: Staff
) -> None:
    (sheet,) = hospital.get("/v1/methods", headers=people["analyst"]).json()["items"]
    explained = {column for term in sheet["terms"] for column in term["columns"]}
    assert explained <= set(names("doses"))
    facts = {
        "session_id", "patient", "started_at", "ended_at", "started_local", "time_method", "device", "device_model",
        "device_serial", "role", "driver", "driver_version", "evidence", "method", "sources",
    }  # fmt: skip
    assert set(names("doses")) - explained == facts
