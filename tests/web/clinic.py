"""A small clinic written straight into the store, so that pages can be seen without reading a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from ingestor.ids import derived
from ingestor.meaning.columns import CODES, Use, concerns
from ingestor.model import (
    Alarm,
    ColumnUse,
    Cycle,
    Device,
    DriverStamp,
    Event,
    Evidence,
    Fact,
    Finding,
    Ignored,
    Instant,
    Phase,
    PhaseSpan,
    Priority,
    Role,
    Run,
    Severity,
    TimeMethod,
    Total,
)  # fmt: skip
from ingestor.phrases import phrase
from ingestor.store import columns, doses, links, patients, places, runs, sessions, sources, watching
from ingestor.store.arrivals import Arrival, accept
from ingestor.store.audit import Actor
from ingestor.trace import Trace, TraceColumn, to_block

if TYPE_CHECKING:
    from sqlalchemy import Connection

ZONE = ZoneInfo("Europe/Vienna")
NURSE = Actor("nurse", "nurse")
CYCLE_S = 1200
START = datetime(2026, 11, 2, 8, 15)  # noqa: DTZ001 - a machine's wall clock has no zone


def instant(local: datetime) -> Instant:
    return Instant(local, local.replace(tzinfo=ZONE).astimezone(UTC), TimeMethod.ZONE)


def _column(name: str, unit: str, values: np.ndarray, scale: int = 0) -> TraceColumn:
    mantissa = np.round(values * 10**scale).astype(np.int64)
    return TraceColumn(name, unit, unit, mantissa, scale, np.zeros(len(values), dtype=bool))


def _trace(start: Instant, cycles: int, every: int) -> Trace:
    seconds = np.arange(0, cycles * CYCLE_S, every)
    rng = np.random.default_rng(7)
    loading = (seconds % CYCLE_S) > 60
    plasma = np.where(loading, 28 + rng.normal(0, 0.6, len(seconds)), 0)
    local = int(start.local.replace(tzinfo=UTC).timestamp() * 1000)
    return Trace(
        utc_ms=int(start.utc.timestamp() * 1000) + seconds * 1000, local_ms=local + seconds * 1000,
        line=(40 + np.arange(len(seconds))).astype(np.int32),
        columns=(
            _column("plasma_flow", "mL/min", plasma, 1),
            _column("blood_flow", "mL/min", 80 + rng.normal(0, 1.5, len(seconds)), 0),
            _column("access_pressure", "mm[Hg]", -85 + 10 * np.sin(seconds / 900) + rng.normal(0, 3, len(seconds))),
            _column("return_pressure", "mm[Hg]", 95 + seconds / 400 + rng.normal(0, 3, len(seconds))),
            _column("column_pressure", "mm[Hg]", np.where(loading, 60 + (seconds % CYCLE_S) / 20, 20) + rng.normal(0, 2, len(seconds))),
            _column("processed_plasma", "mL", np.cumsum(plasma) * every / 60, 0),
        ),
    )  # fmt: skip


def a_run(
    start: datetime,
    serial: str,
    number: str,
    patient: str | None,
    cycles: int = 12,
    every: int = 5,
    **other: object,
) -> Run:
    began = instant(start)

    def at(seconds: float) -> Instant:
        return instant(start + timedelta(seconds=seconds))

    spans, loads = [], []
    for i in range(cycles):
        position, other_position = "AB"[i % 2], "BA"[i % 2]
        begin = i * CYCLE_S
        spans.append(
            PhaseSpan(
                len(spans),
                i + 1,
                position,
                Phase.LOAD,
                at(begin + 60),
                at(begin + CYCLE_S),
                Decimal(532),
                "532",
                True,
                20 + i,
            )
        )
        if i:
            for offset, length, kind in (
                (60, 420, Phase.ELUTE),
                (480, 300, Phase.NEUTRALISE),
                (780, 300, Phase.RECONDITION),
            ):
                spans.append(
                    PhaseSpan(
                        len(spans),
                        i,
                        other_position,
                        kind,
                        at(begin + offset),
                        at(begin + offset + length),
                        None,
                        "",
                        True,
                        20 + i,
                    )
                )
        loads.append(
            Cycle(i + 1, position, at(begin + 60), at(begin + CYCLE_S), Decimal(532), i < cycles - 1, 20 + i)
        )
    alarms = (
        Alarm(0, "A12", "P", "access_pressure_low", Priority.MEDIUM, "Zugangsdruck zu niedrig", at(3300), at(3390), at(3320), 801),
        Alarm(1, "A31", "P", "return_pressure_high", Priority.HIGH, "Rückgabedruck <hoch>", at(9000), at(9240), at(9050), 1402),
        Alarm(2, "I02", "I", "bag_empty", Priority.LOW, "Beutel leer", at(11000), at(11100), None, 1733),
    )  # fmt: skip
    fields = {
        "layout": "twin-column-report", "layout_version": "2.1",
        "device": Device("Adsora", "TC-20", serial, "4.2.1"), "role": Role.ADSORBER, "printed_id": number,
        "patient_printed": patient, "started": began, "ended": at(cycles * CYCLE_S + 300), "complete": True,
        "zone": "Europe/Vienna", "member": "session.csv", "rows_read": 2960,
        "facts": (Fact("weight", Decimal("72.5"), "kg", "72,5", 9),),
        "columns": (
            ColumnUse("A", 1, "Globaffin 62", f"GA-{serial}-1", "L2201", 7, None, True, 12),
            ColumnUse("B", 1, "Globaffin 62", f"GA-{serial}-2", "L2201", 7, None, True, 13),
        ),
        "phases": tuple(spans), "cycles": tuple(loads), "alarms": alarms,
        "events": (Event(0, at(30), "setting", "Plasmafluss", Decimal(28), "mL/min", 41),),
        "totals": (Total("processed_plasma", Decimal(6384), "mL", "6.384", 3001),),
        "trace": _trace(began, cycles, every), "ignored": (Ignored("blank", 2),),
        "findings": (Finding("zone_defaulted", Severity.INFO, "session.csv", 0, {"zone": "Europe/Vienna"}),),
    }  # fmt: skip
    return Run(**(fields | other))


def _dose_row(
    key: str, centre: str, run: Run, device: str, source: str, patient: str | None, **other: object
) -> dict[str, object]:
    loads = sum((c.load_ml or Decimal(0) for c in run.cycles), Decimal(0))
    row = {
        "session_id": key, "centre": centre, "method": "ia-dose/1", "patient_id": patient, "course": None,
        "started_at": run.started.utc, "ended_at": run.ended.utc, "started_local": run.started.local,
        "time_method": "zone", "device": device, "device_model": run.device.model,
        "device_serial": run.device.serial, "role": "adsorber", "driver": run.layout, "driver_version": "1",
        "evidence": "declared", "status": "provisional",
        "status_reasons": ["driver_not_accepted"] if patient else ["no_patient", "driver_not_accepted"],
        "processed_plasma_ml": loads, "processed_plasma_reading": "reported", "reported_ml": loads,
        "cycles_ml": loads, "counter_ml": loads - 13, "integrated_ml": loads + 11, "agreement": "agreed",
        "max_disagreement": Decimal("0.0038"), "native_plasma_ml": Decimal(5541),
        "plasma_volume_ml": Decimal("2925.5") if patient else None,
        "plasma_volume_formula": "nadler" if patient else None,
        "pv_multiple": Decimal("2.18") if patient else None, "plasma_ml_per_kg": Decimal("88.1"), "weight_kg": Decimal("72.5"),
        "height_cm": Decimal(180) if patient else None, "hematocrit": Decimal("0.45") if patient else None,
        "cycles_completed": len(run.cycles) - 1, "cycles_aborted": 1, "plasma_per_cycle_min_ml": Decimal(530),
        "plasma_per_cycle_mean_ml": Decimal(532), "plasma_per_cycle_max_ml": Decimal(534),
        "blood_processed_ml": Decimal(19200), "ac_volume_ml": Decimal(1600), "connected_min": Decimal(245),
        "loading_min": Decimal(228), "interrupted_min": Decimal(4), "interruptions": 2,
        "mean_plasma_flow_ml_min": Decimal(28), "alarms_high": 1, "alarms_medium": 1, "alarms_low": 1,
        "alarms_info": 0, "alarms_unknown": 0, "alarm_min": Decimal("7.2"), "complete": run.complete,
        "sources": [source],
        "detail": {"inputs": [{"kind": "weight", "value": "72.5", "unit": "kg", "at": "2026-10-20T08:00:00+00:00", "source": "person", "age_days": 12.0}]},
    }  # fmt: skip
    return row | other


def store(
    connection: Connection,
    centre: str,
    run: Run,
    *,
    patient: str | None = None,
    state: str = "current",
    **dose: object,
) -> str:
    """Store a run as a session of its own and return the session's id."""
    now = datetime.now(UTC)
    source = derived(
        "s", run.device.serial, run.printed_id or "", run.started.local.isoformat(), str(run.complete), state
    ).ljust(64, "0")
    member = sources.StoredMember("session.csv", source, 207_000)
    (sub,) = accept(connection, [Arrival(centre, [member], sources.Order("web", NURSE), "w", now)])
    device = places.ensure_device(connection, centre, run.device, run.role, now)
    run_key = runs.run_id(centre, run)
    key = derived("ses", run_key)
    sessions.save_outline(
        connection, centre, sessions.Outline(key, run.started.utc, run.ended.utc if run.ended else None), now
    )
    if runs.stored_run(connection, run_key) is None:
        runs.save_run(connection, run_key, centre, device, run)
    runs.assign(connection, run_key, key)
    block = to_block(run.trace) if run.trace is not None else None
    reading = runs.RunReading(
        run, block, len(run.trace or ()), tuple(c.channel for c in run.trace.columns) if run.trace else (), {}
    )
    origin = runs.Origin(source, 0, DriverStamp(run.layout, "1", Evidence.DECLARED))
    runs.save_revision(connection, run_key, origin, reading, state, now)
    if patient:
        links.append(
            connection, key, patient, rule="identifier", actor="system", reason="strip-zeros", at=now
        )
    if state != "current":
        return key
    doses.record(connection, _dose_row(key, centre, run, device, source, patient, **dose), "ingest", now)
    receipt = {
        "source": source, "members": [{"name": "session.csv", "bytes": 207_000, "sha256": source}], "submission": sub,
        "status": "stored", "run_statuses": ["stored"], "code": "stored", "driver": {"name": run.layout, "version": "1", "evidence": "declared"},
        "runs": [run_key], "sessions": [key], "rows": {"read": 2960, "stored": 2958, "held": 0, "duplicate": 0, "ignored": 2}, "findings": [], "parts": {x: phrase("stored_linked" if patient else "stored_unlinked", x, start=f"{run.started.local:%d.%m.%Y %H:%M}", volume="6 384 ml", cycles=f"{len(run.cycles)} Zyklen", alarms="3 Alarme") for x in ("de", "en")},
    }  # fmt: skip
    sources.finish(connection, sub, "stored", "stored", receipt, now)
    return key


