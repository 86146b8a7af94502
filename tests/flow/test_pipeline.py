"""What the one door promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from ingestor.flow import linking
from ingestor.flow.patients import NewMeasurement, NewPatient, add, measure
from ingestor.flow.pipeline import confirm
from ingestor.flow.verify import verify
from ingestor.meaning.policy import METHOD
from ingestor.store import audit, doses, sessions, tables
from tests.parts import ORDER, PERSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row

    from ingestor.flow.house import House
    from tests.parts import Exports

    Bring = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def one(simulated: Callable[..., Exports]) -> Exports:
    return simulated("twin-column-report", "--seed", "7", "--sessions", "1")


def state(house: House) -> dict[str, int]:
    """Return how many rows stand in every table that a second ingest must not touch."""
    names = ("session", "run", "revision", "cycle", "alarm", "dose", "change", "link", "source", "raw_file")
    with house.db.read() as connection:
        return {
            n: connection.execute(select(func.count()).select_from(getattr(tables, n))).scalar_one()
            for n in names
        }


def dose(house: House, session: str) -> Row[Any]:
    with house.db.read() as connection:
        return doses.current(connection, session, METHOD)


def test_an_export_becomes_one_session_with_the_dose_of_its_truth(house: House, bring: Bring, one: Exports):
    receipt = bring(one.files[0].read_bytes())
    truth = one.sessions[0]
    assert receipt["status"] == "stored"
    served = dose(house, receipt["sessions"][0])
    assert float(served.processed_plasma_ml) == pytest.approx(truth["processed_plasma_ml"], rel=0.005)
    assert served.cycles_completed == sum(c["completed"] for c in truth["cycles"])
    with house.db.read() as connection:
        codes = (
            connection.execute(select(tables.alarm.c.code).order_by(tables.alarm.c.position)).scalars().all()
        )
    assert sorted(codes) == sorted(a["code"] for a in truth["alarms"])


def test_every_row_read_is_stored_held_duplicate_or_ignored(bring: Bring, one: Exports):
    for _ in range(2):
        rows = bring(one.files[0].read_bytes())["rows"]
        assert rows["read"] == rows["stored"] + rows["held"] + rows["duplicate"] + rows["ignored"] > 100


def test_a_second_ingest_of_the_same_bytes_changes_nothing(house: House, bring: Bring, one: Exports):
    first = bring(one.files[0].read_bytes())
    before = state(house)
    second = bring(one.files[0].read_bytes(), "other-name.csv")
    assert second["status"] == "duplicate"
    assert second["sessions"] == first["sessions"]
    assert second["runs"] == first["runs"]
    assert state(house) == before


def test_a_file_that_nobody_knows_is_refused_and_its_bytes_are_kept(house: House, bring: Bring):
    receipt = bring(b"%PDF-1.7 something else entirely", "bericht.pdf")
    assert receipt["status"] == "refused"
    assert receipt["sessions"] == []
    assert house.archive.read(receipt["source"]).startswith(b"%PDF")
    assert all(receipt["message"][language] for language in ("de", "en"))


def test_a_cut_export_is_partial_until_the_whole_one_replaces_it(house: House, bring: Bring, one: Exports):
    whole = one.files[0].read_bytes()
    lines = whole.splitlines(keepends=True)
    cut = b"".join(lines[: len(lines) * 2 // 3])
    first = bring(cut)
    session = first["sessions"][0]
    assert first["code"] == "stored_partial"
    assert not dose(house, session).complete
    second = bring(whole)
    assert second["status"] == "superseded"
    assert second["sessions"] == [session]
    assert dose(house, session).complete
    assert float(dose(house, session).processed_plasma_ml) == pytest.approx(
        one.sessions[0]["processed_plasma_ml"], rel=0.005
    )
    again = bring(cut, "again.txt")
    assert again["status"] == "duplicate"


def test_a_cut_export_is_a_provisional_lower_bound_although_its_readings_cover_different_stretches(
    house: House, bring: Bring, one: Exports
):
    lines = one.files[0].read_bytes().splitlines(keepends=True)
    middle_of_samples = next(i for i, line in enumerate(lines) if b"[Messwerte]" in line) + 60
    served = dose(house, bring(b"".join(lines[:middle_of_samples]))["sessions"][0])
    assert served.status == "provisional"
    assert "incomplete" in served.status_reasons
    assert float(served.processed_plasma_ml) == pytest.approx(
        one.sessions[0]["processed_plasma_ml"], rel=0.005
    )
    assert served.counter_ml < served.cycles_ml


def test_a_contradicting_export_is_held_and_the_served_dose_stays(house: House, bring: Bring, one: Exports):
    whole = one.files[0].read_bytes()
    session = bring(whole)["sessions"][0]
    before = dose(house, session)
    load = next(line for line in whole.splitlines() if b";Beladung;" in line)
    volume = load.split(b";")[5]
    changed = whole.replace(load, load.replace(volume, b"123,4"), 1)
    receipt = bring(changed)
    assert receipt["status"] == "held"
    assert receipt["rows"]["held"] > 100
    assert dose(house, session) == before


def test_a_session_finds_its_patient_by_the_number_typed_at_the_machine(
    house: House, bring: Bring, one: Exports
):
    typed = one.sessions[0]["patient_id"]
    with house.db.write() as connection:
        patient = add(
            house, connection, NewPatient("female", identifiers={"hospital": typed.lstrip("0")}), PERSON
        )
    session = bring(one.files[0].read_bytes())["sessions"][0]
    assert dose(house, session).patient_id == patient


def test_a_patient_added_later_finds_the_session_that_waited(house: House, bring: Bring, one: Exports):
    session = bring(one.files[0].read_bytes())["sessions"][0]
    assert dose(house, session).patient_id is None
    with house.db.write() as connection:
        patient = add(
            house, connection, NewPatient("male", identifiers={"h": one.sessions[0]["patient_id"]}), PERSON
        )
    assert dose(house, session).patient_id == patient


def test_linking_and_unlinking_return_to_the_same_dose(house: House, bring: Bring, one: Exports):
    session = bring(one.files[0].read_bytes())["sessions"][0]
    with house.db.write() as connection:
        patient = add(house, connection, NewPatient("female"), PERSON)
    kept_apart = {"id", "known_from", "known_to"}
    before = {k: v for k, v in dose(house, session)._mapping.items() if k not in kept_apart}
    with house.db.write() as connection:
        linking.link(house, connection, session, patient, PERSON, "seen at the bedside")
    assert dose(house, session).patient_id == patient
    with house.db.write() as connection:
        linking.unlink(house, connection, session, PERSON, "wrong bed")
    after = {k: v for k, v in dose(house, session)._mapping.items() if k not in kept_apart}
    assert after == before


def test_a_person_who_unlinked_is_not_overruled_by_the_identifier(house: House, bring: Bring, one: Exports):
    typed = one.sessions[0]["patient_id"]
    with house.db.write() as connection:
        add(house, connection, NewPatient("female", identifiers={"h": typed}), PERSON)
    session = bring(one.files[0].read_bytes())["sessions"][0]
    with house.db.write() as connection:
        linking.unlink(house, connection, session, PERSON, "number was typed for the wrong person")
        linking.link_waiting(house, connection)
    assert dose(house, session).patient_id is None


def test_a_measurement_changes_the_multiple_in_the_same_transaction(house: House, bring: Bring, one: Exports):
    typed, local = one.sessions[0]["patient_id"], one.sessions[0]["started_local"]
    with house.db.write() as connection:
        patient = add(house, connection, NewPatient("female", identifiers={"h": typed}), PERSON)
    session = bring(one.files[0].read_bytes())["sessions"][0]
    before = dose(house, session)
    from datetime import UTC, datetime
    from decimal import Decimal

    at = datetime.fromisoformat(local).replace(tzinfo=UTC)
    with house.db.write() as connection:
        measure(house, connection, patient, NewMeasurement("height", Decimal("1.65"), "m", at), PERSON)
    after = dose(house, session)
    assert before.plasma_volume_formula == "kaplan"
    assert after.plasma_volume_formula == "nadler"
    assert after.height_cm == 165
    assert after.pv_multiple != before.pv_multiple
    assert after.processed_plasma_ml == before.processed_plasma_ml


def test_a_preview_tells_and_stores_nothing_until_it_is_confirmed(house: House, bring: Bring, one: Exports):
    from dataclasses import replace

    preview = bring(one.files[0].read_bytes(), order=replace(ORDER, preview=True))
    assert preview["status"] == "preview"
    assert preview["preview"][0]["processed_plasma_ml"] == pytest.approx(
        one.sessions[0]["processed_plasma_ml"], rel=0.005
    )
    assert state(house)["session"] == 0
    receipt = confirm(house, preview["submission"], PERSON)
    assert receipt["status"] == "stored"
    assert state(house)["session"] == 1


def test_what_is_served_can_always_be_computed_again(
    house: House, bring: Bring, simulated: Callable[..., Exports]
):
    many = simulated("twin-column-report", "--seed", "11", "--sessions", "4")
    for file in many.files:
        bring(file.read_bytes(), file.name)
    assert list(verify(house)) == []


def test_verify_finds_a_dose_that_somebody_changed(house: House, bring: Bring, one: Exports):
    session = bring(one.files[0].read_bytes())["sessions"][0]
    with house.db.write() as connection:
        connection.execute(tables.dose.update().values(processed_plasma_ml=1))
    assert [(m.session, m.fields) for m in verify(house)] == [(session, ("processed_plasma_ml",))]


def test_the_audit_chain_holds_and_names_nobody(house: House, bring: Bring, one: Exports):
    bring(one.files[0].read_bytes())
    with house.db.read() as connection:
        assert audit.first_bad(connection) is None
        actions = [e["action"] for e in audit.entries(connection)]
        text = str(list(audit.entries(connection)))
    assert actions == ["submit", "settle"]
    assert one.sessions[0]["patient_id"] not in text


def test_sessions_of_one_patient_are_numbered_by_course(
    house: House, bring: Bring, simulated: Callable[..., Exports]
):
    many = simulated("twin-column-report", "--seed", "11", "--sessions", "4")
    with house.db.write() as connection:
        for typed in {s["patient_id"] for s in many.sessions}:
            add(house, connection, NewPatient("female", identifiers={"h": typed}), PERSON)
    for file in reversed(many.files):
        bring(file.read_bytes(), file.name)
    with house.db.read() as connection:
        rows = [doses.current(connection, s, METHOD) for s in sessions.all_sessions(connection)]
    assert all(row.course is not None for row in rows)
    for patient in {row.patient_id for row in rows}:
        numbers = [int(row.course) for row in rows if row.patient_id == patient]
        assert numbers == sorted(numbers)
        assert numbers[0] == 1


def test_the_same_key_sent_twice_is_one_submission(bring: Bring, one: Exports):
    from dataclasses import replace

    order = replace(ORDER, idempotency_key="k-1")
    first = bring(one.files[0].read_bytes(), order=order)
    second = bring(one.files[0].read_bytes(), order=order)
    assert first == second
