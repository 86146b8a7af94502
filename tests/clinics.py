"""Clinics of two decades: written by the simulator, taken in through the real door, kept for a test run.

`SAMPLE` is small and damaged more often than usual, so that it has a bit of everything; `WHOLE` is the clinic itself.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ingestor.flow.patient_import import import_csv
from ingestor.ways.files import ingest_paths
from simulators.archive import ArchiveOrder, write_archive
from tests.parts import ORDER, PERSON

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.flow.house import House

SAMPLE = ArchiveOrder(seed=46, years=21, patients=8, sessions=130, trouble=6)
WHOLE = ArchiveOrder(seed=1, years=21, patients=23, sessions=600)


@dataclass(frozen=True)
class Clinic:
    """The folder that a clinic left behind: `exports/`, `truth.json` and two tables of its patients."""

    folder: Path

    @property
    def exports(self) -> Path:
        return self.folder / "exports"

    @cached_property
    def sessions(self) -> list[dict[str, Any]]:
        """Return the truths of all treatments in order of writing."""
        found: list[dict[str, Any]] = json.loads((self.folder / "truth.json").read_text("utf-8"))["sessions"]
        return found


@dataclass(frozen=True)
class Taken:
    """A clinic that was taken in.

    Attributes:
        data: the data folder (SQLite) as it was then; never to be written to, see `copied`.
        receipts: in order of taking.
    """

    clinic: Clinic
    data: Path
    receipts: list[dict[str, Any]]

    def copied(self, target: Path) -> Path:
        """Copy the data folder, for a test that changes something."""
        return shutil.copytree(self.data, target)


def written(order: ArchiveOrder, folder: Path) -> Clinic:
    """Write a clinic."""
    write_archive(order, folder)
    return Clinic(folder)


def take_in(house: House, clinic: Clinic) -> list[dict[str, Any]]:
    """Import patients and measurements, then take in every export; return the receipts."""
    for table in ("patients.csv", "measurements.csv"):
        _, troubles = import_csv(house, (clinic.folder / table).read_text("utf-8"), PERSON)
        assert troubles == []
    return list(ingest_paths(house, [clinic.exports], ORDER))
