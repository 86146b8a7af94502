"""Two decades of a clinic, taken in: every dose, link and course, and what became of every file."""

from __future__ import annotations

import sys
import time
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.flow.review import review
from ingestor.flow.verify import verify
from ingestor.store.engine import open_database
from tests import befallen, clinics, expected, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestor.flow.house import House
    from ingestor.isolate import Reader
    from ingestor.store.engine import Database
    from simulators.archive import ArchiveOrder
    from tests.clinics import Clinic, Taken
    from tests.expected import Expected, Registry
    from tests.served import Served

ZONE = "Europe/Vienna"


def differences(clinic: Clinic, db: Database) -> list[str]:
    """Return every difference between what is served and the clinic's truth, one line each."""
    registry = expected.Registry.of(clinic.folder, ZONE)
    wanted = {served.key_of(one): one for one in expected.sessions(clinic.folder, clinic.sessions)}
    there = served.sessions(db)
    told = [f"not served: {key[1:]}" for key in wanted.keys() - there.keys()]
    told += [f"served, and nobody was treated: {key[1:]}" for key in there.keys() - wanted.keys()]
    both = [(wanted[key], there[key]) for key in wanted.keys() & there.keys()]
    for one, found in both:
        told += [f"{one.key}: {line}" for line in _of_session(one, found, registry)]
    return told + list(_of_courses(both))


def _of_session(one: Expected, found: Served, registry: Registry) -> Iterator[str]:
    person = registry.person(part["patient_id"] for part in one.parts)
    if person != found.person:
        yield f"linked to {found.person}, not {person}"
    for name, value in expected.dose(one, registry).items():
        if expected.differs(name, value, found.dose[name]):
            yield f"{name} is {found.dose[name]}, not {value}"
    for part in one.parts:
        stored = found.rows.get(part["device"]["serial"], {})
        for kind, rows in (
            ("cycles", expected.cycles(part)), ("columns", expected.columns(part)), ("alarms", expected.alarms(part)),
        ):  # fmt: skip
            mine = [
                tuple(float(v) if hasattr(v, "quantize") else v for v in row) for row in stored.get(kind, [])
            ]
            if mine != rows:
                yield f"{kind} are {mine}, not {rows}"


def _of_courses(both: list[tuple[Expected, Served]]) -> Iterator[str]:
    linked = [(f.dose["session_id"], f.person, one.starts[0][0]) for one, f in both if f.person]
    numbers = expected.courses(linked)
    for one, found in both:
        number = numbers.get(found.dose["session_id"])
        if number != found.dose["course"]:
            yield f"{one.key}: course {found.dose['course']}, not {number}"


def misreported(clinic: Clinic, house: House) -> list[str]:
    """Return every difference between what the house says of a file and what befell it."""
    wanted = befallen.files(clinic.folder, clinic.sessions, expected.Registry.of(clinic.folder, ZONE))
    there = befallen.told(review(house))
    wrong = [f"{source}: not told" for source in wanted.keys() - there.keys()]
    for source, one in wanted.items():
        statuses, remarks = there.get(source, ((), set[str]()))
        if statuses != one.statuses:
            wrong.append(f"{source}: came in as {statuses}, not {one.statuses}")
        if not one.must <= remarks <= one.must | one.may:
            wrong.append(f"{source}: {sorted(remarks)} is said, {sorted(one.must)} happened")
    return wrong


@pytest.fixture(scope="module")
def sample(taken_clinic: Callable[[ArchiveOrder], Taken]) -> Taken:
    return taken_clinic(clinics.SAMPLE)


def test_every_file_of_the_clinic_has_a_receipt_that_adds_up(sample: Taken):
    told = Counter((m["name"], m["sha256"]) for receipt in sample.receipts for m in receipt["members"])
    files = Counter(
        (p.name, sha256(p.read_bytes()).hexdigest()) for p in sample.clinic.exports.rglob("*") if p.is_file()
    )
    assert files <= told
    for receipt in sample.receipts:
        rows = receipt["rows"]
        assert rows["read"] == sum(rows[kind] for kind in ("stored", "held", "duplicate", "ignored"))


def test_a_clinic_has_every_mishap_and_every_kind_of_machine(sample: Taken):
    from simulators.archive import MISHAPS

    befell = {name for session in sample.clinic.sessions for name in session["faults"]}
    assert befell == {name for name, _ in MISHAPS}
    assert len({session["layout"] for session in sample.clinic.sessions}) == 8


def test_every_dose_link_and_course_of_a_clinic_is_that_of_its_truth(sample: Taken):
    db = open_database(Settings(data_dir=sample.data).url)
    try:
        assert differences(sample.clinic, db) == []
    finally:
        db.close()


def test_what_is_said_of_every_file_of_a_clinic_is_what_befell_it(
    sample: Taken, reader: Reader, tmp_path: Path
):
    with open_house(Settings(data_dir=sample.copied(tmp_path / "data")), reader=reader) as house:
        assert misreported(sample.clinic, house) == []
        quiet = [one for one in review(house, odd=True) if not one["remarks"]]
        assert quiet == []


@pytest.mark.torture
def test_every_dose_link_and_course_of_the_whole_clinic_is_that_of_its_truth(
    house: House, written_clinic: Callable[[ArchiveOrder], Clinic], capsys: pytest.CaptureFixture[str]
):
    clinic = written_clinic(clinics.WHOLE)
    began = time.monotonic()
    receipts = clinics.take_in(house, clinic)
    took = time.monotonic() - began
    with capsys.disabled():
        where = "SQLite" if house.db.is_sqlite else "PostgreSQL"
        sys.stdout.write(
            f"\n{len(receipts)} exports of {len(clinic.sessions)} treatments, {where}: {took:.0f} s\n"
        )
    assert differences(clinic, house.db) == []
    assert misreported(clinic, house) == []
    assert list(verify(house)) == []
