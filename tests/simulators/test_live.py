"""A machine that talks: on a terminal, on a socket, to an HL7 listener."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

import pytest
import serial

from simulators.live.mllp import Client
from simulators.live.player import Pace, Said, frames
from tests.simulators import reading
from tests.simulators.making import exports, one

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = ("--seed", "7", "--hours", "0.3")
RUN = "import sys; from simulators.command import simulate; simulate(sys.argv[1:])"


def talking(out: Path, *arguments: str) -> Popen[str]:
    command = [sys.executable, "-c", RUN, *arguments, *SHORT, "--out", str(out)]
    return Popen(command, stdout=PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})


def said_first(process: Popen[str]) -> dict[str, str]:
    assert process.stdout
    told: dict[str, str] = json.loads(process.stdout.readline())
    return told


def test_a_terminal_gives_the_stream_that_the_file_holds(tmp_path: Path):
    (stream,), truth = one("twin-column-serial", hours=0.3)
    with talking(tmp_path, "twin-column-serial", "--live", "pty", "--speed", "0") as machine:
        port = serial.Serial(said_first(machine)["port"], 9600, timeout=5)
        heard = b""
        while not heard.endswith(stream[-12:]):
            heard += port.read(max(1, port.in_waiting))
        port.close()
        machine.wait(20)
    assert heard == stream
    written = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["sessions"][0]
    assert written["processed_plasma_ml"] == truth["processed_plasma_ml"] == reading.line(heard).reported


def test_a_terminal_may_have_a_name_that_stays(tmp_path: Path):
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "machine"
        with talking(
            tmp_path, "twin-column-serial", "--live", "pty", "--speed", "0", "--to", str(link)
        ) as machine:
            assert said_first(machine)["port"] == str(link)
            with serial.Serial(str(link), 9600, timeout=5) as port:
                assert port.read(1) == b"\x02"
            machine.kill()


def test_a_device_server_gives_the_same_stream_at_a_thousand_times_the_speed(tmp_path: Path):
    (stream,), _ = one("twin-column-serial", hours=0.3)
    with talking(tmp_path, "twin-column-serial", "--live", "tcp", "--speed", "2000") as machine:
        host, port = said_first(machine)["address"].split(":")
        heard = b""
        with socket.create_connection((host, int(port))) as connection:
            while part := connection.recv(65_536):
                heard += part
        machine.wait(20)
    assert heard == stream


@pytest.mark.parametrize("faults", [("noise", "cable-pulled"), ("lost-bytes", "wrong-checksum")])
def test_a_disturbed_line_is_heard_as_the_disturbed_file_stands(tmp_path: Path, faults: tuple[str, ...]):
    (stream,), truth = one("twin-column-serial", *faults, hours=0.3)
    clean, _ = one("twin-column-serial", hours=0.3)
    chosen = [word for fault in faults for word in ("--fault", fault)]
    with talking(tmp_path, "twin-column-serial", "--live", "tcp", "--speed", "0", *chosen) as machine:
        host, port = said_first(machine)["address"].split(":")
        heard = b""
        with socket.create_connection((host, int(port))) as connection:
            while part := connection.recv(65_536):
                heard += part
        machine.wait(20)
    assert heard == stream != clean[0]
    written = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert written["faults"] == list(faults)
    assert written["sessions"][0]["processed_plasma_ml"] == truth["processed_plasma_ml"]


def test_a_machine_keeps_its_own_pace():
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(10, now=lambda: now[0], sleep=sleep)
    said = [Said(b"a", 0), Said(b"b", 5), Said(b"c", 5), Said(b"d", 0)]
    assert list(pace.keep(iter(said))) == [b"a", b"b", b"c", b"d"]
    assert slept == [0.5, 0.5]


def test_the_pauses_between_frames_are_those_of_the_machine():
    (stream,), truth = one("twin-column-serial", "noise", "clock-back")
    said = list(frames(stream))
    assert b"".join(s.content for s in said) == stream
    assert all(0 <= s.after <= 60 for s in said)
    seconds = sum(s.after for s in said)
    assert 4 * 3600 - 400 < seconds < 4 * 3600 + 400
    assert truth["complete"]


class Listener:
    """Acknowledges every message, and remembers them."""

    def __init__(self, *, code: str = "AA") -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.heard: list[bytes] = []
        self.code = code
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        rest = b""
        while part := connection.recv(65_536):
            rest += part
            while b"\x1c\r" in rest:
                message, rest = rest.split(b"\x1c\r", 1)
                self.heard.append(message[1:])
                fields = message.split(b"\r")[0].split(b"|")
                kind = "ORA^R41^ORA_R41" if b"R40" in fields[8] else "ACK^R01^ACK"
                head = f"MSH|^~\\&|here||||20240101000000+0000||{kind}|1|P|2.6"
                answer = f"\x0b{head}\rMSA|{self.code}|{fields[9].decode()}\r\x1c\r"
                connection.sendall(answer.encode())


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.server.close()


def test_every_message_is_acknowledged_before_the_next_is_sent(tmp_path: Path, listener: Listener):
    address = f"127.0.0.1:{listener.port}"
    with talking(tmp_path, "hl7-pcd", "--live", "mllp", "--speed", "0", "--to", address) as machine:
        told = said_first(machine)
        machine.wait(20)
    (written,) = exports("hl7-pcd", hours=0.3, version="single")
    assert [m.rstrip(b"\r") for m in listener.heard] == [c.rstrip(b"\r") for c in written.members.values()]
    assert told["accepted"] == len(written.members)
    assert told["refused"] == 0


def test_a_message_whose_answer_was_lost_is_sent_again_byte_for_byte(listener: Listener):
    (written,) = exports("hl7-pcd", hours=0.25, version="single")
    contents = list(written.members.values())[:6]
    delivery = Client("127.0.0.1", listener.port, lose_answer_to=3).deliver(contents)
    assert delivery.accepted == 6
    assert delivery.resent == 1
    assert listener.heard[2] == listener.heard[3]


def test_a_message_that_is_refused_every_time_is_counted():
    listening = Listener(code="AE")
    (written,) = exports("hl7-pcd", hours=0.25, version="single")
    delivery = Client("127.0.0.1", listening.port).deliver(list(written.members.values())[:2])
    listening.server.close()
    assert (delivery.accepted, delivery.refused, len(listening.heard)) == (0, 2, 6)
