"""What a person decides, over HTTP and on the command line: the same words, the same doses, all on record."""

from __future__ import annotations

import json
import shutil
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from ingestor.cli import main
from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.flow.patients import NewPatient, add
from ingestor.flow.pipeline import ingest
from ingestor.flow.verify import verify
from ingestor.store import audit
from ingestor.store.sources import StoredMember
from tests.api.conftest import Staff
from tests.parts import ORDER, PERSON
from tests.site import Treatment, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONE = Treatment(patient="1", columns=("C-1",))
WITHHELD = replace(ONE, total=2500)
NOBODY_S = replace(ONE.later(days=1), run="r2", patient=None)
SEPARATOR = replace(ONE, serial="Z-1", run="z1", role="separator", patient=None)
AGAIN = replace(ONE, total=2600)


class Site:
    """A house with a withheld dose, a held reading, a question and an unlinked session; and its service."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.settings = Settings(data_dir=folder, centre="vie")
        with open_house(self.settings) as house:
            with house.db.write() as connection:
                self.anna, self.bert = (
                    add(house, connection, NewPatient("female", identifiers={"h": n}), PERSON) for n in "12"
                )
            answers = [
                ingest(house, [self._kept(house, one.data())], ORDER)
                for one in (WITHHELD, NOBODY_S, SEPARATOR, AGAIN)
            ]
        self.withheld, self.unlinked, self.separator = (a["sessions"][0] for a in answers[:3])
        self.runs = (answers[0]["runs"][0], answers[2]["runs"][0])
        assert answers[3]["status"] == "held"
        self.staff = Staff(folder)

    def _kept(self, house: Any, data: bytes) -> StoredMember:  # noqa: ANN401 - a house
        kept = house.archive.put_bytes(data)
        return StoredMember("a.log", kept.sha256, kept.size)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(install(tmp_path_factory.mktemp("driver"))))
        patch.setenv("APHERELOG_CENTRE", "vie")
        yield Site(tmp_path_factory.mktemp("site") / "data")


@pytest.fixture
def site(made: Site, tmp_path: Path) -> Site:
    found = copy(made)
    shutil.copytree(made.data, tmp_path / "data")
    found.data = tmp_path / "data"
    found.settings = Settings(data_dir=found.data, centre="vie")
    return found


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(create_app(site.settings)) as found:
        yield found


@pytest.fixture(params=["api", "cli"])
def ask(request: pytest.FixtureRequest, site: Site, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Return a function that decides: ask(path, body, command); what the other way would be is passed over."""
    if request.param == "api":
        client: TestClient = request.getfixturevalue("client")

        def post(path: str, body: dict[str, Any], *command: str) -> Any:  # noqa: ANN401 - JSON
            del command
            answer = client.post(path, json=body, headers=site.staff["steward"])
            assert answer.status_code == 200, answer.text
            return answer.json()

        return post

    def typed(path: str, body: dict[str, Any], *command: str) -> Any:  # noqa: ANN401 - JSON
        del path, body
        capsys.readouterr()
        command_line(site, *command)
        return json.loads(capsys.readouterr().out)

    return typed


def command_line(site: Site, *command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(site.data), "--json", *command])
    assert ended.value.code == 0


def shown(site: Site, session: str) -> dict[str, Any]:
    """A session as everybody may see it."""
    from ingestor.exports.session import document, tidy
    from ingestor.exports.view import View
    from ingestor.store.answers.sessions import facts

    with open_house(site.settings) as house:
        with house.db.read() as connection:
            found = tidy(document(facts(connection, house.centre, session), View()))
            assert audit.first_bad(connection) is None
        assert list(verify(house)) == []
    return found


def test_a_withheld_dose_is_decided_with_a_reason_and_that_is_taken_back(site: Site, ask: Callable[..., Any]):
    path, why = f"/v1/sessions/{site.withheld}/decision", "the sum was typed over"
    body = {"reading": "cycles", "reason": why}
    row = ask(path, body, "sessions", "decide", site.withheld, "cycles", "--reason", why)
    assert (row["processed_plasma_ml"], row["processed_plasma_reading"]) == (1800, "cycles")
    assert row["status"] == "provisional"
    assert "reading_chosen" in row["status_reasons"]
    found = shown(site, site.withheld)
    assert found["session"]["decision"]["reason"] == why
    back = {"reading": None, "reason": "no"}
    row = ask(path, back, "sessions", "decide", site.withheld, "-", "--reason", "no")
    assert (row["processed_plasma_ml"], row["status"]) == (None, "withheld")


