"""A serial line, recorded: F073 to F079."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from serial.tools import list_ports

from ingestor.errors import Busy, Invalid
from ingestor.flow.house import open_house
from ingestor.flow.lines import numbers, standing
from ingestor.store.lines import LineState, note
from ingestor.talk import Line
from ingestor.ways.capture.port import Port
from ingestor.ways.capture.recorder import Patience, Recorder
from ingestor.ways.spool import Spool, left_behind, take_in
from ingestor.ways.talkers import line_of
from simulators.command import simulate
from tests.faults.life import Place
from tests.parts import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("serial")
    arguments = ["twin-column-serial", "--seed", "3", "--hours", "0.5", "--out", str(folder)]
    assert CliRunner().invoke(simulate, arguments).exit_code == 0
    return next(p for p in folder.iterdir() if p.name != "truth.json").read_bytes()


@pytest.fixture
def line() -> Line:
    return line_of("twin-column-serial", None)


class Machine:
    """The other end of the cable; pulling it closes the terminal, plugging it in makes a new one."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.plug()

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        self._slave = slave

    def say(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.master, data[:512]) :]
            time.sleep(0.001)

    def pull(self) -> None:
        os.close(self._slave)
        os.close(self.master)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "tty")
    yield made
    made.pull()


@contextmanager
def recording(
    house: House, machine: Machine, line: Line, folder: Path, silence: float = 60
) -> Iterator[list[dict[str, Any]]]:
    receipts: list[dict[str, Any]] = []
    stop = threading.Event()
    recorder = Recorder(
        house, Port(str(machine.link), line), line, folder, Patience(silence), receipts.append
    )
    thread = threading.Thread(target=recorder.record, args=(stop,))
    thread.start()
    until(lambda: recorder._port._device)  # opening throws away what was said before
    try:
        yield receipts
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def until(seen: Callable[[], object], patience: float = 20) -> None:
    end = time.monotonic() + patience
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)


def held(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.glob("*.raw"))


