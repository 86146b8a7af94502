"""F009 to F014, F055, F056: disks that are full, split, read-only or gone."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ingestor.archive import Archive
from ingestor.config import Settings
from ingestor.errors import SettingsError, StorageTrouble
from ingestor.flow.house import open_house
from ingestor.ways.watch.folder import Folder, Habits
from tests.faults.ground import Disk, needs_root, remount, tmpfs
from tests.faults.life import Place, check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestor.flow.house import House

pytestmark = [pytest.mark.sqlite]


def _watched(house: House, place: Place) -> Folder:
    return Folder(house, os.fsencode(place.inbox), Habits(quiet=0, moves=True))


def test_a_full_archive_keeps_the_source_and_goes_on_once_there_is_room(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    with tmpfs(place.data / "archive", "size=2m"):
        with open_house(Settings(data_dir=place.data)) as house:
            filler = place.data / "archive" / "filler"
            filler.write_bytes(bytes((1 << 20) * 2 - 60_000))
            folder = _watched(house, place)
            look = folder.look()
            assert (look.state, look.trouble) == ("folder_stuck", "disk_full")
            assert len(list(place.inbox.glob("*.txt"))) == len(exports)
            assert list(house.archive.tmp.iterdir()) == []
            filler.unlink()
            folder.look()
            folder.leave()
        check(place, exports, doses=len(exports))


def test_a_disk_without_inodes_is_a_full_disk(tmp_path: Path, exports: dict[str, bytes]) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    with tmpfs(place.data / "archive", "size=8m,nr_inodes=50"):
        with open_house(Settings(data_dir=place.data)) as house:
            fillers = []
            try:
                for number in range(100):
                    filler = place.data / "archive" / f"filler-{number}"
                    filler.touch()
                    fillers.append(filler)
            except OSError:
                assert fillers
            folder = _watched(house, place)
            assert folder.look().trouble == "disk_full"
            for filler in fillers:
                filler.unlink()
            folder.look()
            folder.leave()
        check(place, exports, doses=len(exports))


def test_a_full_disk_under_the_database_alone_costs_nothing(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    with tmpfs(tmp_path / "small", "size=3m"):
        url = f"sqlite:///{tmp_path / 'small' / 'apherelog.db'}"
        settings = Settings(data_dir=place.data, database_url=url)
        with open_house(settings) as house:
            folder = _watched(house, place)
            folder.look(), folder.look()
        for name in list(exports):
            assert list(place.inbox.rglob(name))
        filler = tmp_path / "small" / "filler"
        place.offer({"late.txt": b"nobody knows this"})
        with open_house(settings) as house:
            folder = _watched(house, place)
            free = os.statvfs(tmp_path / "small")
            filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - 8192)))
            assert folder.look().state == "folder_stuck"
            assert (place.inbox / "late.txt").exists()
            filler.unlink()
            folder.look()
            assert (place.inbox / "refused" / "late.txt").exists()


def test_an_archive_over_two_disks_is_refused_at_the_start(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "archive" / "tmp", "size=1m"), pytest.raises(SettingsError) as told:
        Archive(tmp_path / "archive").prepare()
    assert told.value.code == "archive_split"


def test_a_bound_folder_of_the_same_disk_is_noticed_too(tmp_path: Path) -> None:
    needs_root()
    tmp = tmp_path / "archive" / "tmp"
    tmp.mkdir(parents=True)
    (tmp_path / "other").mkdir()
    subprocess.run(["mount", "--bind", tmp_path / "other", tmp], check=True)
    try:
        with pytest.raises(SettingsError) as told:
            Archive(tmp_path / "archive").prepare()
    finally:
        subprocess.run(["umount", tmp], check=True)
    assert told.value.code == "archive_split"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "image", tmp_path / "disk")
    yield made
    made.unplug()


def test_an_archive_that_turns_read_only_keeps_the_source_and_goes_on_afterwards(
    tmp_path: Path, disk: Disk, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    place.data.mkdir()
    (place.data / "archive").symlink_to(disk.mount)
    with open_house(Settings(data_dir=place.data)) as house:
        folder = _watched(house, place)
        remount(disk.mount, "ro")
        look = folder.look()
        assert (look.state, look.trouble) == ("folder_stuck", "disk_read_only")
        assert len(list(place.inbox.glob("*.txt"))) == len(exports)
        remount(disk.mount, "rw")
        folder.look()
        folder.leave()
    check(place, exports, doses=len(exports))


def test_a_read_only_archive_can_still_be_read(tmp_path: Path, disk: Disk) -> None:
    archive = Archive(disk.mount / "archive")
    archive.prepare()
    kept = archive.put_bytes(b"abc")
    archive.close()
    remount(disk.mount, "ro")
    again = Archive(disk.mount / "archive")
    again.prepare()
    assert again.read(kept.sha256) == b"abc"
    with pytest.raises(StorageTrouble) as told:
        again.put_bytes(b"more")
    assert told.value.code == "disk_read_only"
    again.close()
    remount(disk.mount, "rw")


def test_a_share_pulled_out_and_put_back_is_not_all_new(
    tmp_path: Path, disk: Disk, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    share = disk.mount
    for name, data in exports.items():
        (share / name).write_bytes(data)
    receipts: list[object] = []
    with open_house(Settings(data_dir=place.data)) as house:
        folder = Folder(house, os.fsencode(share), Habits(quiet=0), receipts.append)
        folder.look()
        assert len(receipts) == len(exports)
        disk.unplug()
        assert folder.look().state == "folder_not_mounted"
        share.rmdir()
        assert folder.look().state == "folder_gone"
        share.mkdir()
        disk.plug_in()
        folder.look()
        assert folder.look().state == "folder_nothing_new"
        assert len(receipts) == len(exports)


def test_a_share_that_goes_while_it_is_copied_costs_nothing(tmp_path: Path, disk: Disk) -> None:
    place = Place(tmp_path)
    big = os.urandom(20 << 20)
    (disk.mount / "big.bin").write_bytes(big)
    receipts: list[dict[str, str]] = []
    with open_house(Settings(data_dir=place.data)) as house:
        folder = Folder(house, os.fsencode(disk.mount), Habits(quiet=0), receipts.append)
        pulled = threading.Timer(0.01, lambda: subprocess.run(["umount", "-l", disk.mount], check=True))
        pulled.start()
        folder.look()
        pulled.join()
        for _ in range(50):
            if folder.look().state == "folder_not_mounted":
                break
            time.sleep(0.02)
        disk.plug_in()
        folder.look()
        assert [r["source"] for r in receipts] == [next(iter(house.archive.objects()))]
        assert house.archive.read(receipts[0]["source"]) == big
