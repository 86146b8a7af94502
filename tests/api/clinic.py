"""A small clinic whose files went through the real door: simulated exports, patients, measurements, links."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from ingestor.flow import patients
from ingestor.flow.house import open_house
from ingestor.flow.pipeline import ingest
from ingestor.store import sessions
from ingestor.store.audit import Actor
from ingestor.store.sources import Order, StoredMember
from simulators.command import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House

STEWARD = Actor("the steward", "steward")
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NAME, BIRTH, FILE = "Xaverine Beispielhuber", date(1968, 3, 4), "Beispielhuber_Xaverine.txt"


@dataclass(frozen=True)
class Clinic:
    """What was made.

    Attributes:
        exports: file name -> bytes.
        truth: what the simulator says of Anna's sessions, by start.
        anna, bert: ids of patients; Anna has three sessions, Bert one; one session has nobody.
        identifier: what was typed for Anna at the machine.
        sessions: ids by start, Anna's first.
    """

    data: Path
    exports: dict[str, bytes]
    truth: list[dict[str, Any]]
    anna: str
    bert: str
    identifier: str
    sessions: tuple[str, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that identifies Anna and must never reach an analyst."""
        return (
            "Beispielhuber", "beispielhuber", "Xaverine", self.identifier, self.identifier.lstrip("0"), self.anna,
            self.bert, "1968-03-04", "04.03.1968", "4711-0815",
        )  # fmt: skip


def _simulated(folder: Path, *arguments: str) -> tuple[list[Path], list[dict[str, Any]]]:
    done = CliRunner().invoke(simulate, [*arguments, "--out", str(folder)])
    assert done.exit_code == 0, done.output
    truth = json.loads((folder / "truth.json").read_text("utf-8"))["sessions"]
    return sorted(p for p in folder.iterdir() if p.name != "truth.json"), truth


def furnish(settings: Settings, folder: Path) -> Clinic:
    """Fill an empty data folder."""
    anna_files, truth = _simulated(folder / "anna", "twin-column-report", "--seed", "3", "--sessions", "3")
    bert_files, _ = _simulated(folder / "bert", "twin-column-report", "--seed", "4")
    nobody, _ = _simulated(folder / "nobody", "twin-column-report", "--seed", "5", "--fault", "no-patient")
    identifier = truth[0]["patient_id"]
    exports: dict[str, bytes] = {}
    with open_house(settings, now=lambda: NOW) as house:
        anna, bert = _people(house, identifier)
        for name, path in [
            (FILE, anna_files[0]),
            *((p.name, p) for p in (*anna_files[1:], *bert_files, *nobody)),
        ]:
            exports[name] = path.read_bytes()
            kept = house.archive.put_bytes(exports[name])
            ingest(house, [StoredMember(name, kept.sha256, kept.size)], Order("test", STEWARD))
        with house.db.read() as connection:
            own = [key for key, _ in sessions.sessions_of(connection, [anna])]
            others = [key for key in sessions.all_sessions(connection) if key not in own]
    assert (len(own), len(others)) == (3, 2)
    return Clinic(settings.data_dir, exports, truth, anna, bert, identifier, (*own, *others))


def _people(house: House, identifier: str) -> tuple[str, str]:
    with house.db.write() as connection:
        anna = patients.add(
            house,
            connection,
            patients.NewPatient("female", BIRTH, NAME, identifiers={"KIS": identifier, "case": "4711-0815"}),
            STEWARD,
        )
        bert = patients.add(
            house, connection, patients.NewPatient("male", date(1950, 1, 2), "Bert Muster"), STEWARD
        )
        for kind, value, unit in (("height", "168", "cm"), ("weight", "61", "kg"), ("hematocrit", "37", "%")):
            new = patients.NewMeasurement(
                kind, Decimal(value), unit, datetime(2020, 6, 7, 6, tzinfo=UTC), f"Brief Fr. {NAME}"
            )
            patients.measure(house, connection, anna, new, STEWARD)
    return anna, bert