def furnish(connection: Connection, centre: str) -> dict[str, str]:
    """Fill a store; return what was made by a short name."""
    now = datetime.now(UTC)
    places.ensure_centre(connection, centre, "Universitätsklinik Musterstadt", "Europe/Vienna")
    anna = patients.add(
        connection, centre, now, sex="female", birth_date=date(1968, 3, 4), name="Anna Beispiel"
    )
    bert = patients.add(
        connection, centre, now, sex="male", birth_date=date(1959, 11, 30), name="Bert <Muster>"
    )
    patients.add_identifier(connection, centre, anna, "KIS", "00481516", "481516")
    patients.add_identifier(connection, centre, bert, "KIS", "00481517", "481517")
    for who, kind, value, unit in (
        (anna, "weight", "72.5", "kg"),
        (anna, "height", "170", "cm"),
        (anna, "hematocrit", "36", "%"),
        (bert, "weight", "80", "kg"),
    ):
        patients.measure(
            connection,
            who,
            kind,
            Decimal(value),
            unit,
            now - timedelta(days=12),
            source="person",
            actor="nurse",
            now=now,
        )
    found = {"anna": anna, "bert": bert}
    day = START
    for i in range(6):
        found[f"anna{i}"] = store(
            connection,
            centre,
            a_run(
                day - timedelta(days=2 * i),
                "TC20-0117",
                str(4100 - i),
                "00481516",
                cycles=10 + i % 3,
                every=30,
            ),
            patient=anna,
        )
    found["linked"] = found["anna0"]
    found["unlinked"] = store(
        connection, centre, a_run(day + timedelta(days=1), "TC20-0117", "4101", "00481561", every=1)
    )
    found["empty_patient"] = store(
        connection, centre, a_run(day + timedelta(days=1, hours=5), "TC20-0204", "877", None, every=30)
    )
    found["withheld"] = store(
        connection, centre, a_run(day - timedelta(days=3), "TC20-0204", "870", "481517", every=30), patient=bert,
        status="withheld", status_reasons=["readings_disagree"], agreement="disagreed", counter_ml=Decimal(4980), max_disagreement=Decimal("0.2199"),
    )  # fmt: skip
    found |= _troubles(connection, centre)
    warn_of_columns(connection, centre)
    return found