def test_a_held_reading_that_is_accepted_gives_the_dose_its_inputs(site: Site, ask: Callable[..., Any]):
    before = shown(site, site.withheld)
    held = next(r["id"] for run in before["runs"] for r in run["revisions"] if r["state"] == "held")
    path, body = f"/v1/revisions/{held}/decision", {"counts": True, "reason": "printed again"}
    answer = ask(path, body, "held", "accept", held, "--reason", "printed again")
    assert answer["sessions"] == [site.withheld]
    after = shown(site, site.withheld)
    assert (before["dose"]["reported_ml"], after["dose"]["reported_ml"]) == (2500, 2600)
    assert {i["kind"]: i["value"] for i in after["session"]["dose_detail"]["inputs"]} == {
        "weight": 72.0, "hematocrit": 0.36,
    }  # fmt: skip
    assert after["session"]["dose_detail"]["runs"][0]["source"] in after["dose"]["sources"]


def test_a_held_reading_is_rejected(site: Site, ask: Callable[..., Any]):
    before = shown(site, site.withheld)
    held = next(r["id"] for run in before["runs"] for r in run["revisions"] if r["state"] == "held")
    ask(
        f"/v1/revisions/{held}/decision",
        {"counts": False, "reason": "old"},
        "held",
        "reject",
        held,
        "--reason",
        "old",
    )
    after = shown(site, site.withheld)
    assert after["dose"] == before["dose"]
    assert [r["state"] for run in after["runs"] for r in run["revisions"]] == ["current", "rejected"]


def test_runs_that_were_not_joined_count_in_no_course_until_a_person_decides(
    site: Site, ask: Callable[..., Any]
):
    for session in (site.withheld, site.separator):
        assert "unjoined_runs" in shown(site, session)["dose"]["status_reasons"]
    link = {"patient": site.anna, "reason": "seen"}
    ask(f"/v1/sessions/{site.separator}/link", link, "link", site.separator, site.anna, "--reason", "seen")
    assert counted(site) == (0, 0)
    first, second = site.runs
    body = {"first": first, "second": second, "together": False, "reason": "two rooms"}
    ask("/v1/pairs", body, "pairs", "apart", first, second, "--reason", "two rooms")
    for session in (site.withheld, site.separator):
        assert "unjoined_runs" not in shown(site, session)["dose"]["status_reasons"]
    assert counted(site) == (1, 1800)
    body |= {"together": True, "reason": "one after all"}
    answer = ask("/v1/pairs", body, "pairs", "together", first, second, "--reason", "one after all")
    assert answer["sessions"] == [site.withheld]
    assert counted(site) == (0, 0)


def counted(site: Site) -> tuple[int, float]:
    """Sessions and plasma [mL] in the sum of Anna's course."""
    with TestClient(create_app(site.settings)) as client:
        path = f"/v1/patients/{site.anna}/courses"
        (course,) = client.get(path, headers=site.staff["steward"]).json()["courses"]
    return len(course["sessions"]), course["processed_plasma_ml"]


