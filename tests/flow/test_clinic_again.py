"""A clinic of two decades read again with another profile, and with the first one again: its doses are true."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import drivers
from ingestor.config import Settings
from ingestor.flow import reprocess
from ingestor.flow.house import open_house
from ingestor.flow.verify import verify
from ingestor.isolate import Reader
from ingestor.store import plans
from ingestor.store.plans import Scope
from simulators.archive import ArchiveOrder
from tests import clinics
from tests.conftest import NOW
from tests.flow.states import known
from tests.flow.test_clinic import differences
from tests.parts import PERSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House
    from tests.clinics import Taken

SMALL = ArchiveOrder(seed=46, years=21, patients=4, sessions=30, trouble=4)
# Classes of alarms mistaken for each other, and two printed sums.
WRONG = {
    'low = "1", medium = "2"': 'low = "2", medium = "1"',
    '"Blutvolumen ml", "Blood volume ml"': '"?"',
    '"Antikoagulans ml", "Anticoagulant ml"': '"Blutvolumen ml", "Blood volume ml"',
    '"?"': '"Antikoagulans ml", "Anticoagulant ml"',
}


def another_profile(folder: Path) -> Reader:
    """Return a reader whose profile of one machine was written wrongly."""
    shutil.copytree(Path(drivers.__file__).parent, folder / "drivers")
    page = folder / "drivers" / "profiles" / "twin-column-report.toml"
    text = page.read_text("utf-8")
    for right, wrong in WRONG.items():
        assert right in text
        text = text.replace(right, wrong)
    page.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{folder}:{os.environ.get('PYTHONPATH', '')}")
        reader = Reader()
        assert reader.drivers()
    return reader


def read_again(house: House) -> list[Any]:
    """Propose, approve and return what changed."""
    key = reprocess.propose(house, Scope(), PERSON)
    reprocess.approve(house, key, PERSON, "the profile changed")
    with house.db.read() as connection:
        return [change for item in plans.items(connection, key) for change in item.changes]


def there_and_back(taken: Taken, folder: Path, reader: Reader) -> None:
    settings = Settings(data_dir=taken.copied(folder / "data"))
    with open_house(settings, now=lambda: NOW, reader=reader) as house:
        before = known(house)
    later = NOW + timedelta(days=1)
    with another_profile(folder) as wrong, open_house(settings, now=lambda: later, reader=wrong) as house:
        changes = read_again(house)
        told = {name for one in changes for name in one["fields"]}
        assert {"alarms_low", "alarms_medium", "blood_processed_ml", "ac_volume_ml", "driver_version"} <= told
        assert known(house) != before
    later += timedelta(days=1)
    with open_house(settings, now=lambda: later, reader=reader) as house:
        assert len(read_again(house)) == len(changes)
        assert list(verify(house)) == []
        assert known(house) == before
        assert differences(taken.clinic, house.db) == []


def test_a_clinic_read_again_with_another_profile_and_back_has_its_true_doses(
    taken_clinic: Callable[[ArchiveOrder], Taken], tmp_path: Path, reader: Reader
):
    there_and_back(taken_clinic(SMALL), tmp_path, reader)


@pytest.mark.torture
def test_the_whole_clinic_read_again_with_another_profile_and_back_has_its_true_doses(
    taken_clinic: Callable[[ArchiveOrder], Taken], tmp_path: Path, reader: Reader
):
    there_and_back(taken_clinic(clinics.WHOLE), tmp_path, reader)
