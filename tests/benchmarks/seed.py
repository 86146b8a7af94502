"""A registry of many sessions in minutes: a few that were read, copied with other names, days, machines and patients.

Every row is one that taking a file in would have written, but for the audit chain, which stays short. Only every
`TRACES`-th session has its samples, so that the file stays small.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner
from sqlalchemy import (
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    cast,
    func,
    insert,
    literal_column,
    select,
)

from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.ids import derived
from ingestor.store import tables
from ingestor.store.audit import Actor
from ingestor.store.sources import Order
from ingestor.store.spread import learn
from ingestor.ways.files import ingest_paths
from simulators.command import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

    from ingestor.flow.house import House

SESSIONS = 40_000
TEMPLATES = 12
MACHINES = 14
PER_PATIENT = 11
TRACES = 10
FIRST_DAY = date(2005, 1, 3)
_DAYS = 21 * 365
_CHUNK = 2000
_OF_A_READING = (
    tables.column_use, tables.phase, tables.cycle, tables.alarm, tables.event, tables.finding,
)  # fmt: skip
# Which statuses doses have in the tray-sized shares of a registry: every so many-th session.
UNLINKED, WITHHELD, FINAL, HELD, REFUSED, FLAGGED, UNSEEN = 400, 700, 3, 2000, 900, 5000, 1500


@dataclass(frozen=True)
class Template:
    """All rows of one session that was read, by table."""

    rows: dict[str, list[dict[str, Any]]]

    def one(self, name: str) -> dict[str, Any]:
        return self.rows[name][0]


@dataclass(frozen=True)
class Copy:
    """What is different in the `number`-th session."""

    number: int
    of: int
    template: Template
    patient: str | None
    device: dict[str, Any]

    @property
    def days(self) -> timedelta:
        day = FIRST_DAY + timedelta(days=self.number * _DAYS // self.of)
        return timedelta(days=(day - self.template.one("session")["started_at"].date()).days)

    def key(self, old: str) -> str:
        if "-" in old:
            return derived(old.split("-", maxsplit=1)[0], old, str(self.number))
        return hashlib.sha256(f"{old}{self.number}".encode()).hexdigest()


def seed(house: House, sessions: int = SESSIONS) -> None:
    """Fill an empty house with so many sessions."""
    templates = _templates(house)
    with house.db.write() as connection:
        devices = _devices(connection, templates)
        patients = _patients(connection, house, sessions // PER_PATIENT)
        copies = [
            Copy(
                n,
                sessions,
                templates[n % len(templates)],
                None if n % UNLINKED == 1 else patients[n // PER_PATIENT % len(patients)],
                devices[n % len(devices)],
            )
            for n in range(sessions)
        ]
        _write(connection, copies)
        _write_readings(connection, copies)
    learn(house.db, anew=True)


def _templates(house: House) -> list[Template]:
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["twin-column-report", "--seed", "11", "--sessions", str(TEMPLATES), "--out", folder]
        done = CliRunner().invoke(simulate, arguments)
        assert done.exit_code == 0, done.output
        files = sorted(p for p in Path(folder).iterdir() if p.name != "truth.json")
        for _ in ingest_paths(house, files, Order("bench", Actor("bench", "agent"))):
            pass
    with house.db.read() as connection:
        return [_template(connection, row) for row in _rows(connection, tables.session)]


def _rows(connection: Connection, table: Table, **where: str) -> list[dict[str, Any]]:
    query = select(table).where(*(table.c[k] == v for k, v in where.items()))
    return [dict(row._mapping) for row in connection.execute(query)]


def _template(connection: Connection, session: dict[str, Any]) -> Template:
    rows: dict[str, list[dict[str, Any]]] = {"session": [session]}
    (run,) = rows["run"] = _rows(connection, tables.run, session_id=session["id"])
    (revision,) = rows["revision"] = _rows(connection, tables.revision, run_id=run["id"])
    source = revision["source"]
    rows["source"] = _rows(connection, tables.source, sha256=source)
    rows["source_member"] = _rows(connection, tables.source_member, source=source)
    rows["raw_file"] = _rows(connection, tables.raw_file, sha256=source)
    (submission,) = rows["submission"] = _rows(connection, tables.submission, source=source)
    rows["job"] = _rows(connection, tables.job, submission=submission["id"])
    rows["printed_patient"] = _rows(connection, tables.printed_patient, revision_id=revision["id"])
    rows["dose"] = _rows(connection, tables.dose, session_id=session["id"])
    rows["change"] = _rows(connection, tables.change, session_id=session["id"])
    rows["device"] = _rows(connection, tables.device, id=run["device_id"])
    return Template(rows)


def _devices(connection: Connection, templates: list[Template]) -> list[dict[str, Any]]:
    first = templates[0].one("device")
    made = [
        first | {"id": derived("dev", first["id"], str(n)), "serial": f"AM-{4000 + n}", "first_seen": datetime(2005, 1, 3, tzinfo=UTC)}
        for n in range(MACHINES)
    ]  # fmt: skip
    connection.execute(insert(tables.device), made)
    return made


def _patients(connection: Connection, house: House, count: int) -> list[str]:
    keys = [derived("pat", str(n)) for n in range(max(count, 1))]
    born = [date(1930 + n % 70, 1 + n % 12, 1 + n % 28) for n in range(len(keys))]
    then = datetime(2005, 1, 3, tzinfo=UTC)
    connection.execute(
        insert(tables.patient),
        [
            {"id": k, "centre": house.centre, "sex": ("female", "male")[n % 2], "birth_year": born[n].year,
             "test": False, "merged_into": None, "created_at": then}
            for n, k in enumerate(keys)
        ],
    )  # fmt: skip
    connection.execute(
        insert(tables.identity),
        [
            {"patient_id": k, "birth_date": born[n], "name": f"Muster-{n:05d}, Kim"}
            for n, k in enumerate(keys)
        ],
    )
    connection.execute(
        insert(tables.identifier),
        [
            {"id": derived("idf", k), "centre": house.centre, "patient_id": k, "system": "hospital",
             "value": f"{5_000_000 + n}", "normalised": f"{5_000_000 + n}", "valid_from": None, "valid_to": None}
            for n, k in enumerate(keys)
        ],
    )  # fmt: skip
    return keys


def _write(connection: Connection, copies: list[Copy]) -> None:
    for begin in range(0, len(copies), _CHUNK):
        batch = [_rows_of(copy) for copy in copies[begin : begin + _CHUNK]]
        for name in _ORDER:
            found = [row for rows in batch for row in rows.get(name, ())]
            if found:
                connection.execute(insert(tables.metadata.tables[name]), found)


_ORDER = (
    "raw_file", "source", "source_member", "submission", "job", "session", "run", "revision", "printed_patient",
    "link", "dose", "change",
)  # fmt: skip


def _rows_of(copy: Copy) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a copied session but for the many of its reading."""
    new = {name: [_renamed(copy, row) for row in copy.template.rows[name]] for name in copy.template.rows}
    rows: dict[str, list[dict[str, Any]]] = {name: found for name, found in new.items() if name != "device"}
    (session,), (run,), (dose,) = rows["session"], rows["run"], rows["dose"]
    (submission,) = rows["submission"]
    run |= {"device_id": copy.device["id"], "printed_id": _printed_id(copy)}
    session["patient_id"] = copy.patient
    dose |= {
        "device": copy.device["id"], "device_serial": copy.device["serial"], "patient_id": copy.patient,
        "sources": [rows["source"][0]["sha256"]],
    }  # fmt: skip
    dose.pop("id")
    rows["change"][0].pop("seq")
    _set_status(copy, dose)
    if copy.patient:
        submission["code"] = "stored_linked"
        rows["link"] = [_link(copy, session)]
    if copy.number % FLAGGED == 7:
        session["flags"] = [{"code": "overlap", "runs": [run["id"]]}]
    if copy.number % REFUSED == 7:
        submission |= {"status": "refused", "code": "nothing_recognised"}
    if copy.number % HELD == 7:
        held = _held(copy, rows["revision"][0])
        rows["revision"].append(held)
    return rows


