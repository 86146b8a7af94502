"""Doses in bulk, straight into the tables: rows as taking files in would have left them, without the files.

Sessions, their runs' machines and patients are there, and every dose is of a linked session; revisions, cycles and
samples are not. The numbers of a row belong together: a multiple is plasma by plasma volume, the mean load is plasma by
cycles, and so on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestor.ids import derived
from ingestor.store import places
from ingestor.store.tables import device, dose, patient, session

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.store.engine import Database

PIECE = 20_000
MACHINES = 12
SESSIONS_EACH = 25
_FIRST = np.datetime64("2005-01-03T05:00:00.000000")
_CREATED = datetime(2005, 1, 1, tzinfo=UTC)
_LAYOUTS = ("twin-column-report", "twin-column-journal", "single-column-table")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made: ids by place in time."""

    centre: str
    sessions: int
    patients: tuple[str, ...]
    devices: tuple[str, ...]


def session_id(number: int) -> str:
    """Return the id of the session with this number, 0 is the oldest."""
    return derived("ses", "bulk", str(number))


def start_of(number: int) -> str:
    """Return an instant shortly before the session with this number began."""
    return f"{np.datetime_as_string(_FIRST + np.timedelta64(number * 600, 's'), unit='s')}Z"


def seed(db: Database, centre: str, count: int) -> Seeded:
    """Fill an empty, upgraded store with so many sessions and their doses."""
    patients = tuple(derived("pat", "bulk", str(n)) for n in range(max(count // SESSIONS_EACH, 1)))
    devices = tuple(derived("dev", "bulk", str(n)) for n in range(MACHINES))
    if not count:
        return Seeded(centre, count, patients, devices)
    with db.write() as connection:
        if db.is_sqlite:
            connection.exec_driver_sql("PRAGMA cache_size=-400000")
        places.ensure_centre(connection, centre, "Bulk", "Europe/Vienna")
        _people(connection, centre, patients)
        _machines(connection, centre, devices)
        for first in range(0, count, PIECE):
            _sessions(connection, centre, range(first, min(first + PIECE, count)), patients, devices)
    if db.is_sqlite:  # a store of some years has been asked to look at itself; a new one has not
        with db.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    return Seeded(centre, count, patients, devices)


def _people(connection: Connection, centre: str, keys: tuple[str, ...]) -> None:
    rows = [
        {"id": key, "centre": centre, "sex": ("female", "male")[n % 2], "birth_year": 1930 + n % 70,
         "test": False, "created_at": _CREATED}
        for n, key in enumerate(keys)
    ]  # fmt: skip
    connection.execute(patient.insert(), rows)


def _machines(connection: Connection, centre: str, keys: tuple[str, ...]) -> None:
    rows = [
        {"id": key, "centre": centre, "maker": "Example Apheresis", "model": _model(n), "serial": f"AM-{n:04}",
         "role": "adsorber", "bench": False, "first_seen": _CREATED}
        for n, key in enumerate(keys)
    ]  # fmt: skip
    connection.execute(device.insert(), rows)


def _model(machine: int) -> str:
    return f"AdsorptionsMonitor {('TC-2', 'TC-3', 'SC-1')[machine % 3]}"


def _sessions(
    connection: Connection, centre: str, numbers: range, patients: tuple[str, ...], devices: tuple[str, ...]
) -> None:
    """Insert one piece; values as the database's own driver takes them, so that it takes seconds."""
    columns = _columns(centre, numbers, patients, devices)
    is_sqlite = connection.dialect.name == "sqlite"
    one = {
        "id": columns["session_id"], "centre": columns["centre"], "started_at": columns["started_at"],
        "ended_at": columns["ended_at"], "patient_id": columns["patient_id"], "created_at": columns["known_from"],
        "flags": ["[]"] * len(numbers),
    }  # fmt: skip
    for table, values in ((session, one), (dose, columns)):
        mark = "?" if is_sqlite else "%s"
        statement = (
            f"INSERT INTO {table.name} ({', '.join(values)}) VALUES ({', '.join([mark] * len(values))})"
        )
        connection.exec_driver_sql(statement, list(zip(*values.values(), strict=True)))


def _columns(
    centre: str, numbers: range, patients: tuple[str, ...], devices: tuple[str, ...]
) -> dict[str, list[Any]]:
    count = len(numbers)
    drawn = np.random.default_rng(numbers.start)
    at = np.arange(numbers.start, numbers.stop)
    # Forty sessions an hour would be one clinic too many; a registry has them.
    start = _FIRST + (at * 600_000_000 + drawn.integers(0, 500_000_000, count)).astype("timedelta64[us]")
    start = start.astype("datetime64[s]")
    minutes = np.round(drawn.uniform(150, 280, count), 2)
    end = start + (minutes * 60).astype("timedelta64[s]")
    plasma = np.round(drawn.uniform(3000, 8000, count), 1)
    weight = np.round(drawn.uniform(48, 110, count), 1)
    volume = np.round(weight * 39.65, 2)
    cycles = drawn.integers(8, 20, count)
    machine = at % len(devices)
    who = (at // len(devices)) % len(patients)
    final = drawn.random(count) < 0.9
    loads = np.round(plasma / cycles, 2)
    sums = [hashlib.sha256(str(n).encode()).hexdigest() for n in numbers]
    runs = [derived("run", "bulk", str(n)) for n in numbers]
    keys = [session_id(n) for n in numbers]
    alarms = drawn.poisson(1.2, (4, count))
    integrated = np.round(plasma * drawn.uniform(0.98, 1.02, count), 2)
    apart = np.round(np.abs(integrated - plasma) / np.maximum(integrated, plasma), 6)
    texts = {
        "session_id": keys, "centre": [centre] * count, "known_from": _stamps(end + np.timedelta64(3600, "s")),
        "method": ["ia-dose/1"] * count, "patient_id": [patients[n] for n in who],
        "course": [str(n) for n in at // (len(devices) * len(patients)) + 1], "started_at": _stamps(start),
        "ended_at": _stamps(end), "started_local": _stamps(start + np.timedelta64(3600, "s")),
        "time_method": ["zone"] * count, "device": [devices[n] for n in machine],
        "device_model": [_model(n) for n in machine], "device_serial": [f"AM-{n:04}" for n in machine],
        "role": ["adsorber"] * count, "driver": [_LAYOUTS[n % 3] for n in machine],
        "driver_version": ["1+edb519e09016"] * count, "evidence": ["declared"] * count,
        "status": np.where(final, "final", "provisional").tolist(),
        "status_reasons": np.where(final, "[]", '["driver_not_accepted", "formula_fallback"]').tolist(),
        "processed_plasma_reading": ["reported"] * count, "agreement": ["agreed"] * count,
        "plasma_volume_formula": ["kaplan"] * count, "complete": [True] * count,
        "sources": [json.dumps([s]) for s in sums],
        "detail": [_detail(*one) for one in zip(runs, sums, plasma.tolist(), weight.tolist(), strict=True)],
    }  # fmt: skip
    figures = {
        "processed_plasma_ml": plasma, "reported_ml": plasma, "cycles_ml": plasma, "counter_ml": plasma,
        "integrated_ml": integrated, "max_disagreement": apart, "native_plasma_ml": np.round(plasma * 0.87, 6),
        "plasma_volume_ml": volume, "pv_multiple": np.round(plasma / volume, 6),
        "plasma_ml_per_kg": np.round(plasma / weight, 6), "weight_kg": weight,
        "hematocrit": np.round(drawn.uniform(0.3, 0.45, count), 2), "cycles_completed": cycles,
        "cycles_aborted": (drawn.random(count) < 0.03).astype(int), "plasma_per_cycle_min_ml": np.round(loads - 0.4, 2),
        "plasma_per_cycle_mean_ml": loads, "plasma_per_cycle_max_ml": np.round(loads + 0.4, 2),
        "blood_processed_ml": np.round(plasma * 2.6, 1), "ac_volume_ml": np.round(plasma * 0.24, 1),
        "connected_min": minutes, "loading_min": np.round(minutes * 0.86, 2),
        "interrupted_min": np.round(minutes * 0.02, 2), "interruptions": (at % 3 == 0).astype(int),
        "mean_plasma_flow_ml_min": np.round(plasma / (minutes * 0.86), 5), "alarms_high": alarms[0],
        "alarms_medium": alarms[1], "alarms_low": alarms[2], "alarms_info": alarms[3],
        "alarms_unknown": np.zeros(count, int), "alarm_min": np.round(alarms.sum(0) * 0.7, 3),
    }  # fmt: skip
    return texts | {name: values.tolist() for name, values in figures.items()}


def _stamps(at: np.ndarray[Any, Any]) -> list[str]:
    """Return instants as SQLite keeps them; PostgreSQL reads them as well, as UTC."""
    return [f"{text[:10]} {text[11:]}" for text in np.datetime_as_string(at, unit="us").tolist()]


def _detail(run: str, source: str, plasma: float, weight: float) -> str:
    readings = dict.fromkeys(("reported", "cycles", "counter", "integrated"), plasma)
    inputs = [
        {"kind": kind, "value": value, "unit": unit, "at": "2005-01-03T05:46:16+00:00", "source": "machine",
         "age_days": 0.0}
        for kind, value, unit in (("weight", weight, "kg"), ("hematocrit", 0.39, "1"))
    ]  # fmt: skip
    column = {
        "position": "A", "sequence": 1, "product": "ProtA-62", "serial": "S-9338045", "lot": "L2106", "use": 1,
        "cycles_completed": 5, "cycles_aborted": 0, "load_ml": plasma / 2,
    }  # fmt: skip
    return json.dumps({
        "inputs": inputs, "formula_asked": "nadler", "lower_bound": False, "integrated_gap_s": 0.0,
        "columns": [{"run": run, "columns": [column, column | {"position": "B"}]}],
        "runs": [{"run": run, "role": "adsorber", "source": source, "complete": True, "readings": readings}],
        "notes": [], "measured": {}, "decision": None, "missing": {"height_cm": "no_height"},
    })  # fmt: skip