def warn_of_columns(connection: Connection, centre: str) -> None:
    """Let the doses say what is wrong with columns, as if they had been computed."""
    serials = [f"GA-TC20-0117-{n}" for n in (1, 2)]
    uses = [Use(**row) for row in columns.uses(connection, centre, serials)]
    found = concerns(uses, {})
    for key in {use.session for use in uses}:
        row = doses.current(connection, key, "ia-dose/1")
        assert row is not None
        values = {k: v for k, v in row._mapping.items() if k not in doses.KEPT_APART}
        codes = dict.fromkeys(one.code for one in found.get(key, ()))
        values["status_reasons"] = [r for r in row.status_reasons if r not in CODES] + list(codes)
        values["detail"] = row.detail | {"column_warnings": [one.to_json() for one in found.get(key, ())]}
        doses.record(connection, values, "link", datetime.now(UTC))


def _troubles(connection: Connection, centre: str) -> dict[str, str]:
    """Something for every tray: a held reading, a refused and a waiting file, a shared column, a lost share."""
    now = datetime.now(UTC)
    again = a_run(
        START, "TC20-0117", "4100", "00481516", cycles=9, every=30,
        findings=(Finding("unknown_column", Severity.WARNING, "session.csv", 17, {"column": "QX"}),),
    )  # fmt: skip
    store(connection, centre, again, state="held")
    for status, code in (("refused", "not_recognised"), ("waiting", "waiting_companion")):
        source = derived("s", status).ljust(64, "0")
        member = sources.StoredMember(f"{status}.csv", source, 1200)
        (key,) = accept(connection, [Arrival(centre, [member], sources.Order("web", NURSE), "w", now)])
        parts = {x: phrase(code, x, days=90, parts="b.csv", hours=24) for x in ("de", "en")}
        sources.finish(connection, key, status, code, {"parts": parts, "sessions": [], "findings": []}, now)
    folder = watching.enter(connection, centre, b"/mnt/exports", now)
    watching.note(connection, folder, "folder_gone", None, (0, 0), now)
    carla = patients.add(connection, centre, now, name="Carla Probe")
    shared = a_run(START - timedelta(days=4), "TC20-0117", "4090", None, cycles=6, every=30)
    unseen = Finding("unknown_column", Severity.WARNING, "session.csv", 17, {"column": "QX"})
    store(connection, centre, replace(shared, findings=(unseen,)), patient=carla)
    machine = places.device_id(centre, shared.device)
    held = runs.revisions_of(connection, [runs.run_id(centre, again)])[-1].id
    return {"machine": machine, "held": held, "carla": carla}
