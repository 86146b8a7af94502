"""Pages for analysts: drawings with their numbers, what is left out, what a dose means, data sets."""

import csv
import io
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from starlette.testclient import TestClient

from api.web import charts
from api.web.wording import texts
from ingestor.exports.view import View
from ingestor.ops import snapshots
from ingestor.ops.shelf import Shelf
from ingestor.store.answers.cohort import _WORTH_HAVING, Quality
from ingestor.store.answers.doses import Wanted
from tests.api.clinic import STEWARD, Clinic
from tests.api.conftest import PASSWORD


@pytest.fixture
def steward(hospital: TestClient) -> TestClient:
    """Somebody who is told small numbers as well."""
    client = TestClient(hospital.app, follow_redirects=False, headers={"Accept": "text/html"})
    assert client.post("/login", data={"name": "the steward", "password": PASSWORD}).status_code == 303
    return client


def _table(answer: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer)))


def test_every_drawing_of_the_page_downloads_its_numbers(steward: TestClient, known: Clinic) -> None:
    page = steward.get("/cohort").text
    offered = re.findall(r'href="(/cohort/([a-z]+)\.csv\?[^"]*)"', page)
    assert {name for _, name in offered} >= {"plasma", "months", "agreement", "missing"}
    assert page.count("<svg") - 1 == len(offered)  # one more is the brand
    assert page.count('role="img"') == len(offered) == page.count("<details>")
    for address, name in offered:
        answer = steward.get(address.replace("&amp;", "&"))
        assert answer.status_code == 200, name
        head, *rows = _table(answer.text)
        assert rows, name
        assert all(len(row) == len(head) for row in rows)
        if "sessions" in head:
            assert sum(int(r[head.index("sessions")]) for r in rows) <= len(known.sessions)
    assert steward.get("/cohort/none.csv").status_code == 404
    assert _table(steward.get("/cohort/plasma.csv?from=2099-01-01").text) == [
        ["from_ml", "to_ml", "sessions"]
    ]


def test_the_page_tells_what_is_left_out_before_a_download(steward: TestClient, known: Clinic) -> None:
    page = steward.get("/cohort").text
    facts = re.search(r'id="left-out".*?</section>', page, re.DOTALL)
    assert facts is not None
    assert f"<dd>{len(known.sessions)}</dd>" in facts[0]
    assert 'href="/methods"' in facts[0]
    (address,) = set(
        re.findall(r'href="(/v1/doses\.csv\?[^"]*)"', steward.get("/cohort?from=2000-01-01").text)
    )
    assert steward.get(address).status_code == 200


def test_the_definition_sheet_is_there_in_both_languages(steward: TestClient) -> None:
    for language, word in (("de", "Verarbeitetes Plasma"), ("en", "Processed plasma")):
        page = steward.get("/methods", headers={"Accept-Language": language}).text
        assert f"<dt>{word}</dt>" in page
        assert "ia-dose/1" in page


def test_a_course_downloads_the_numbers_of_its_drawing(ward: TestClient, clinic: Clinic) -> None:
    assert ward.post("/login", data={"name": "the analyst", "password": PASSWORD}).status_code == 303
    pseudonym = ward.app.state.service.pseudonyms.of(clinic.anna)  # type: ignore[attr-defined]
    page = ward.get(f"/courses/{pseudonym}", headers={"Accept": "text/html"}).text
    assert f'href="/courses/{pseudonym}.csv"' in page
    head, *rows = _table(ward.get(f"/courses/{pseudonym}.csv").text)
    assert head == ["course", "session_id", "started_local", "processed_plasma_ml", "course_so_far_ml"]
    assert {row[1] for row in rows} == set(clinic.sessions[:3])
    per_course: dict[str, float] = {}
    for course, _, _, plasma, so_far in rows:
        per_course[course] = per_course.get(course, 0) + float(plasma)
        assert float(so_far) == pytest.approx(per_course[course])


def test_data_sets_tell_on_their_pages_what_changed(ward: TestClient, clinic: Clinic) -> None:
    from ingestor.flow import linking

    service = ward.app.state.service  # type: ignore[attr-defined]
    shelf = Shelf(service.db, clinic.data / "snapshots", "vie", View(service.pseudonyms.of), "key")
    assert ward.post("/login", data={"name": "the analyst", "password": PASSWORD}).status_code == 303
    ward.headers["Accept"] = "text/html"
    assert "no data set yet" in ward.get("/snapshots").text
    snapshots.take(shelf, snapshots.Order("cited", Wanted("vie"), (), STEWARD, datetime.now(UTC)))
    assert "No dose has changed since" in ward.get("/snapshots/cited").text
    with service.db.write() as connection:
        linking.unlink(service.house, connection, clinic.sessions[0], STEWARD, "nobody knows")
    page = ward.get("/snapshots/cited").text
    assert "served otherwise today" in page
    assert clinic.sessions[0] in page
    assert "link undone" in page
    assert "changed" in ward.get("/snapshots").text
    assert not [s for s in clinic.secrets if s in page]
    assert ward.get("/snapshots/none").status_code == 404


def test_classes_of_too_few_persons_keep_their_numbers() -> None:
    values = np.array([1.0, 1.1, 1.2, 9.0, np.nan])
    person = np.array([1, 2, 3, 1, 2])
    told = charts.classes("multiples", values, person, 1)
    assert told is not None
    assert sum(int(b.value or 0) for b in told.bars) == 4
    kept = charts.classes("multiples", values, person, 3)
    assert kept is not None
    assert [b.value for b in kept.bars if b.value != 0] == [3, None]
    assert kept.table()[-1][2] == ""
    said = Quality(np.array(["agreed"] * 4 + [""]), values, person, 5, (("height_cm", 3),))
    found = charts.agreement(said, 2)
    assert found is not None
    assert [(b.label, b.value) for b in found.bars] == [("agreed", 4), ("none", None)]
    lacking = charts.missing(said)
    assert lacking is not None
    assert lacking.bars[0].value == 60


def test_every_bar_that_has_a_name_has_words() -> None:
    names = {name.removesuffix("_id") for name in _WORTH_HAVING} | {
        "agreed",
        "single_source",
        "disagreed",
        "none",
    }
    assert {f"plot.{name}" for name in names} <= set(texts())
    assert {f"plot.{name}_axis" for name in ("multiples", "agreement", "apart", "missing")} <= set(texts())
