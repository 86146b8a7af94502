"""One session, down to the lines it was read from."""

import pytest
from starlette.testclient import TestClient

from ingestor.exports.fields import names
from ingestor.exports.view import HIDDEN, View
from ingestor.store import audit
from tests.api.clinic import FILE, NAME, Clinic
from tests.api.conftest import Staff


def _get(client: TestClient, who: dict[str, str], path: str):  # noqa: ANN202
    answer = client.get(path, headers=who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_session_has_the_parts_that_scripts_rely_on(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    key = known.sessions[1]
    found = _get(hospital, people["steward"], f"/v1/sessions/{key}")
    promised = ["session", "runs", "columns", "cycles", "alarms", "events", "findings", "dose"]
    assert list(found) == [*promised, "column_warnings"]
    assert (found["session"]["id"], found["session"]["patient"]) == (key, known.anna)
    truth = known.truth[1]
    assert found["runs"][0]["printed_id"] == truth["run"]
    assert [a["code"] for a in found["alarms"]] == [a["code"] for a in truth["alarms"]]
    assert len([c for c in found["cycles"] if c["completed"]]) == sum(c["completed"] for c in truth["cycles"])
    (dose,) = _get(hospital, people["steward"], f"/v1/doses?session={key}")["items"]
    assert found["dose"] == dose
    for part in ("cycles", "alarms"):
        assert _get(hospital, people["steward"], f"/v1/sessions/{key}/{part}")["items"] == found[part]
    alone = _get(hospital, people["steward"], f"/v1/sessions/{key}/dose")
    assert {k: v for k, v in alone.items() if k != "detail"} == dose
    assert alone["detail"] == found["session"]["dose_detail"]


def test_every_reading_leads_to_the_lines_on_which_it_stands(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    found = _get(hospital, people["steward"], f"/v1/sessions/{known.sessions[0]}/evidence")
    lines = known.exports[FILE].decode("cp1252").split("\r\n")
    readings = found["readings"]
    for reading in readings.values():
        assert reading["facts"]
        for fact in reading["facts"]:
            assert fact["text"] == lines[fact["line"] - 1]
            assert fact["member"] == FILE
    (reported,) = readings["reported"]["facts"]
    assert reported["text"] == f"Plasmavolumen ml;{reported['printed']}"
    loads = [fact["value"] for fact in readings["cycles"]["facts"]]
    assert sum(loads) == pytest.approx(readings["cycles"]["value_ml"])
    assert found["sources"][0]["members"][0]["name"] == FILE
    assert found["served"] == {"reading": "reported", "value_ml": readings["reported"]["value_ml"]}


def test_a_missing_original_leaves_the_evidence_without_lines(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    for path in (clinic.data / "archive").glob("??/*"):
        path.unlink()
    found = _get(ward, people["steward"], f"/v1/sessions/{clinic.sessions[0]}/evidence")
    facts = [f for r in found["readings"].values() for f in r["facts"]]
    assert facts
    assert {f["text"] for f in facts} == {None}


def test_samples_come_as_columns_exactly_as_printed(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    path = f"/v1/sessions/{known.sessions[0]}/trace"
    whole = _get(hospital, people["analyst"], path)
    (run,) = whole["runs"]
    lines = known.exports[FILE].decode("cp1252").split("\r\n")
    assert run["samples"] == len(run["time_ms"]) == len(run["line"]) > 100
    (plasma,) = [c for c in run["channels"] if c["channel"] == "plasma_flow"]
    for line, value in zip(run["line"], plasma["values"], strict=True):
        assert f"{value:.{plasma['decimals']}f}".replace(".", ",") in lines[line - 1].split(";")
    some = _get(hospital, people["analyst"], f"{path}?channel=plasma_flow&channel=blood_flow")["runs"][0]
    assert {c["channel"] for c in some["channels"]} == {"plasma_flow", "blood_flow"}


def test_sessions_are_listed_by_start_in_pages(hospital: TestClient, people: Staff, known: Clinic) -> None:
    whole = _get(hospital, people["analyst"], "/v1/sessions?sort=-started_at")["items"]
    assert tuple(whole[0]) == names("sessions")
    assert [r["started_at"] for r in whole] == sorted((r["started_at"] for r in whole), reverse=True)
    walked, address = [], "/v1/sessions?sort=-started_at&limit=2"
    while address:
        page = _get(hospital, people["analyst"], address)
        walked, address = walked + page["items"], page["next"]
    assert walked == whole
    linked = _get(hospital, people["analyst"], "/v1/sessions?linked=true")["items"]
    assert [r["session_id"] for r in linked] == list(known.sessions[:3])


def test_alarms_of_all_sessions_can_be_walked_and_filtered(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    every = _get(hospital, people["analyst"], "/v1/alarms")["items"]
    assert tuple(every[0]) == names("alarms")
    of_anna = [a for a in every if a["session_id"] in known.sessions[:3]]
    assert [a["code"] for a in of_anna] == [a["code"] for t in known.truth for a in t["alarms"]]
    walked, address = [], "/v1/alarms?limit=1"
    while address:
        page = _get(hospital, people["analyst"], address)
        walked, address = walked + page["items"], page["next"]
    assert walked == every
    kind = every[0]["kind"]
    assert _get(hospital, people["analyst"], f"/v1/alarms?kind={kind}")["items"] == [
        a for a in every if a["kind"] == kind
    ]


def test_machines_and_columns_tell_their_use(hospital: TestClient, people: Staff, known: Clinic) -> None:
    machines = _get(hospital, people["analyst"], "/v1/devices")["items"]
    assert sum(m["sessions"] for m in machines) == 5
    (mine,) = [m for m in machines if m["serial"] == known.truth[0]["device"]["serial"]]
    assert mine["drivers"] == ["twin-column-report (declared)"]
    columns = _get(hospital, people["analyst"], "/v1/columns")["items"]
    used = {c["column"] for t in known.truth for c in t["cycles"]}
    assert {c["serial"] for c in columns if c["sessions"] == 3 and c["patients"] == 1}
    assert used
    first = _get(hospital, people["analyst"], "/v1/columns?limit=1")
    assert first["items"] == columns[:1]
    assert _get(hospital, people["analyst"], first["next"])["items"] == columns[1:2]


def test_every_list_of_codes_has_both_languages(hospital: TestClient, people: Staff) -> None:
    lists = _get(hospital, people["nurse"], "/v1/codes")
    assert {"dose_status", "status_reason", "finding", "refusal", "alarm_kind"} <= set(lists)
    for entries in lists.values():
        assert all(words["de"] and words["en"] for words in entries.values())
    assert _get(hospital, people["nurse"], "/v1/codes/reading") == {"reading": lists["reading"]}
    assert hospital.get("/v1/codes/nothing", headers=people["nurse"]).status_code == 404


@pytest.mark.parametrize("part", ["", "/dose", "/evidence", "/trace", "/cycles", "/alarms"])
def test_an_unknown_session_is_not_found(hospital: TestClient, people: Staff, part: str) -> None:
    answer = hospital.get(f"/v1/sessions/ses-nothing{part}", headers=people["analyst"])
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_session")


def test_another_ward_s_session_is_not_found(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    from sqlalchemy import insert, update

    from ingestor.store.tables import account, session
    from ingestor.store.tables import ward as wards

    service = ward.app.state.service  # type: ignore[attr-defined]
    with service.db.write() as connection:
        connection.execute(
            insert(wards).values([{"id": w, "centre": "vie", "name": w} for w in ("w1", "w2")])
        )
        connection.execute(update(account).where(account.c.role == "nurse").values(ward="w1"))
        for key, place in zip(clinic.sessions, ("w1", "w2", None), strict=False):
            connection.execute(update(session).where(session.c.id == key).values(ward=place))
        audit.record(connection, audit.Actor("test", "admin"), "wards", "-")
    statuses = [
        ward.get(f"/v1/sessions/{k}", headers=people["nurse"]).status_code for k in clinic.sessions[:3]
    ]
    assert statuses == [200, 404, 200]
    listed = {r["session_id"] for r in _get(ward, people["nurse"], "/v1/sessions")["items"]}
    assert listed == set(clinic.sessions) - {clinic.sessions[1]}
    assert len(_get(ward, people["steward"], "/v1/sessions")["items"]) == 5


def test_who_looked_at_an_identified_session_is_on_record(
    ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    key = clinic.sessions[0]
    for who in ("nurse", "nurse", "analyst"):
        _get(ward, people[who], f"/v1/sessions/{key}")
    with ward.app.state.service.db.read() as connection:  # type: ignore[attr-defined]
        looks = [
            (e["actor"], e["object"]) for e in audit.entries(connection) if e["action"] == "read-session"
        ]
    assert looks == [("the nurse", key)]


def test_words_that_name_a_person_are_masked_in_every_spelling() -> None:
    view = View(str.upper)
    words = (NAME, "0054337373", "1968-03-04")
    for text in (
        "XAVERINE kam",
        "beispielhuber,xaverine",
        "Nr 54337373",
        "*04.03.1968",
        "4.3.1968",
        "680304",
    ):
        masked = view.text(text, words)
        assert HIDDEN in masked
        assert not any(w in masked.lower() for w in ("xaverine", "beispiel", "54337373", "1968", "680304"))
    assert view.text("Zugangsdruck niedrig", words) == "Zugangsdruck niedrig"
    assert View().text("Xaverine", words) == "Xaverine"


@pytest.mark.parametrize(
    "line", ["Patient;12", "Name: X", "PID|1||4711", "geb. am", "Kommentar: Hr. M. klagt", "x" * 401]
)
def test_a_line_that_may_name_a_person_is_hidden_as_a_whole(line: str) -> None:
    assert View(str.upper).line(line, ()) == HIDDEN
    assert View().line(line, ()) == line
