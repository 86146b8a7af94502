"""Runs and their revisions: every reading that was ever made, exactly one of them current."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import insert, select, update

from ingestor.ids import derived
from ingestor.model import Device, DriverStamp, Evidence, Fact, Ignored, Role, Run, Total
from ingestor.store.privacy import run_is_of_erased
from ingestor.store.rows import KINDS, instant, rows_of
from ingestor.store.tables import device, printed_patient, revision, run, session, trace
from ingestor.trace import from_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class RunReading:
    """One reading of one run, ready to be stored.

    Attributes:
        block: the trace as a Parquet file, None where nothing was sampled.
        figures: what the dose needs from this run, as JSON.
        basis: by which rules and with which clock the log was given its meaning.
    """

    run: Run
    block: bytes | None
    samples: int
    channels: tuple[str, ...]
    figures: dict[str, Any]
    basis: str = ""


def stored_reading(connection: Connection, revision_key: str) -> tuple[Origin, RunReading]:
    """Return a reading as it was handed in."""
    row = connection.execute(select(revision).where(revision.c.id == revision_key)).one()
    kept = connection.execute(select(trace).where(trace.c.revision_id == revision_key)).one_or_none()
    one = load(connection, revision_key, with_trace=False)
    stamp = DriverStamp(row.driver, row.driver_version, Evidence(row.evidence))
    return Origin(row.source, row.treatment, stamp), RunReading(
        one, kept.block if kept else None, kept.samples if kept else 0, tuple(kept.channels) if kept else (),
        row.figures, row.basis,
    )  # fmt: skip


def whole(reading: RunReading) -> Run:
    """Return the run of a reading with its trace."""
    return replace(reading.run, trace=from_block(reading.block) if reading.block else None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a reading comes from: the source, which of its treatments (from 0), and who read it."""

    source: str
    treatment: int
    driver: DriverStamp


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the store knows it."""

    id: str
    centre: str
    device_id: str
    role: Role
    session_id: str | None
    started_at: datetime
    ended_at: datetime | None
    last_seen: datetime
    half_of: str | None


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    types: dict[str, Any] = {
        "totals": tuple[Total, ...], "facts": tuple[Fact, ...], "ignored": tuple[Ignored, ...],
    }  # fmt: skip
    return TypeAdapter(types[kind])


def run_id(centre_id: str, one: Run) -> str:
    """Return a run's identity: the device and its own number, else the device and the printed start."""
    known_by = one.printed_id or one.started.local.isoformat()
    machine = one.device
    return derived("run", centre_id, machine.maker, machine.model, machine.serial, known_by)


def save_run(
    connection: Connection, key: str, centre_id: str, device_key: str, one: Run, half_of: str | None = None
) -> None:
    """Register a run; its session is assigned by `assign`, its times follow the reading that counts."""
    connection.execute(
        insert(run).values(
            id=key, centre=centre_id, device_id=device_key, role=one.role.value, printed_id=one.printed_id,
            half_of=half_of, started_at=one.started.utc, ended_at=one.ended.utc if one.ended else None,
            last_seen=one.ended.utc if one.ended else one.started.utc,
        )
    )  # fmt: skip


def assign(connection: Connection, key: str, session_id: str | None) -> None:
    """Say which session a run belongs to."""
    connection.execute(update(run).where(run.c.id == key).values(session_id=session_id))
    if session_id is not None:
        ward = select(device.c.ward).join(run, run.c.device_id == device.c.id).where(run.c.id == key)
        query = update(session).where(session.c.id == session_id, session.c.ward.is_(None))
        connection.execute(query.values(ward=ward.scalar_subquery()))


def stored_run(connection: Connection, key: str) -> StoredRun | None:
    """Return a run, or None."""
    row = connection.execute(select(run).where(run.c.id == key)).one_or_none()
    return _stored(row) if row else None


def runs_of(connection: Connection, session_id: str) -> list[StoredRun]:
    """Return the runs of a session by start."""
    query = select(run).where(run.c.session_id == session_id).order_by(run.c.started_at, run.c.id)
    return [_stored(row) for row in connection.execute(query)]


def _stored(row: Row[Any]) -> StoredRun:
    return StoredRun(
        row.id, row.centre, row.device_id, Role(row.role), row.session_id, row.started_at, row.ended_at, row.last_seen,
        row.half_of,
    )  # fmt: skip