def _held(copy: Copy, revision: dict[str, Any]) -> dict[str, Any]:
    return revision | {
        "id": copy.key(revision["id"] + "held"),
        "state": "held",
        "hold": "contradicts",
        "treatment": 1,
    }


def _set_status(copy: Copy, dose: dict[str, Any]) -> None:
    reasons = [r for r in dose["status_reasons"] if r != "no_patient" or copy.patient is None]
    dose |= {"status": "provisional", "status_reasons": reasons}
    if copy.number % WITHHELD == 7:
        dose |= {"status": "withheld", "agreement": "disagreed", "status_reasons": ["readings_disagree"]}
    elif copy.patient and copy.number % FINAL:
        dose |= {"status": "final", "status_reasons": []}


def _link(copy: Copy, session: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": copy.key("lnk-" + session["id"]), "session_id": session["id"], "patient_id": copy.patient,
        "rule": "identifier", "actor": "system", "reason": "strip-zeros", "at": session["created_at"],
        "number": 1, "replaced": None,
    }  # fmt: skip


def _printed_id(copy: Copy) -> str:
    """Return the machine's own number of its treatments; one in four hundred is missing."""
    number = copy.number // MACHINES
    return str(100_000 + number + number // 400)


def _renamed(copy: Copy, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the names and times of the copy."""
    template = copy.template
    old = {
        one[name]
        for table, name in (("session", "id"), ("run", "id"), ("revision", "id"), ("submission", "id"), ("source", "sha256"))
        for one in template.rows[table]
    }  # fmt: skip
    new = {key: copy.key(key) for key in old}
    return {name: _moved(value, new, copy.days) for name, value in row.items()}


def _moved(value: object, new: dict[str, str], days: timedelta) -> object:
    if isinstance(value, str):
        return new.get(value, value)
    if isinstance(value, datetime):
        return value + days
    if isinstance(value, dict | list):
        written = json.dumps(value)
        for old, key in new.items():
            if old in written:
                written = written.replace(old, key)
        return json.loads(written)
    return value


def _write_readings(connection: Connection, copies: list[Copy]) -> None:
    """Copy phases, cycles, alarms and all other rows of readings inside the database."""
    copied = Table(
        "copied", MetaData(), Column("old", String), Column("new", String), Column("number", Integer),
        Column("days", Float), prefixes=["TEMPORARY"],
    )  # fmt: skip
    copied.create(connection)
    rows = [
        {"old": c.template.one("revision")["id"], "new": c.key(c.template.one("revision")["id"]), "number": c.number, "days": c.days.days}
        for c in copies
    ]  # fmt: skip
    for begin in range(0, len(rows), 10_000):
        connection.execute(insert(copied), rows[begin : begin + 10_000])
    for table in (*_OF_A_READING, tables.trace):
        chosen = dict(_chosen(connection, table, copied))
        query = select(*chosen.values()).join_from(table, copied, copied.c.old == table.c.revision_id)
        if table is tables.trace:
            query = query.where(copied.c.number % TRACES == 0)
        connection.execute(insert(table).from_select(list(chosen), query))
    told = [
        {"revision_id": row["new"], "position": 900, "code": "unknown_alarm", "severity": "info",
         "member": "export.txt", "params": {"code": f"E-{row['number'] % 9}", "rows": "1"}, "line": 40}
        for row in rows
        if row["number"] % UNSEEN == 3
    ]  # fmt: skip
    if told:
        connection.execute(insert(tables.finding), told)


def _chosen(connection: Connection, table: Table, copied: Table) -> Iterator[tuple[str, Any]]:
    for column in table.c:
        if column.name == "revision_id":
            yield column.name, copied.c.new
        elif column.name.endswith(("_at", "_local")):
            yield column.name, _later(connection, column, copied.c.days)
        elif table is tables.column_use and column.name == "serial":
            # A pair of columns belongs to one patient.
            pair = copied.c.number // literal_column(str(PER_PATIENT))
            yield column.name, literal_column("'S-'") + cast(pair, String) + column.table.c.column_position
        else:
            yield column.name, column


def _later(
    connection: Connection, column: ColumnElement[Any], days: ColumnElement[Any]
) -> ColumnElement[Any]:
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M:%f000", column, days.op("||")(" days"))
    return column + days * literal_column("interval '1 day'")


def main() -> None:
    """Fill the folder named first with as many sessions as named second."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SESSIONS
    with open_house(Settings(data_dir=folder)) as house:
        seed(house, count)


if __name__ == "__main__":
    main()
