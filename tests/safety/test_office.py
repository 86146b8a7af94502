"""Accounts, wards and machines in the pages; F112: what belongs to another ward is not there, and the look is on record."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from ingestor.store import accounts, places, runs
from tests.api.clinic import Clinic, furnish
from tests.safety.conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.safety.conftest import Office, Person


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    from ingestor.config import Settings

    folder = tmp_path_factory.mktemp("office")
    return furnish(Settings(data_dir=folder / "data", centre="vie"), folder)


@pytest.fixture
def clinic(made: Clinic, tmp_path: Path) -> Clinic:
    shutil.copytree(made.data, tmp_path / "data")
    return replace(made, data=tmp_path / "data")


def _id(office: Office, name: str) -> str:
    with office.service.db.read() as connection:
        found = accounts.by_name(connection, name)
    assert found is not None
    return found.id


def _wards(office: Office) -> dict[str, str]:
    with office.service.db.read() as connection:
        return {one.name: one.id for one in places.wards(connection, office.service.house.centre)}


def test_an_administrator_adds_places_and_closes_accounts(office: Office) -> None:
    admin = office.sign_in("admin")
    admin.send("/site/wards", name="West")
    west = _wards(office)["West"]
    answer = admin.send("/accounts", name="Maria M.", role="nurse", ward=west, password=PASSWORD)
    key = _id(office, "Maria M.")
    assert answer.headers["location"] == f"/accounts/{key}"
    maria = office.sign_in("Maria M.")
    assert maria.see("/v1/me", accept="application/json").json()["ward"] == west
    assert admin.send(f"/accounts/{key}/place", role="steward", ward="").status_code == 303
    assert maria.see("/v1/me", accept="application/json").status_code == 401, "another role is another login"
    page = admin.send(f"/accounts/{key}/tokens", days="30").text
    token = re.search(r"apx_[\w-]+", page)
    assert token is not None
    bearer = {"Authorization": f"Bearer {token[0]}"}
    client = TestClient(office.client.app)
    assert client.get("/v1/me", headers=bearer).json()["role"] == "steward"
    assert token[0] not in admin.see(f"/accounts/{key}").text
    maria = office.sign_in("Maria M.")
    assert admin.send(f"/accounts/{key}/close").status_code == 303
    assert client.get("/v1/me", headers=bearer).status_code == 401
    assert maria.see("/v1/me", accept="application/json").status_code == 401
    assert office.client.post("/login", data={"name": "Maria M.", "password": PASSWORD}).status_code == 401
    assert admin.send(f"/accounts/{key}/open").status_code == 303
    assert client.get("/v1/me", headers=bearer).json()["code"] == "token_revoked"
    office.sign_in("Maria M.")
    assert admin.send(f"/accounts/{key}/password", password="a second pass phrase").status_code == 303
    assert (
        office.client.post(
            "/login", data={"name": "Maria M.", "password": "a second pass phrase"}
        ).status_code
        == 303
    )


def test_a_token_is_revoked_in_the_pages(office: Office) -> None:
    admin, key = office.sign_in("admin"), _id(office, "analyst")
    token = re.search(r"apx_[\w-]+", admin.send(f"/accounts/{key}/tokens", days="1").text)
    assert token is not None
    bearer = {"Authorization": f"Bearer {token[0]}"}
    assert office.client.get("/v1/me", headers=bearer).status_code == 200
    path = re.search(rf"/accounts/{key}/tokens/tok-\w+", admin.see(f"/accounts/{key}").text)
    assert path is not None
    assert admin.send(path[0]).status_code == 303
    assert office.client.get("/v1/me", headers=bearer).status_code == 401
    assert admin.send(f"/accounts/{key}/tokens/tok-none").status_code == 404


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/accounts", {"name": "", "role": "nurse"}, 422), ("/accounts", {"name": "x\u202e", "role": "nurse"}, 422),
        ("/accounts", {"name": "new", "role": "king"}, 404), ("/accounts", {"name": "admin", "role": "nurse"}, 422),
        ("/accounts", {"name": "new", "role": "nurse", "password": "short"}, 422),
        ("/accounts", {"name": "new", "role": "nurse", "ward": "wrd-none"}, 404),
        ("/accounts/{admin}/close", {}, 422), ("/accounts/{admin}/place", {"role": "nurse"}, 422),
        ("/accounts/{admin}/factor", {}, 422), ("/accounts/acc-none/close", {}, 404),
        ("/accounts/{admin}/tokens", {"days": "0"}, 422), ("/accounts/{admin}/tokens", {"days": "٣"}, 422),
        ("/site/wards", {"name": " "}, 422), ("/site/machines", {"maker": "m", "model": "", "serial": "1"}, 422),
        ("/site/machines/dev-none", {"ward": ""}, 404),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_changes_nothing(
    office: Office, path: str, fields: dict[str, str], status: int
) -> None:
    before = len(office.entries("add_account")) + len(office.entries("close_account"))
    answer = office.sign_in("admin").send(path.format(admin=_id(office, "admin")), **fields)
    assert answer.status_code == status
    assert len(office.entries("add_account")) + len(office.entries("close_account")) == before


def test_a_machine_is_registered_before_its_first_export(office: Office) -> None:
    admin = office.sign_in("admin")
    sent = {"maker": "Miltenyi", "model": "X", "serial": "77", "role": "double"}
    role = re.findall(
        r'<option value="(\w+)">', admin.see("/site").text.split('id="role"')[1].split("</select>")[0]
    )[0]
    assert admin.send("/site/machines", **(sent | {"role": role})).status_code == 303
    assert "X 77" in admin.see("/site").text
    assert admin.send("/site/machines", **(sent | {"role": "king"})).status_code == 404


def _nurse_of(office: Office, admin: Person, ward: str) -> Person:
    admin.send("/site/wards", name=ward)
    admin.send("/accounts", name=f"nurse {ward}", role="nurse", ward=_wards(office)[ward], password=PASSWORD)
    return office.sign_in(f"nurse {ward}")


def test_a_session_of_another_ward_is_not_there_and_the_look_is_on_record(
    office_of: Callable[..., Office], clinic: Clinic
) -> None:
    office = office_of(centre="vie")
    admin = office.sign_in("admin")
    west, east = _nurse_of(office, admin, "West"), _nurse_of(office, admin, "East")
    key = clinic.sessions[0]
    with office.service.db.read() as connection:
        device = runs.runs_of(connection, key)[0].device_id
    assert admin.send(f"/site/machines/{device}", ward=_wards(office)["West"]).status_code == 303
    paths = [f"/sessions/{key}", f"/sessions/{key}/print", f"/sessions/{key}/link", f"/v1/sessions/{key}",
             f"/v1/sessions/{key}/dose", f"/v1/sessions/{key}/evidence", f"/v1/sessions/{key}/trace"]  # fmt: skip
    for path in paths:
        assert west.see(path).status_code == 200, path
        assert east.see(path).status_code == 404, path
        assert east.see(path.replace(key, "ses-guessed")).status_code == 404
    assert east.see(f"/sessions/{key}").text.replace(key, "") == east.see(
        "/sessions/ses-guessed"
    ).text.replace("ses-guessed", "")
    assert key not in east.see("/sessions").text
    assert key in west.see("/sessions").text
    assert key not in east.see(f"/patients/{clinic.anna}").text
    assert key in west.see(f"/patients/{clinic.anna}").text
    assert east.send(f"/sessions/{key}/unlink", reason="x").status_code == 404
    nobody = clinic.sessions[4]
    assert nobody in east.see("/trays/unlinked").text
    with office.service.db.read() as connection:
        device = runs.runs_of(connection, nobody)[0].device_id
    admin.send(f"/site/machines/{device}", ward=_wards(office)["West"])
    assert nobody not in east.see("/trays/unlinked").text
    assert nobody in west.see("/trays/unlinked").text
    for serial in re.findall(r'href="(/columns/[^"]+)"', west.see("/columns?all=true").text):
        assert key not in east.see(serial).text
    closed = [east.see(f"/sources/{sha}").status_code for sha in office.service.house.archive.objects()]
    assert 404 in closed
    looks = {(e["actor"], e["object"]) for e in office.entries("refused")}
    assert ("nurse East", key) in looks
    assert {actor for actor, _ in looks} == {"nurse East"}


def test_a_session_belongs_to_the_ward_of_its_machine_from_the_beginning(
    office_of: Callable[..., Office], clinic: Clinic, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    from ingestor.flow.pipeline import ingest
    from ingestor.store.sources import StoredMember
    from simulators.command import simulate
    from tests.parts import ORDER

    office = office_of(centre="vie")
    admin = office.sign_in("admin")
    admin.send("/site/wards", name="West")
    ward = _wards(office)["West"]
    for device in re.findall(r"/site/machines/(dev-\w+)", admin.see("/site").text):
        admin.send(f"/site/machines/{device}", ward=ward)
    done = CliRunner().invoke(
        simulate, ["twin-column-report", "--seed", "3", "--sessions", "4", "--out", str(tmp_path / "more")]
    )
    assert done.exit_code == 0
    house = office.service.house
    with house.db.read() as connection:
        before = set(connection.exec_driver_sql("SELECT id FROM session").scalars())
    for file in sorted((tmp_path / "more").glob("*.*")):
        if file.name != "truth.json":
            kept = house.archive.put_bytes(file.read_bytes())
            ingest(house, [StoredMember(file.name, kept.sha256, kept.size)], ORDER)
    with house.db.read() as connection:
        rows = connection.exec_driver_sql("SELECT id, ward FROM session").all()
    new = [row.ward for row in rows if row.id not in before]
    assert new
    assert set(new) == {ward}