def test_a_treatment_is_kept_as_it_came_and_read_when_it_ends(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    spool = tmp_path / "spool"
    with recording(house, machine, line, spool) as receipts:
        machine.say(stream)
        until(lambda: receipts)
    assert receipts[0]["status"] == "stored"
    assert house.archive.read(receipts[0]["source"]) == stream
    assert list(spool.glob("*.raw")) == []
    arrivals = (spool / "arrivals" / f"{receipts[0]['source']}.times").read_text()
    assert arrivals.splitlines()[-1].split()[0] == str(len(stream))


def test_two_treatments_on_one_line_are_two_sources(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    with recording(house, machine, line, tmp_path / "spool") as receipts:
        machine.say(stream + b"\x020|B|120000\x03" + b"7F\r\n" + stream)
        until(lambda: len(receipts) == 2)
    assert receipts[0]["source"] == receipts[1]["source"] or receipts[1]["status"] == "duplicate"


def test_a_pulled_cable_is_waited_for_under_its_new_number(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    half = len(stream) // 2
    spool = tmp_path / "spool"
    with recording(house, machine, line, spool) as receipts:
        machine.say(stream[:half])
        until(lambda: held(spool) == half)
        machine.pull()
        time.sleep(0.3)
        machine.plug()
        time.sleep(0.6)
        machine.say(stream[half:])
        until(lambda: receipts)
    assert house.archive.read(receipts[0]["source"]) == stream


def test_silence_ends_a_treatment_and_what_came_is_read_as_incomplete(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    with recording(house, machine, line, tmp_path / "spool", silence=0.5) as receipts:
        machine.say(stream[: len(stream) * 3 // 4])
        until(lambda: receipts)
    assert (receipts[0]["status"], receipts[0]["code"]) == ("stored", "stored_partial")


def test_a_partial_line_is_never_read_as_a_whole_one(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    with recording(house, machine, line, tmp_path / "spool") as receipts:
        for start in range(0, 4000, 7):
            machine.say(stream[start : start + 7])
        machine.say(stream[4004:])
        until(lambda: receipts)
    assert house.archive.read(receipts[0]["source"]) == stream


def test_noise_is_kept_and_refused(house: House, machine: Machine, line: Line, tmp_path: Path) -> None:
    noise = random.Random(5).randbytes(3000)
    with recording(house, machine, line, tmp_path / "spool", silence=0.4) as receipts:
        machine.say(noise)
        until(lambda: receipts)
    assert receipts[0]["status"] == "refused"
    assert house.archive.read(receipts[0]["source"]) == noise


def test_signs_of_life_between_treatments_fill_no_disk(
    house: House, machine: Machine, line: Line, tmp_path: Path
) -> None:
    def beat(number: int) -> bytes:
        payload = b"%d|B|120000\x03" % (number % 10_000)
        check = 0
        for byte in payload:
            check ^= byte
        return b"\x02" + payload + b"%02X\r\n" % check

    spool = tmp_path / "spool"
    with recording(house, machine, line, spool, silence=0.5) as receipts:
        machine.say(b"".join(map(beat, range(2000))))
        time.sleep(0.5)
        assert held(spool) < 10_000
    assert receipts == []
    assert list(house.archive.objects()) == []


def test_lost_bytes_are_told_and_no_dose_is_made_up(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    with recording(house, machine, line, tmp_path / "spool") as receipts:
        machine.say(stream[:8_000] + stream[8_900:])
        until(lambda: receipts)
    assert receipts[0]["status"] == "stored"
    assert {"frames_lost", "frames_damaged"} & {f["code"] for f in receipts[0]["findings"]}


def test_a_second_program_on_the_line_is_told_so(
    house: House, machine: Machine, line: Line, tmp_path: Path
) -> None:
    first = Port(str(machine.link), line)
    first.open()
    second = Recorder(house, Port(str(machine.link), line), line, tmp_path / "spool", Patience())
    with pytest.raises(Busy) as told:
        second.record(threading.Event())
    assert told.value.code == "port_in_use"
    first.close()


def test_a_device_is_found_by_what_it_is(
    machine: Machine, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Adapter:
        serial_number = "FT-4711"
        device = str(machine.link)

    monkeypatch.setattr(list_ports, "comports", lambda: [Adapter()])
    port = Port("usb:FT-4711", line)
    port.open()
    machine.say(b"hello")
    heard = b""
    while heard != b"hello":
        heard += port.read()
    port.close()


def test_a_profile_with_a_wrong_setting_is_refused(line: Line) -> None:
    with pytest.raises(Invalid) as told:
        Port("/dev/null", Line(line.name, 9600, "9X1", line.end, line.idle))
    assert told.value.code == "port_setting"
    with pytest.raises(Invalid) as told:
        line_of("twin-column-report", None)
    assert told.value.code == "no_such_line"


def test_a_killed_capture_loses_no_more_than_a_second_and_is_taken_up(
    settings: Settings, machine: Machine, line: Line, stream: bytes
) -> None:
    arguments = [
        "--data",
        str(settings.data_dir),
        "--json",
        "capture",
        str(machine.link),
        "--profile",
        line.name,
    ]
    command = [sys.executable, "-c", f"from ingestor.cli import main; main({arguments!r})"]
    spool = settings.data_dir / "spool" / "serial"
    half = len(stream) // 2
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as killed:
        try:
            assert killed.stderr is not None
            assert any('"line_open"' in said for said in killed.stderr)
            machine.say(stream[:half])
            until(lambda: held(spool) == half)
        finally:
            killed.kill()
    assert len(left_behind(spool)) == 1
    with open_house(settings) as house, recording(house, machine, line, spool) as receipts:
        machine.say(stream[half:])
        until(lambda: receipts)
        assert house.archive.read(receipts[0]["source"]) == stream


def test_what_a_full_disk_does_not_take_waits_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, house: House
) -> None:
    spool = Spool(tmp_path, "a")
    real = os.write

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        assert not spool.write(b"abc", house.now())
        assert spool.size == 3
    assert os.write is real
    assert spool.push()
    spool.close()
    assert (tmp_path / "a.raw").read_bytes() == b"abc"


@pytest.mark.parametrize("step", ["spool.synced", "spool.taken"])
def test_killed_while_a_spool_is_handed_in_it_is_handed_in_once(
    settings: Settings, tmp_path: Path, stream: bytes, step: str
) -> None:
    place = Place(tmp_path)

    def hand_in(_: Place) -> None:
        with open_house(settings) as house:
            spool = Spool(tmp_path / "spool", "twin-column-serial-1")
            if not spool.size:
                spool.write(stream, house.now())
            spool.close()
            take_in(house, spool.raw, ORDER)

    assert place.run(f"{step}:kill", hand_in) == -signal.SIGKILL
    assert place.run(life=hand_in) == 0
    with open_house(settings) as house, house.db.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM source").scalar() == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM session").scalar() == 1
        assert [house.archive.read(s) for s in house.archive.objects()] == [stream]
    assert list((tmp_path / "spool").glob("*.raw")) == []


def _lines(house: House) -> list[LineState]:
    with house.db.read() as connection:
        return standing(connection)


def test_how_a_line_stands_can_be_seen(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    half = len(stream) // 2
    with recording(house, machine, line, tmp_path / "spool", silence=30) as receipts:
        until(lambda: [one.state for one in _lines(house)] == ["line_open"])
        assert _lines(house)[0].heard_at is None
        machine.say(stream[:half])
        until(lambda: held(tmp_path / "spool") == half)
        machine.pull()
        until(lambda: [(one.state, one.gaps) for one in _lines(house)] == [("line_lost", 1)])
        (times,) = (tmp_path / "spool").glob("*.times")
        assert times.read_text().splitlines()[-1].endswith(" lost")
        machine.plug()
        until(lambda: [one.state for one in _lines(house)] == ["line_open"])
        machine.say(stream[half:])
        until(lambda: receipts)
    (ended,) = _lines(house)
    assert (ended.state, ended.connected, ended.treatments, ended.gaps) == ("line_ended", 0, 1, 1)
    assert ended.heard_at is not None


def test_a_line_whose_recorder_is_gone_is_told_as_dead(house: House) -> None:
    said = LineState(
        "/dev/ttyS9", "capture", "line_open", house.now(), None, 1, 0, 0, f"{socket.gethostname()}:1:1"
    )
    with house.db.write() as connection:
        note(connection, said)
    (line,) = _lines(house)
    assert (line.state, line.connected) == ("line_dead", 0)
    with house.db.read() as connection:
        assert numbers(connection)["line_dead"] == 1


def test_a_recording_that_was_stopped_in_mid_treatment_goes_on_with_it(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    spool, half = tmp_path / "spool", len(stream) // 2
    with recording(house, machine, line, spool) as first:
        machine.say(stream[:half])
        until(lambda: held(spool) == half)
    assert [r["code"] for r in first] == ["stored_partial"]
    with recording(house, machine, line, spool) as second:
        machine.say(stream[half:])
        until(lambda: second)
    assert [r["status"] for r in second] == ["superseded"]
    assert house.archive.read(second[0]["source"]) == stream
    with house.db.read() as connection:
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM session WHERE joined_into IS NULL").scalar() == 1
        )
        states = connection.exec_driver_sql("SELECT state FROM revision ORDER BY state").scalars().all()
        assert states == ["current", "superseded"]
    assert [p.name for p in spool.iterdir()] == ["arrivals"]


def test_a_recording_that_starts_again_too_late_begins_anew(
    house: House, machine: Machine, line: Line, tmp_path: Path, stream: bytes
) -> None:
    spool, half = tmp_path / "spool", len(stream) // 2
    with recording(house, machine, line, spool):
        machine.say(stream[:half])
        until(lambda: held(spool) == half)
    for left in spool.glob("*.open"):
        os.utime(left, (1, 1))
    with recording(house, machine, line, spool) as second:
        assert list(spool.glob("*.open")) == []
        machine.say(stream[half:])
        until(lambda: second)
    assert house.archive.read(second[0]["source"]) == stream[half:]