def current_readings(connection: Connection, session_id: str) -> list[Row[Any]]:
    """Return what the dose needs of each current reading of a session's runs, by start."""
    query = (
        select(
            revision.c.run_id, revision.c.figures, revision.c.driver, revision.c.driver_version, revision.c.evidence,
            revision.c.source, run.c.device_id, device.c.model, device.c.serial, device.c.bench.label("on_bench"),
        )
        .join(run, revision.c.run_id == run.c.id)
        .join(device, run.c.device_id == device.c.id)
        .where(run.c.session_id == session_id, revision.c.state == "current")
        .order_by(run.c.started_at, run.c.id)
    )  # fmt: skip
    return list(connection.execute(query))


def blocks_of(connection: Connection, session_id: str) -> list[bytes]:
    """Return the traces of a session's current readings as they are stored, by start."""
    query = (
        select(trace.c.block)
        .join(revision, trace.c.revision_id == revision.c.id)
        .join(run, revision.c.run_id == run.c.id)
        .where(run.c.session_id == session_id, revision.c.state == "current")
        .order_by(run.c.started_at, run.c.id)
    )
    return list(connection.execute(query).scalars())


def printed_patients(connection: Connection, session_id: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what stands in the patient fields of a session's current readings, each with the machine's serials."""
    query = (
        select(printed_patient.c.text, device.c.serial)
        .join(revision, printed_patient.c.revision_id == revision.c.id)
        .join(run, revision.c.run_id == run.c.id)
        .join(device, run.c.device_id == device.c.id)
        .where(run.c.session_id == session_id, revision.c.state == "current")
        .order_by(run.c.started_at, run.c.id)
    )
    return [(row.text, (row.serial,)) for row in connection.execute(query)]


def revision_id(origin: Origin, basis: str) -> str:
    """Return the identity of one reading: the same bytes, read by the same driver on the same basis."""
    stamp = origin.driver
    return derived("rev", origin.source, str(origin.treatment), stamp.name, stamp.version, basis)


def save_revision(
    connection: Connection, run_key: str, origin: Origin, reading: RunReading, state: str, now: datetime
) -> str:
    """Store a reading with all its rows and its trace; return its id. One that is there keeps its rows."""
    key = revision_id(origin, reading.basis)
    if revision_row(connection, key) is not None:
        connection.execute(
            update(revision).where(revision.c.id == key).values(state=state, run_id=run_key, replaced_by=None)
        )
        return key
    connection.execute(
        insert(revision).values(
            id=key, run_id=run_key, source=origin.source, treatment=origin.treatment, state=state,
            driver=origin.driver.name, driver_version=origin.driver.version,
            evidence=origin.driver.evidence.value, basis=reading.basis, figures=reading.figures, read_at=now,
            **_header(reading.run),
        )
    )  # fmt: skip
    for kind, (table, _, _) in KINDS.items():
        rows = rows_of(reading.run, kind, key)
        if rows:
            connection.execute(insert(table), rows)
    if reading.run.patient_printed and not run_is_of_erased(connection, run_key):
        connection.execute(insert(printed_patient).values(revision_id=key, text=reading.run.patient_printed))
    if reading.block is not None:
        connection.execute(
            insert(trace).values(
                revision_id=key, samples=reading.samples, channels=list(reading.channels), block=reading.block
            )
        )
    return key


def _header(one: Run) -> dict[str, Any]:
    ended = one.ended
    documents = {
        kind: _adapter(kind).dump_python(getattr(one, kind), mode="json")
        for kind in ("totals", "facts", "ignored")
    }
    return {
        "layout": one.layout, "layout_version": one.layout_version, "software": one.device.software,
        "zone": one.zone, "member": one.member, "complete": one.complete, "hold": one.hold, "bench": one.bench,
        "cycle_definition": one.cycle_definition, "started_at": one.started.utc,
        "started_local": one.started.local, "started_method": one.started.method.value,
        "ended_at": ended.utc if ended else None, "ended_local": ended.local if ended else None,
        "ended_method": ended.method.value if ended else None, "rows_read": one.rows_read,
        "segments": list(one.segments), **documents,
    }  # fmt: skip


def current_revision(connection: Connection, run_key: str) -> str | None:
    """Return the reading of a run that counts, or None."""
    query = select(revision.c.id).where(revision.c.run_id == run_key, revision.c.state == "current")
    return connection.execute(query).scalar()


def revision_of_source(
    connection: Connection, run_key: str, source: str, treatment: int
) -> tuple[str, str] | None:
    """Return (id, state) of the newest reading of this treatment of a source for this run, or None."""
    query = (
        select(revision.c.id, revision.c.state)
        .where(revision.c.run_id == run_key, revision.c.source == source, revision.c.treatment == treatment)
        .order_by(revision.c.read_at.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return (row.id, row.state) if row else None


def revision_row(connection: Connection, revision_key: str) -> Row[Any] | None:
    """Return a reading without its rows, or None."""
    return connection.execute(select(revision).where(revision.c.id == revision_key)).one_or_none()


def set_state(connection: Connection, revision_key: str, state: str) -> None:
    """Change whether a reading counts."""
    connection.execute(update(revision).where(revision.c.id == revision_key).values(state=state))


def replace_reading(connection: Connection, revision_key: str, by: str | None) -> None:
    """Let a reading no longer count, because another one does in its stead."""
    connection.execute(
        update(revision).where(revision.c.id == revision_key).values(state="superseded", replaced_by=by)
    )


def replaced_elsewhere(connection: Connection, by: str, run_key: str) -> list[tuple[str, str]]:
    """Return (run, reading) of other runs that stopped counting for the sake of this reading."""
    query = select(revision.c.run_id, revision.c.id).where(
        revision.c.replaced_by == by, revision.c.run_id != run_key, revision.c.state == "superseded"
    )
    return [(row.run_id, row.id) for row in connection.execute(query)]


def make_current(connection: Connection, run_key: str, revision_key: str) -> str | None:
    """Let this reading count instead of the one before; return the one before."""
    before = current_revision(connection, run_key)
    if before == revision_key:
        return before
    if before is not None:
        replace_reading(connection, before, revision_key)
    connection.execute(
        update(revision).where(revision.c.id == revision_key).values(state="current", replaced_by=None)
    )
    row = connection.execute(
        select(revision.c.started_at, revision.c.ended_at, revision.c.figures).where(
            revision.c.id == revision_key
        )
    ).one()
    seen = row.ended_at or datetime.fromisoformat(row.figures["last_seen"])
    connection.execute(
        update(run)
        .where(run.c.id == run_key)
        .values(started_at=row.started_at, ended_at=row.ended_at, last_seen=seen)
    )
    return before


def revisions_of(connection: Connection, run_keys: Sequence[str]) -> list[Row[Any]]:
    """Return all readings of some runs without their rows, oldest first."""
    query = (
        select(revision).where(revision.c.run_id.in_(run_keys)).order_by(revision.c.read_at, revision.c.id)
    )
    return list(connection.execute(query))


def load(connection: Connection, revision_key: str, *, with_trace: bool = True) -> Run:
    """Rebuild a reading exactly as it was stored."""
    query = (
        select(revision, run.c.role, run.c.printed_id, device.c.maker, device.c.model, device.c.serial)
        .join(run, revision.c.run_id == run.c.id)
        .join(device, run.c.device_id == device.c.id)
        .where(revision.c.id == revision_key)
    )
    row = connection.execute(query).one()
    things = {kind: _rows(connection, kind, revision_key) for kind in KINDS}
    documents = {
        kind: _adapter(kind).validate_python(getattr(row, kind)) for kind in ("totals", "facts", "ignored")
    }
    started = instant(row, "started")
    if started is None:
        raise AssertionError(revision_key)
    patient = connection.execute(
        select(printed_patient.c.text).where(printed_patient.c.revision_id == revision_key)
    ).scalar()
    block = None
    if with_trace:
        block = connection.execute(select(trace.c.block).where(trace.c.revision_id == revision_key)).scalar()
    return Run(
        layout=row.layout, layout_version=row.layout_version,
        device=Device(row.maker, row.model, row.serial, row.software), role=Role(row.role),
        printed_id=row.printed_id, patient_printed=patient, started=started, ended=instant(row, "ended"),
        complete=row.complete, zone=row.zone, member=row.member, rows_read=row.rows_read, hold=row.hold,
        bench=row.bench, cycle_definition=row.cycle_definition, segments=tuple(row.segments),
        trace=from_block(block) if block else None, **things, **documents,
    )  # fmt: skip


def _rows(connection: Connection, kind: str, revision_key: str) -> tuple[Any, ...]:
    table, _, from_row = KINDS[kind]
    query = select(table).where(table.c.revision_id == revision_key).order_by(table.c.position)
    return tuple(from_row(row) for row in connection.execute(query))
