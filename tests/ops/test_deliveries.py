"""What is delivered: the same bytes from either database, whole or not at all, in constant memory."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from ingestor import disk
from ingestor.access.pseudonyms import Pseudonyms
from ingestor.errors import Invalid, StorageTrouble
from ingestor.exports import plain
from ingestor.exports.concepts import Concepts
from ingestor.exports.observed import figures
from ingestor.exports.view import View
from ingestor.ops.deliveries import Order, Stock, deliver
from ingestor.store import schema, tables
from ingestor.store.answers import doses
from ingestor.store.answers.doses import Wanted
from ingestor.store.engine import open_database
from tests.benchmarks.seeding import seed

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.flow.house import House
    from ingestor.store.engine import Database

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PSEUDONYMS = View(Pseudonyms(b"k" * 32).of)
MANY = 300


DETAIL: dict[str, Any] = {
    "inputs": [{"kind": "weight", "value": 60.0, "unit": "kg", "at": "2004-12-30T23:30:00+00:00", "source": "x", "age_days": 1.0}],
    "runs": [], "lower_bound": False, "missing": {"height_cm": "no_height"},
    "columns": [{"run": "run-x", "columns": [{"position": "A", "sequence": 1, "product": "P", "serial": "S-1", "lot": "L", "use": 1}]}],
}  # fmt: skip


def _filled(db: Database, centre: str, count: int) -> None:
    seed(db, centre, count)
    with db.write() as connection:
        connection.execute(update(tables.dose).values(detail=DETAIL))


def _stock(db: Database) -> Stock:
    return Stock(db, "Haus", "Europe/Vienna", PSEUDONYMS, Concepts(), {"pseudonym_key": "k"})


def _order(kind: str, centre: str) -> Order:
    return Order(kind, Wanted(centre, as_of=NOW), request="test")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", ["fhir", "omop"])
def test_both_databases_give_the_same_bytes_and_the_values_of_the_doses(
    house: House, tmp_path: Path, kind: str
):
    _filled(house.db, house.centre, MANY)
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    schema.upgrade(other)
    _filled(other, house.centre, MANY)
    deliver(_stock(house.db), _order(kind, house.centre), tmp_path / "here")
    deliver(_stock(other), _order(kind, house.centre), tmp_path / "there")
    other.close()
    assert _bytes(tmp_path / "here") == _bytes(tmp_path / "there")
    if kind == "fhir":
        with house.db.read() as connection:
            raw = doses.rows(connection, Wanted(house.centre), doses.Order(), MANY)
        rows = {
            row["session_id"]: row for row in (plain.row("doses", one, PSEUDONYMS.pseudonym) for one in raw)
        }
        for line in (tmp_path / "here" / "Observation.ndjson").read_text("utf-8").splitlines():
            found = json.loads(line)
            session = found["partOf"][0]["reference"].removeprefix("Procedure/")
            figure = next((f for f in figures() if found["id"] == f"{session}-{f.slug}"), None)
            if figure is not None:
                assert found.get("valueQuantity", {}).get("value") == rows[session][figure.name]
        assert len(rows) == MANY


@pytest.mark.sqlite
def test_a_delivery_that_breaks_off_leaves_nothing(house: House, tmp_path: Path):
    _filled(house.db, house.centre, MANY)

    def broken(sessions: int) -> None:
        assert sessions > 0
        raise Invalid("invalid_request")

    with pytest.raises(Invalid):
        deliver(_stock(house.db), _order("fhir", house.centre), tmp_path / "out", broken)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.sqlite
def test_a_disk_that_fills_ends_a_delivery_before_it_is_full(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _filled(house.db, house.centre, MANY)
    monkeypatch.setattr(disk, "room", lambda _: disk.Room(0, 1 << 40))
    with pytest.raises(StorageTrouble) as caught:
        deliver(_stock(house.db), _order("omop", house.centre), tmp_path / "out")
    assert caught.value.code == "disk_full"
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.sqlite
def test_no_session_gives_files_that_say_so(house: House, tmp_path: Path):
    manifest = deliver(_stock(house.db), _order("fhir", house.centre), tmp_path / "fhir")
    assert (manifest["output"], manifest["error"]) == ([], [])
    manifest = deliver(_stock(house.db), _order("omop", house.centre), tmp_path / "omop")
    assert {one["type"]: one["count"] for one in manifest["output"]}["measurement"] == 0
    assert (tmp_path / "omop" / "person.csv").read_text("utf-8").startswith("person_id,")


_PEAK = """
import resource, sys
from pathlib import Path
from tests.ops.test_deliveries import _order, _stock, deliver
from ingestor.store.engine import open_database
db = open_database(sys.argv[1])
with db.read() as connection:
    list(connection.exec_driver_sql("SELECT count(*) FROM dose"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
deliver(_stock(db), _order(sys.argv[2], "bulk"), Path(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.torture
@pytest.mark.parametrize("kind", ["fhir", "omop"])
def test_ten_times_the_sessions_want_no_more_memory(tmp_path: Path, kind: str):
    peaks = []
    for count in (2_000, 20_000):
        url = f"sqlite:///{tmp_path / str(count)}.db"
        db = open_database(url)
        schema.upgrade(db)
        _filled(db, "bulk", count)
        db.close()
        words = [sys.executable, "-c", _PEAK, url, kind, str(tmp_path / f"out{count}")]
        peaks.append(int(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
    assert peaks[1] - peaks[0] < 15 << 10, peaks
