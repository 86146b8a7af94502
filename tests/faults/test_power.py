"""F003, F004, F005: the power goes, and with it every byte and every name that was not synced.

Killing a process cannot find a missing sync; a file system that is shut down without its journal can.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ingestor.errors import IngestorError
from tests.faults.ground import Disk
from tests.faults.life import Place, check, points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.sqlite, pytest.mark.torture]


@pytest.fixture
def power(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "image", tmp_path / "disk")
    yield disk
    disk.unplug()


def _offered(disk: Disk, exports: dict[str, bytes]) -> Place:
    """Files that have lain there for long: they are on the disk."""
    place = Place(disk.mount)
    place.offer(exports)
    os.sync()
    return place


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", points())
def test_power_lost_at_any_step_loses_nothing_that_was_promised(
    power: Disk, exports: dict[str, bytes], point: str, nth: int
) -> None:
    place = _offered(power, exports)
    place.killed_at(point, nth)
    acknowledged = place.acknowledged.read_bytes() if place.acknowledged.exists() else b""
    power.cut_power()
    power.plug_in()
    place.acknowledged.write_bytes(acknowledged)
    assert place.run() == 0
    check(place, exports, doses=len(exports))


def test_power_lost_right_after_all_was_done_loses_nothing(power: Disk, exports: dict[str, bytes]) -> None:
    place = _offered(power, exports)
    assert place.run() == 0
    power.cut_power()
    power.plug_in()
    assert place.run() == 0
    check(place, exports, doses=len(exports))


def _life_without_sync(place: Place) -> None:
    os.fsync = lambda _: None
    place.live()


def test_this_test_sees_a_missing_sync(power: Disk, exports: dict[str, bytes]) -> None:
    place = _offered(power, exports)
    assert place.run(life=_life_without_sync) == 0
    power.cut_power()
    power.plug_in()
    place.run()
    with pytest.raises((AssertionError, IngestorError)):
        check(place, exports, doses=len(exports))