def test_a_link_warns_of_a_column_and_the_warning_is_acknowledged(site: Site, ask: Callable[..., Any]):
    path = f"/v1/sessions/{site.unlinked}"
    link = {"patient": site.bert, "reason": "asked"}
    answer = ask(f"{path}/link", link, "link", site.unlinked, site.bert, "--reason", "asked")
    (warning,) = answer["warnings"]
    assert (warning["code"], warning["severity"]) == ("column_of_another_patient", "error")
    (one,) = shown(site, site.unlinked)["column_warnings"]
    assert (one["serial"], one["acknowledged"], one["words"]) == ("C-1", False, [])
    why = "label typed over"
    body = {"code": one["code"], "serial": "C-1", "acknowledged": True, "reason": why}
    command = ("columns", "acknowledge", site.unlinked, one["code"], "C-1", "--reason", why)
    assert set(ask(f"{path}/column-warnings", body, *command)["changed"]) == {site.withheld, site.unlinked}
    (one,) = shown(site, site.withheld)["column_warnings"]
    assert one["acknowledged"]
    assert [w["reason"] for w in one["words"]] == [why]
    body |= {"acknowledged": False, "reason": "no"}
    ask(f"{path}/column-warnings", body, "columns", "take-back", *command[2:5], "--reason", "no")
    assert not shown(site, site.unlinked)["column_warnings"][0]["acknowledged"]
    nobody = {"patient": None, "reason": "wrong bed"}
    ask(f"{path}/link", nobody, "unlink", site.unlinked, "--reason", "wrong bed")
    assert shown(site, site.unlinked)["column_warnings"] == []


def test_what_waits_for_a_decision_is_listed(
    site: Site, client: TestClient, capsys: pytest.CaptureFixture[str]
):
    (item,) = client.get("/v1/held", headers=site.staff["steward"]).json()["items"]
    assert item["hold"] in {None, "contradicts"}
    assert {(d["old"], d["new"]) for d in item["differences"]} == {("2500", "2600")}
    capsys.readouterr()
    for command in (
        ["held", "list"],
        ["held", "show", item["id"]],
        ["pairs", "list"],
        ["columns", "warnings"],
    ):
        command_line(site, *command)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["id"] == item["id"]
    assert lines[1]["differences"][0]["new"] == "2600"
    assert {flag["code"] for line in lines[2:] for flag in line["flags"]} == {"unjoined_runs"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"{", 422), (b'{"reading": "cycles"}', 422), (b'{"reading": "cycles", "reason": " "}', 422),
        (b'{"reading": "none", "reason": "x"}', 422), (b'{"reading": "cycles", "reason": "x", "more": 1}', 422),
        (b'"' + b"x" * 20_000 + b'"', 413), (b'{"reading": "integrated", "reason": "x"}', 200),
    ],
)  # fmt: skip
def test_a_decision_without_a_reason_or_with_anything_unknown_changes_nothing(
    site: Site, client: TestClient, body: bytes, status: int
):
    path = f"/v1/sessions/{site.withheld}/decision"
    answer = client.post(path, content=body, headers=site.staff["steward"])
    assert answer.status_code == status, answer.text
    if status != 200:
        assert (
            client.get(f"/v1/sessions/{site.withheld}", headers=site.staff["steward"]).json()["session"][
                "decision"
            ]
            is None
        )


def test_only_those_who_may_decide_do(site: Site, client: TestClient):
    body = {"reading": "cycles", "reason": "x"}
    for role, status in (("nurse", 403), ("analyst", 403), ("steward", 200)):
        path = f"/v1/sessions/{site.withheld}/decision"
        assert client.post(path, json=body, headers=site.staff[role]).status_code == status
    for path in ("/v1/sessions/ses-none/decision", "/v1/revisions/rev-none/decision"):
        asked = body if "sessions" in path else {"counts": True, "reason": "x"}
        assert client.post(path, json=asked, headers=site.staff["steward"]).status_code == 404


def test_an_analyst_sees_that_a_column_was_shared_and_with_whom_not(site: Site, client: TestClient):
    steward = site.staff["steward"]
    link = {"patient": site.bert, "reason": "asked"}
    client.post(f"/v1/sessions/{site.unlinked}/link", json=link, headers=steward)
    body = {
        "code": "column_of_another_patient",
        "serial": "C-1",
        "acknowledged": True,
        "reason": "Frau Huber",
    }
    client.post(f"/v1/sessions/{site.unlinked}/column-warnings", json=body, headers=steward)
    answer = client.get(f"/v1/sessions/{site.unlinked}", headers=site.staff["analyst"])
    (one,) = answer.json()["column_warnings"]
    assert one["acknowledged"]
    assert "words" not in one
    for secret in (site.anna, site.bert, "Huber", "a.log"):
        assert secret not in answer.text
