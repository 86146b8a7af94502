"""HL7 over the network: durable before it is answered, answered alike when repeated, nobody held up."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ingestor import disk
from ingestor.cli import main
from ingestor.disk import Room
from ingestor.flow.house import open_house
from ingestor.flow.lines import standing
from ingestor.talk import Outcome
from ingestor.ways.mllp.listener import Listener
from ingestor.ways.mllp.streams import Streams
from ingestor.ways.talkers import conversation
from simulators.command import simulate
from simulators.live.mllp import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House
    from ingestor.store.lines import LineState

pytestmark = pytest.mark.sqlite
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def messages(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The messages of one short treatment, in order."""
    folder = tmp_path_factory.mktemp("hl7")
    arguments = ["hl7-pcd", "--seed", "3", "--hours", "0.5", "--out", str(folder)]
    assert CliRunner().invoke(simulate, arguments).exit_code == 0
    batch = next(p for p in folder.iterdir() if p.name != "truth.json").read_bytes()
    parts = batch.replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\rMSH|")
    found = [b"MSH|" + part.split(b"\rBTS")[0].strip(b"\r") for part in parts[1:]]
    assert len(found) > 20
    return found


@contextmanager
def listening(
    house: House, folder: Path, silence: float = 60, frame_s: float = 60
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Listen in a thread; yield the port and the receipts."""
    receipts: list[dict[str, Any]] = []
    ready, ended = threading.Event(), threading.Event()
    told: dict[str, Any] = {}

    async def run() -> None:
        streams = Streams(house, conversation(), folder, silence, receipts.append)
        listener = Listener(streams, frame_s=frame_s)
        told["stop"], told["loop"] = asyncio.Event(), asyncio.get_running_loop()
        async with await listener.start("127.0.0.1", 0) as server:
            told["port"] = server.sockets[0].getsockname()[1]
            ready.set()
            await listener.run(told["stop"])
        ended.set()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(10)
    try:
        yield told["port"], receipts
    finally:
        told["loop"].call_soon_threadsafe(told["stop"].set)
        thread.join(30)
        assert ended.is_set()


def until(seen: Callable[[], object], patience: float = 20) -> None:
    end = time.monotonic() + patience
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)


def ask(port: int, message: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"\x0b" + message + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            answer += line.recv(4096)
        return answer


def is_accepted(answer: bytes) -> bool:
    return re.search(rb"MSA\|[AC]A\|", answer) is not None


@given(
    st.binary(max_size=300).map(lambda b: b.replace(b"\x1c\r", b""))
    | st.builds(b"MSH|^~\\&|".__add__, st.binary(max_size=200))
)
def test_whatever_is_sent_has_an_answer_or_none_and_never_an_error(message: bytes) -> None:
    talk = conversation()
    about = talk.about(message)
    assert about is None or isinstance(about.sender, str)
    for outcome in Outcome:
        assert b"\x1c" not in talk.answer(message, outcome, NOW)


def test_a_treatment_that_is_told_is_stored_when_it_falls_silent(
    house: House, tmp_path: Path, messages: list[bytes]
) -> None:
    with listening(house, tmp_path / "hl7", silence=1) as (port, receipts):
        delivery = Client("127.0.0.1", port).deliver(messages)
        assert (delivery.accepted, delivery.refused) == (len(messages), 0)
        until(lambda: receipts)
    assert [r["status"] for r in receipts] == ["stored"]
    kept = house.archive.read(receipts[0]["source"])
    assert next(m.strip(b"\r") for m in kept.removeprefix(b"\x0b").split(b"\x1c\r\x0b")) == messages[0]


def test_a_message_is_on_the_disk_before_it_is_answered(
    house: House, tmp_path: Path, messages: list[bytes]
) -> None:
    with listening(house, tmp_path / "hl7") as (port, _):
        for message in messages[:3]:
            assert is_accepted(ask(port, message))
            assert any(message in p.read_bytes() for p in (tmp_path / "hl7").glob("*.raw"))


def test_a_repeat_is_answered_alike_and_kept_once(
    house: House, tmp_path: Path, messages: list[bytes]
) -> None:
    with listening(house, tmp_path / "hl7") as (port, _):
        first = ask(port, messages[0])
        assert ask(port, messages[0]) == first
        other = messages[0].replace(b"|P|2.6", b"|T|2.6")
        assert ask(port, other) != first
        kept = b"".join(p.read_bytes() for p in (tmp_path / "hl7").glob("*.raw"))
    assert kept.count(messages[0]) == 1
    assert other == messages[0] or other in kept


def test_a_repeat_after_a_restart_is_answered_alike_too(
    house: House, tmp_path: Path, messages: list[bytes]
) -> None:
    with listening(house, tmp_path / "hl7") as (port, _):
        first = ask(port, messages[0])
    with listening(house, tmp_path / "hl7") as (port, receipts):
        assert ask(port, messages[0]) == first
    assert receipts == []


def test_a_lost_answer_costs_and_doubles_nothing(house: House, tmp_path: Path, messages: list[bytes]) -> None:
    with listening(house, tmp_path / "hl7", silence=1) as (port, receipts):
        delivery = Client("127.0.0.1", port, lose_answer_to=5).deliver(messages)
        assert (delivery.accepted, delivery.resent) == (len(messages), 1)
        until(lambda: receipts)
    assert house.archive.read(receipts[0]["source"]).count(messages[4]) == 1


def test_a_slow_sender_holds_up_no_other(house: House, tmp_path: Path, messages: list[bytes]) -> None:
    with listening(house, tmp_path / "hl7", frame_s=2) as (port, _):
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        for line in slow:
            line.sendall(b"\x0bMSH|^~")
        began = time.monotonic()
        assert is_accepted(ask(port, messages[0]))
        assert time.monotonic() - began < 1
        for line in slow:
            line.settimeout(10)
            assert line.recv(1) == b""
            line.close()


def say_without_end(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        for _ in range(100):
            line.sendall(b"\x0b" + b"x" * 100_000)
            time.sleep(0.01)


def test_a_message_without_end_is_cut_off(house: House, tmp_path: Path, messages: list[bytes]) -> None:
    with listening(house, tmp_path / "hl7") as (port, _):
        with pytest.raises(OSError, match=r"reset|pipe"):
            say_without_end(port)
        assert is_accepted(ask(port, messages[0]))


def test_what_is_no_hl7_is_kept_and_told(house: House, tmp_path: Path) -> None:
    with listening(house, tmp_path / "hl7", silence=0.5) as (port, receipts):
        assert re.search(rb"MSA\|A[RE]", ask(port, b"nonsense"))
        until(lambda: receipts)
    assert [r["status"] for r in receipts] == ["refused"]
    assert b"nonsense" in house.archive.read(receipts[0]["source"])


def test_a_full_disk_is_answered_so_that_the_sender_keeps_the_message(
    house: House, tmp_path: Path, messages: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(house, tmp_path / "hl7") as (port, _):
        with monkeypatch.context() as full:
            full.setattr(disk, "room", lambda _: Room(free=0, whole=1 << 40))
            assert re.search(rb"MSA\|[AC]R\|", ask(port, messages[0]))
        assert is_accepted(ask(port, messages[0]))


def test_two_machines_at_once_are_two_treatments(house: House, tmp_path: Path, messages: list[bytes]) -> None:
    other = [m.replace(m.split(b"|")[2], b"OTHER^0011223344556677^EUI-64", 1) for m in messages]
    with listening(house, tmp_path / "hl7", silence=1.5) as (port, receipts):
        talks = [
            threading.Thread(target=Client("127.0.0.1", port).deliver, args=(m,)) for m in (messages, other)
        ]
        for talk in talks:
            talk.start()
        for talk in talks:
            talk.join()
        until(lambda: len(receipts) == 2)
    for receipt in receipts:
        kept = house.archive.read(receipt["source"])
        assert (messages[0] in kept) != (other[0] in kept)


def test_a_killed_listener_has_every_message_that_it_acknowledged(
    settings: Settings, tmp_path: Path, messages: list[bytes]
) -> None:
    arguments = ["--data", str(settings.data_dir), "--json", "listen", "--mllp", "127.0.0.1:0"]
    command = [sys.executable, "-c", f"from ingestor.cli import main; main({arguments!r})"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as killed:
        try:
            assert killed.stdout is not None
            port = int(json.loads(killed.stdout.readline())["listening"].rpartition(":")[2])
            half = messages[: len(messages) // 2]
            assert Client("127.0.0.1", port).deliver(half).accepted == len(half)
        finally:
            killed.kill()
    spool = settings.data_dir / "spool" / "hl7"
    assert all(m in next(iter(spool.glob("*.raw"))).read_bytes() for m in half)
    with open_house(settings) as house, listening(house, spool, silence=1.5) as (port, receipts):
        Client("127.0.0.1", port).deliver(messages)
        until(lambda: receipts)
        kept = house.archive.read(receipts[0]["source"])
    assert [kept.count(m) for m in messages] == [1] * len(messages)
    assert receipts[0]["status"] == "stored"


def test_an_open_address_needs_tls_or_a_word(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(settings.data_dir), "listen", "--mllp", "0.0.0.0:0"])
    assert ended.value.code == 5
    assert "TLS" in capsys.readouterr().err


def test_a_listener_that_was_stopped_in_mid_treatment_goes_on_with_it(
    house: House, tmp_path: Path, messages: list[bytes]
) -> None:
    half = len(messages) // 2
    with listening(house, tmp_path / "hl7") as (port, first):
        assert Client("127.0.0.1", port).deliver(messages[:half]).accepted == half
    assert [r["code"] for r in first] == ["stored_partial"]
    with listening(house, tmp_path / "hl7", silence=1.5) as (port, second):
        assert Client("127.0.0.1", port).deliver(messages[half:]).accepted == len(messages) - half
        until(lambda: second)
    assert [r["status"] for r in second] == ["superseded"]
    kept = house.archive.read(second[0]["source"])
    assert [kept.count(m) for m in messages] == [1] * len(messages)
    with house.db.read() as connection:
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM session WHERE joined_into IS NULL").scalar() == 1
        )


def test_how_the_listener_stands_can_be_seen(house: House, tmp_path: Path, messages: list[bytes]) -> None:
    def line() -> LineState | None:
        with house.db.read() as connection:
            return next(iter(standing(connection)), None)

    with listening(house, tmp_path / "hl7") as (port, _):
        ask(port, messages[0])
        until(lambda: (found := line()) is not None and found.state == "line_open")
    ended = line()
    assert ended is not None
    assert (ended.way, ended.state, ended.treatments) == ("mllp", "line_ended", 1)
    assert ended.heard_at is not None
