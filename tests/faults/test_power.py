"""F003, F004, F005: the power goes, and with it every byte and every name that was not synced.

Killing a process cannot find a missing sync; a file system that is shut down without its journal can, and one of our
own that forgets finds it everywhere.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from ingestor import disk
from ingestor.errors import IngestorError
from tests.faults.forgetful import Forgetful
from tests.faults.ground import Disk
from tests.faults.life import Place, check, points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.sqlite, pytest.mark.torture]
CRUEL, BY_CHANCE = "forgets", "forgets by chance"
FORGETTING = [(CRUEL, 1), (CRUEL, 2), (BY_CHANCE, 1)]


@pytest.fixture(params=["ext4", CRUEL, BY_CHANCE])
def power(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Disk | Forgetful]:
    if request.param == "ext4":
        made: Disk | Forgetful = Disk(tmp_path / "image", tmp_path / "disk")
    else:
        # The house refuses a database on a file system in user space; here that is the point.
        monkeypatch.setattr(disk, "_SHARED", {})
        seed = sum(map(ord, request.node.name)) if request.param == BY_CHANCE else None
        made = Forgetful(tmp_path / "disk", seed)
    yield made
    made.unplug()


def _offered(power: Disk | Forgetful, exports: dict[str, bytes]) -> Place:
    """Files that have lain there for long: they are on the disk."""
    place = Place(power.mount)
    place.offer(exports)
    _sync(power)
    return place


def _sync(power: Disk | Forgetful) -> None:
    if isinstance(power, Forgetful):
        power.sync()
    else:
        os.sync()


def _cut(power: Disk | Forgetful, place: Place) -> None:
    """Cut the power; what was acknowledged is remembered by those to whom it was said."""
    acknowledged = place.acknowledged.read_bytes() if place.acknowledged.exists() else b""
    power.cut_power()
    power.plug_in()
    place.acknowledged.write_bytes(acknowledged)


@pytest.mark.parametrize(("power", "nth"), [*FORGETTING, ("ext4", 1), ("ext4", 2)], indirect=["power"])
@pytest.mark.parametrize("point", points())
def test_power_lost_at_any_step_loses_nothing_that_was_promised(
    power: Disk | Forgetful, exports: dict[str, bytes], point: str, nth: int
) -> None:
    place = _offered(power, exports)
    place.killed_at(point, nth)
    _cut(power, place)
    assert place.run() == 0
    check(place, exports, doses=len(exports))


def test_power_lost_right_after_all_was_done_loses_nothing(
    power: Disk | Forgetful, exports: dict[str, bytes]
) -> None:
    place = _offered(power, exports)
    assert place.run() == 0
    _cut(power, place)
    assert place.run() == 0
    check(place, exports, doses=len(exports))


def _upload(place: Place) -> None:
    """Hand every file in over HTTP; write down which were acknowledged, as their senders would."""
    from api.app import create_app
    from ingestor.access import tokens
    from ingestor.access.permissions import AccountRole
    from ingestor.config import Settings
    from ingestor.store import accounts, audit

    app = create_app(Settings(data_dir=place.data, rate_limits=False))
    with TestClient(app) as client:
        house = app.state.service.house
        with house.db.write() as connection:
            account = accounts.by_name(connection, "sender")
            if account is None:
                accounts.add(connection, house.centre, "sender", "agent", house.now())
                account = accounts.by_name(connection, "sender")
            assert account is not None
            token = tokens.issue(
                connection, account, AccountRole.AGENT, 1, house.now(), audit.Actor("test", "admin")
            )
        for path in sorted((place.root / "sender").iterdir()):
            heads = {
                "Authorization": f"Bearer {token}",
                "Idempotency-Key": path.name,
                "X-Filename": path.name,
            }
            receipt = client.post("/v1/imports", content=path.read_bytes(), headers=heads).json()
            place._write_down(receipt)


@pytest.mark.parametrize(("power", "nth"), FORGETTING, indirect=["power"])
@pytest.mark.parametrize("point", [p for p in points() if not p.startswith("watch.")])
def test_power_lost_during_an_upload_loses_nothing_that_was_acknowledged(
    power: Disk | Forgetful, exports: dict[str, bytes], point: str, nth: int
) -> None:
    place = Place(power.mount)
    place.offer({})
    (place.root / "sender").mkdir()
    for name, data in exports.items():
        (place.root / "sender" / name).write_bytes(data)
    _sync(power)
    place.run(f"{point}:kill:{nth}", _upload)
    _cut(power, place)
    assert place.run(life=_upload) == 0
    assert place.run() == 0
    check(place, exports, doses=len(exports))


def _life_without_sync(place: Place) -> None:
    os.fsync = lambda _: None
    place.live()


def _life_without_sync_of_files(place: Place) -> None:
    """Folders are synced: where everything is gone, nothing that is there contradicts anything."""
    sync = os.fsync

    def only_folders(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            sync(fd)

    os.fsync = only_folders
    place.live()


def test_this_test_sees_a_missing_sync(power: Disk | Forgetful, exports: dict[str, bytes]) -> None:
    place = _offered(power, exports)
    # The journal of ext4 takes the bytes along with the names.
    life = _life_without_sync_of_files if isinstance(power, Forgetful) else _life_without_sync
    assert place.run(life=life) == 0
    _cut(power, place)
    place.run()
    with pytest.raises((AssertionError, IngestorError)):
        check(place, exports, doses=len(exports))
