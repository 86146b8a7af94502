"""F015, F016, F018, F022, F029, F068: damage to what was kept, a stop in mid-work, a log that is gone, a clock that jumps."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestor.config import Settings
from ingestor.errors import NotFound, StorageTrouble
from ingestor.flow.house import open_house
from ingestor.ops.scrub import scrub
from ingestor.ways.watch.folder import Folder, Habits
from tests.faults.life import Place, check

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).parents[2]


def test_any_flipped_bit_of_a_kept_file_is_seen_and_healed_by_handing_it_in_again(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    assert place.run() == 0
    chance = random.Random(3)
    with open_house(Settings(data_dir=place.data)) as house:
        for sha256 in list(house.archive.objects()):
            path = house.archive.path_of(sha256)
            data = bytearray(path.read_bytes())
            good = bytes(data)
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.chmod(0o640)
            path.write_bytes(data)
            with pytest.raises(StorageTrouble):
                house.archive.read(sha256)
            assert scrub(house.archive, house.db).damaged == [sha256]
            assert house.archive.put_bytes(good).new
            assert house.archive.read(sha256) == good
    check(place, exports, doses=len(exports))


@pytest.mark.parametrize("how", ["empty", "gone"])
def test_a_kept_file_that_is_empty_or_gone_is_never_served_as_if_it_were_there(
    tmp_path: Path, exports: dict[str, bytes], how: str
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    assert place.run() == 0
    with open_house(Settings(data_dir=place.data)) as house:
        sha256 = next(iter(house.archive.objects()))
        path = house.archive.path_of(sha256)
        if how == "gone":
            path.unlink()
        else:
            path.chmod(0o640)
            path.write_bytes(b"")
        with pytest.raises((NotFound, StorageTrouble)):
            house.archive.read(sha256)
        found = scrub(house.archive, house.db)
        assert found.missing + found.damaged == [sha256]


def test_without_its_write_ahead_log_the_database_is_older_and_the_archive_makes_it_whole_again(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    assert place.killed_at("watch.moved", 2)
    for ending in ("-wal", "-shm"):
        (place.data / f"apherelog.db{ending}").unlink(missing_ok=True)
    assert place.run() == 0
    place.acknowledged.unlink(missing_ok=True)
    check(place, exports, doses=len(exports))


@pytest.mark.parametrize(("point", "seen"), [("archive.synced", "tmp/[0-9a-f]*"), ("pipeline.read", "??/*")])
def test_a_watcher_that_is_told_to_stop_in_mid_work_ends_in_time_and_loses_nothing(
    tmp_path: Path, exports: dict[str, bytes], point: str, seen: str
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    arguments = ["--data", str(place.data), "watch", str(place.inbox), "--quiet", "0", "--after", "move"]
    with subprocess.Popen(
        [sys.executable, "-c", f"from ingestor.cli import main; main({arguments!r})"],
        cwd=ROOT, env=os.environ | {"APHERELOG_FAULT": f"{point}:sleep:3"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as service:  # fmt: skip
        try:
            end = time.monotonic() + 20
            while not any((place.data / "archive").glob(seen)):
                assert time.monotonic() < end
                time.sleep(0.02)
            service.send_signal(signal.SIGTERM)
            assert service.wait(timeout=10) == 0
        finally:
            service.kill()
    assert place.run() == 0
    check(place, exports, doses=len(exports))


def test_a_clock_that_jumps_changes_nothing_about_what_is_taken(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    chance = random.Random(1)
    middle = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    with open_house(Settings(data_dir=place.data)) as house:
        jumping = replace(house, now=lambda: middle + timedelta(days=chance.randrange(-9000, 9000)))
        now = [0.0]
        folder = Folder(jumping, os.fsencode(place.inbox), Habits(quiet=10, moves=True), clock=lambda: now[0])
        for _ in range(2):
            assert folder.look().left == len(exports)
            now[0] += 6
        folder.look()
        assert not list(place.inbox.glob("*.txt"))
        assert len(list(house.archive.objects())) == len(exports)
