"""Requests of persons: two people decide, research does not see what is restricted, an erased name does not come back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sqlalchemy import select, text

from api.web import cohort as drawings
from ingestor.errors import Forbidden, Invalid
from ingestor.flow import privacy
from ingestor.flow.house import open_house
from ingestor.store import accounts, audit
from ingestor.store import privacy as stored
from ingestor.store.answers.cohort import Points
from ingestor.store.tables import identity, patient, printed_patient
from tests.api.clinic import NAME, STEWARD, Clinic, furnish
from tests.safety.conftest import hashed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestor.flow.house import House
    from ingestor.isolate import Reader
    from tests.safety.conftest import Office, Person

OTHER = audit.Actor("another steward", "steward")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    from ingestor.config import Settings

    folder = tmp_path_factory.mktemp("privacy")
    return furnish(Settings(data_dir=folder / "data", centre="vie"), folder)


@pytest.fixture
def clinic(made: Clinic, tmp_path: Path) -> Clinic:
    shutil.copytree(made.data, tmp_path / "data")
    return replace(made, data=tmp_path / "data")


@pytest.fixture
def here(clinic: Clinic, office_of: Callable[..., Office]) -> Office:
    office = office_of(centre="vie", smallest_cell=1)
    with office.service.db.write() as connection:
        accounts.add(connection, "vie", OTHER.name, "steward", office.service.now(), password=hashed())
    return office


def _key(office: Office) -> str:
    with office.service.db.read() as connection:
        return str(stored.listing(connection, "vie")[0]["id"])


def dose_differs_now(office: Office, session: str) -> bool:
    from ingestor.flow.verify import dose_differs

    with office.service.db.read() as connection:
        return dose_differs(office.service.house, connection, session)


def _doses(person: Person, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.see(f"/v1/doses{query}", accept="application/json").json()["items"]
    return found


def test_who_sees_names_learns_whose_a_pseudonym_is_only_after_a_second_person_agreed(
    here: Office, clinic: Clinic
) -> None:
    asker, other = here.sign_in("steward"), here.sign_in(OTHER.name)
    pseudonym = here.service.pseudonyms.of(clinic.anna)
    looks = (f"/v1/doses?patient={pseudonym}", f"/courses/{pseudonym}", f"/v1/patients/{pseudonym}/courses")
    assert [asker.see(path).status_code for path in looks] == [403] * 3
    for path, fields in (("/privacy", {"whom": pseudonym, "kind": "restriction", "reason": "x"}),):
        assert asker.send(path, **fields).status_code == 404
    assert asker.send("/privacy", whom=pseudonym, kind="reidentification", reason="").status_code == 422
    assert (
        asker.send("/privacy", whom=pseudonym, kind="reidentification", reason="finding").status_code == 303
    )
    assert clinic.anna not in asker.see("/privacy").text
    key = _key(here)
    assert asker.send(f"/privacy/{key}/decide", choice="granted").status_code == 403
    assert other.send(f"/privacy/{key}/decide", choice="granted", note="ok").status_code == 303
    assert [asker.see(path).status_code for path in looks] == [200] * 3
    assert f"/patients/{clinic.anna}" in asker.see("/privacy").text
    assert [other.see(path).status_code for path in looks] == [403] * 3
    assert other.send(f"/privacy/{key}/decide", choice="refused").status_code == 422
    entry = here.entries("granted-reidentification")[0]
    assert (entry["actor"], entry["object"], entry["reason"]) == (OTHER.name, key, "ok")


def test_an_analyst_follows_a_pseudonym_without_learning_anything(here: Office, clinic: Clinic) -> None:
    analyst = here.sign_in("analyst")
    pseudonym = here.service.pseudonyms.of(clinic.anna)
    assert len(_doses(analyst, f"?patient={pseudonym}")) == 3
    assert analyst.send("/privacy", whom=pseudonym, kind="reidentification", reason="x").status_code == 403


def test_a_restricted_patient_is_not_there_for_research_until_that_is_lifted(
    here: Office, clinic: Clinic
) -> None:
    steward, analyst, nurse = (here.sign_in(name) for name in ("steward", "analyst", "nurse"))
    pseudonym = here.service.pseudonyms.of(clinic.anna)
    assert len(_doses(analyst)) == 5
    assert (
        steward.send("/privacy", whom=clinic.anna, kind="restriction", reason="asked in writing").status_code
        == 303
    )
    assert len(_doses(analyst)) == len(_doses(steward)) == 2
    assert analyst.see("/v1/doses.csv").text.count("\n") == 3
    assert analyst.see("/v1/sessions.csv").text.count("\n") == 3
    for path in (
        f"/v1/sessions/{clinic.sessions[0]}",
        f"/v1/sessions/{clinic.sessions[0]}/dose",
        f"/courses/{pseudonym}",
    ):
        assert analyst.see(path).status_code == 404, path
    assert analyst.see(f"/v1/patients/{pseudonym}/courses").text.count("processed") == 0
    assert nurse.see(f"/sessions/{clinic.sessions[0]}").status_code == 200
    assert "Restricted" in nurse.see(f"/patients/{clinic.anna}").text
    source = next(iter(here.service.house.archive.objects()))
    closed = [nurse.see(f"/sources/{sha}").status_code for sha in here.service.house.archive.objects()]
    assert (closed.count(403), closed.count(200)) == (3, 2), source
    assert steward.send(f"/privacy/{_key(here)}/end", reason="settled").status_code == 303
    assert len(_doses(analyst)) == 5
    assert steward.send(f"/privacy/{_key(here)}/end", reason="again").status_code == 422


def test_an_erased_person_is_named_nowhere_and_the_doses_stay(here: Office, clinic: Clinic) -> None:
    steward, other, analyst = here.sign_in("steward"), here.sign_in(OTHER.name), here.sign_in("analyst")
    volumes = [row["processed_plasma_ml"] for row in _doses(analyst)]
    steward.send("/privacy", whom=clinic.anna, kind="erasure", reason="asked in writing")
    assert NAME in steward.see(f"/patients/{clinic.anna}").text
    other.send(f"/privacy/{_key(here)}/decide", choice="granted", note="retention is over")
    assert [row["processed_plasma_ml"] for row in _doses(analyst)] == volumes
    with closing(sqlite3.connect(clinic.data / "apherelog.db")) as copy:
        dump = "\n".join(copy.iterdump())
    words = set(clinic.secrets) - {clinic.anna, clinic.bert}
    assert [line[:2000] for line in dump.splitlines() if any(word in line for word in words)] == []
    differing = [s for s in clinic.sessions if dose_differs_now(here, s)]
    assert differing == []
    for path in ("evidence", "evidence.zip"):
        assert steward.see(f"/v1/sessions/{clinic.sessions[0]}/{path}").status_code == 403
    entry = here.entries("granted-erasure")[0]
    assert (entry["detail"]["identifiers"], entry["detail"]["printed"]) == (2, 3)


def test_reading_an_original_again_does_not_bring_an_erased_name_back(clinic: Clinic, reader: Reader) -> None:
    from ingestor.config import Settings
    from ingestor.store import runs

    settings = Settings(data_dir=clinic.data, centre="vie")
    with open_house(settings, reader=reader) as house, house.db.write() as connection:
        key = privacy.ask(house, connection, "erasure", clinic.anna, STEWARD, "asked")
        run_id = runs.runs_of(connection, clinic.sessions[0])[0].id
        assert not stored.run_is_of_erased(connection, run_id)
        privacy.decide(house, connection, key, OTHER, "", grant=True)
        assert stored.run_is_of_erased(connection, run_id)
        assert not stored.run_is_of_erased(connection, runs.runs_of(connection, clinic.sessions[3])[0].id)
        assert connection.execute(select(printed_patient.c.text)).scalars().all() != [clinic.identifier] * 3


def test_nobody_decides_alone_or_twice_on_either_database(house: House) -> None:
    from ingestor.flow import patients

    with house.db.write() as connection:
        anna = patients.add(
            house, connection, patients.NewPatient("female", name="X", identifiers={"KIS": "1"}), STEWARD
        )
    for kind in privacy.KINDS:
        with house.db.write() as connection:
            key = privacy.ask(house, connection, kind, anna, STEWARD, "because")
        with pytest.raises(Forbidden), house.db.write() as connection:
            privacy.decide(house, connection, key, STEWARD, "", grant=True)
        with house.db.write() as connection:
            privacy.decide(house, connection, key, OTHER, "", grant=True)
        with pytest.raises(Invalid), house.db.write() as connection:
            privacy.decide(house, connection, key, OTHER, "", grant=False)
        with house.db.read() as connection:
            assert stored.is_restricted(connection, anna) == (kind != "reidentification")
    with house.db.read() as connection:
        assert connection.execute(select(identity.c.name)).all() == []
        assert connection.execute(select(patient.c.birth_year)).scalars().all() == [None]
        assert stored.doses_withheld_from_research(connection) == 0
        assert stored.led_back(connection, anna, STEWARD.name, house.now() - timedelta(hours=1))
        assert not stored.led_back(connection, anna, STEWARD.name, house.now() + timedelta(hours=1))
        assert not stored.led_back(connection, anna, OTHER.name, house.now() - timedelta(hours=1))
    with pytest.raises(Invalid), house.db.write() as connection:
        privacy.ask(house, connection, "deletion", anna, STEWARD, "x")


def test_what_is_beyond_the_time_of_retention_is_listed_and_stays(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from ingestor.cli import main

    monkeypatch.setenv("APHERELOG_CENTRE", "vie")

    def due(*words: str) -> list[dict[str, Any]]:
        with pytest.raises(SystemExit) as ended:
            main(["--data", str(clinic.data), "--json", "privacy", "due", *words])
        assert not ended.value.code
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert due() == []
    old = due("--years", "1")
    assert {row["patient_id"] for row in old} == {clinic.anna, None}
    assert due("--years", "1") == old


def _points(persons: list[int], month: int = 24_000) -> Points:
    n = len(persons)
    return Points(
        np.full(n, month),
        np.linspace(3000, 3400, n),
        np.full(n, np.nan),
        frozenset(),
        np.array(persons, np.int64),
    )


@pytest.mark.parametrize(
    ("persons", "told"), [([1, 1, 1, 1, 1, 1], False), ([1, 2, 3, 4], False), ([1, 2, 3, 4, 5], True)]
)
def test_small_cells_of_persons_are_not_told(persons: list[int], *, told: bool) -> None:
    points = _points(persons)
    assert (drawings.by_month(points, 5) is not None) == told
    bars = drawings.distribution(points, 5)
    assert bars is not None
    assert all(bar.count in {0, None} and (bar.count == 0 or bar.height == 0) for bar in bars.bars)
    whole = drawings.distribution(points, 1)
    assert whole is not None
    assert sum(bar.count or 0 for bar in whole.bars) == len(persons)


def test_the_page_of_an_analyst_hides_small_cells_by_default(
    clinic: Clinic, office_of: Callable[..., Office]
) -> None:
    office = office_of(centre="vie")
    shown = office.sign_in("analyst").see("/cohort").text
    assert "fewer than 5 persons" in shown
    assert "<circle" not in shown
    assert "<circle" in office.sign_in("steward").see("/cohort").text


def test_the_sessions_of_a_test_patient_count_in_no_analysis(here: Office, clinic: Clinic) -> None:
    nurse, analyst = here.sign_in("nurse"), here.sign_in("analyst")
    answer = nurse.send("/patients", identifier="T-1", system="test", test="true")
    assert answer.status_code == 303
    key = answer.headers["location"].split("/")[2].split("?")[0]
    before = [row["status"] for row in _doses(analyst)]
    assert (
        nurse.send(f"/sessions/{clinic.sessions[4]}/link/{key}", reason="test of the machine").status_code
        == 303
    )
    with here.service.db.read() as connection:
        assert connection.execute(text("SELECT test FROM patient WHERE id = :k"), {"k": key}).scalar() == 1
    assert [row["status"] for row in _doses(analyst)].count("bench") == before.count("bench") + 1


def test_data_sets_of_two_purposes_share_no_pseudonym(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import csv

    from ingestor.cli import main

    monkeypatch.setenv("APHERELOG_CENTRE", "vie")

    def exported(*words: str) -> set[str]:
        out = tmp_path / "doses.csv"
        with pytest.raises(SystemExit) as ended:
            main(["--data", str(clinic.data), "export", "doses", "--out", str(out), *words])
        assert not ended.value.code
        with out.open(encoding="utf-8") as file:
            return {row["patient"] for row in csv.DictReader(file)} - {""}

    analysis, registry = exported(), exported("--purpose", "registry")
    assert len(analysis) == len(registry) == 1
    assert not analysis & registry
    assert exported("--purpose", "registry") == registry
