"""A named data set never changes, says what it holds, and can be built again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from ingestor.errors import Invalid, NotFound
from ingestor.exports.asked import Asker, Query, wanted
from ingestor.exports.view import View
from ingestor.flow import patients
from ingestor.flow.house import open_house
from ingestor.ops import snapshots
from ingestor.ops.shelf import Shelf, damaged, difference
from ingestor.store import audit
from tests.api.clinic import STEWARD, Clinic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from ingestor.flow.house import House
    from tests.api.conftest import Staff


@pytest.fixture
def opened(clinic: Clinic) -> Iterator[House]:
    from ingestor.config import Settings

    with open_house(Settings(data_dir=clinic.data, centre="vie")) as found:
        yield found


@pytest.fixture
def shelf(opened: House) -> Shelf:
    return Shelf(
        opened.db, opened.settings.data_dir / "snapshots", "vie", View(lambda p: f"ps-{p[-6:]}"), "key"
    )


def _take(shelf: Shelf, name: str, *asked: tuple[str, str]) -> Path:
    query = Query(asked, {"from", "to", "linked", "status"})
    found = wanted(query, Asker("vie", "Europe/Vienna", str))
    snapshots.take(shelf, snapshots.Order(name, found, asked, STEWARD, datetime.now(UTC)))
    return shelf.folder / name


def _change(house: House, clinic: Clinic) -> None:
    with house.db.write() as connection:
        at = datetime(2020, 6, 10, 5, tzinfo=UTC)
        patients.measure(
            house, connection, clinic.anna, patients.NewMeasurement("weight", Decimal(70), "kg", at), STEWARD
        )


def test_a_snapshot_describes_every_file_with_its_sum_and_columns(shelf: Shelf):
    folder = _take(shelf, "myositis-2026", ("from", "2019-01-01"))
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    assert package["name"] == "myositis-2026"
    assert package["apherelog"]["filter"] == [["from", "2019-01-01"]]
    assert package["apherelog"]["methods"] == ["ia-dose/1"]
    assert sum(d["sessions"] for d in package["apherelog"]["drivers"]) == 4
    for resource in package["resources"]:
        data = (folder / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert resource["bytes"] == len(data)
        if resource["path"].endswith(".csv"):
            header = next(csv.reader(io.StringIO(data.decode())))
            assert header == [f["name"] for f in resource["schema"]["fields"]]
    tables = {r["name"] for r in package["resources"] if r.get("type") == "table"}
    assert tables == {"doses", "sessions", "cycles", "alarms", "exclusions", "readings"}
    columns = pq.read_schema(folder / "doses.parquet")
    assert columns.field("pv_multiple").metadata[b"en"].startswith(b"Processed plasma as a multiple")


def test_every_value_fits_the_type_that_the_description_names(shelf: Shelf):
    folder = _take(shelf, "typed")
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    reads = {
        "string": str, "number": float, "integer": int, "boolean": {"true": True, "false": False}.__getitem__,
        "datetime": datetime.fromisoformat, "list": lambda text: text.split("|"),
    }  # fmt: skip
    checked = 0
    for resource in (r for r in package["resources"] if r["path"].endswith(".csv")):
        types = {f["name"]: f["type"] for f in resource["schema"]["fields"]}
        known = {
            f["name"]: {c["value"] for c in f.get("categories", ())} for f in resource["schema"]["fields"]
        }
        for row in csv.DictReader(io.StringIO((folder / resource["path"]).read_text("utf-8"))):
            for name, text in row.items():
                if text:
                    reads[types[name]](text)
                    assert not known[name] or text in known[name], (resource["path"], name, text)
                    checked += 1
    assert checked > 500


def test_what_is_left_out_is_listed_with_its_reason(shelf: Shelf, clinic: Clinic):
    folder = _take(shelf, "linked-only", ("linked", "true"))
    rows = list(csv.DictReader(io.StringIO((folder / "exclusions.csv").read_text("utf-8"))))
    assert {r["session_id"] for r in rows} == set(clinic.sessions[3:])
    assert {r["reason"] for r in rows} == {"filtered"}
    assert pq.read_table(folder / "doses.parquet").num_rows == 3


def test_a_name_is_given_once_and_must_be_plain(shelf: Shelf):
    _take(shelf, "one")
    for name, code in (
        ("one", "snapshot_exists"),
        ("One", "snapshot_name"),
        ("../x", "snapshot_name"),
        ("", "snapshot_name"),
    ):
        with pytest.raises(Invalid) as error:
            _take(shelf, name)
        assert error.value.code == code


def test_a_changed_file_is_found(shelf: Shelf):
    folder = _take(shelf, "one")
    assert damaged(shelf, "one") == []
    (folder / "doses.csv").chmod(0o640)
    with (folder / "doses.csv").open("a") as file:
        file.write("\n")
    assert damaged(shelf, "one") == ["doses.csv"]
    folder.chmod(0o750)
    (folder / "SHA256SUMS").unlink()
    assert damaged(shelf, "one") == ["SHA256SUMS"]
    with pytest.raises(NotFound):
        damaged(shelf, "none")


def test_doses_that_changed_since_do_not_change_what_is_built_again(
    shelf: Shelf, opened: House, clinic: Clinic, tmp_path: Path
):
    folder = _take(shelf, "before")
    with opened.db.read() as connection:
        from ingestor.store.snapshots import named

        one = named(connection, "vie", "before")
    assert one is not None
    _change(opened, clinic)
    again = wanted(Query([("as_of", one.as_of.isoformat())], {"as_of"}), Asker("vie", "Europe/Vienna", str))
    assert set(snapshots.rebuilt(shelf, "before", again, tmp_path / "again").values()) == {"same"}
    now = _take(shelf, "after")
    assert (now / "doses.csv").read_bytes() != (folder / "doses.csv").read_bytes()
    found = difference(shelf, "before", "after")
    assert (found["added"], found["removed"]) == ([], [])
    assert {c["session_id"] for c in found["changed"]} <= set(clinic.sessions[:3])
    assert all("weight_kg" in c["fields"] for c in found["changed"])
    assert found["changed"]


def test_what_was_cut_off_before_it_was_registered_is_made_new(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    def cut_off(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", cut_off)
        with pytest.raises(KeyboardInterrupt):
            _take(shelf, "one")
    assert list(shelf.folder.iterdir()) == []
    half = shelf.folder / "one"
    half.mkdir()
    (half / "doses.csv").write_text("half")
    _take(shelf, "one")
    assert damaged(shelf, "one") == []


def test_snapshots_are_listed_fetched_and_compared_over_http(ward: TestClient, people: Staff, clinic: Clinic):
    service = ward.app.state.service  # type: ignore[attr-defined]
    mine = Shelf(service.db, clinic.data / "snapshots", "vie", View(service.pseudonyms.of), "key")
    folder = _take(mine, "one")
    _take(mine, "two", ("linked", "true"))
    listed = ward.get("/v1/snapshots", headers=people["analyst"]).json()["items"]
    assert [s["name"] for s in listed] == ["one", "two"]
    assert ward.get("/v1/snapshots/one", headers=people["analyst"]).json()["name"] == "one"
    for path in folder.iterdir():
        answer = ward.get(f"/v1/snapshots/one/files/{path.name}", headers=people["analyst"])
        assert answer.content == path.read_bytes()
        assert not [s for s in clinic.secrets if s in answer.text]
    compared = ward.get("/v1/snapshots/one/diff/two", headers=people["analyst"]).json()
    assert set(compared["removed"]) == set(clinic.sessions[3:])
    for path in ("none", "one/files/none", "one/files/..%2f..%2fapherelog.db", "one/diff/none"):
        assert ward.get(f"/v1/snapshots/{path}", headers=people["analyst"]).status_code == 404
    assert ward.get("/v1/snapshots", headers=people["nurse"]).status_code == 403
