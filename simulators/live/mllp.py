"""A machine that reports by HL7 over MLLP, and believes nothing delivered before it was acknowledged.

Source: formats page, section 2: 0x0B message 0x1C 0x0D; MSA-1 AA or CA accepts, MSA-2 names the message.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGIN, END = b"\x0b", b"\x1c\x0d"
ACCEPTED = {"AA", "CA"}
ATTEMPTS = 3
PATIENCE = 30.0


@dataclass
class Delivery:
    """What became of the messages.

    Attributes:
        accepted, refused: number of messages; a refused one was refused every time it was sent.
        resent: how often a message went again because no answer came.
        answers: the message types of the answers, each with its number.
    """

    accepted: int = 0
    refused: int = 0
    resent: int = 0
    answers: dict[str, int] = field(default_factory=dict)


@dataclass
class Client:
    """One machine's connection to a listener.

    Attributes:
        lose_answer_to: number of the message (from 1) whose answer gets lost once with the connection.
        patience: how long to wait for an answer, and for somebody to listen [s].
    """

    host: str
    port: int
    lose_answer_to: int = 0
    patience: float = PATIENCE
    delivery: Delivery = field(default_factory=Delivery)
    _socket: socket.socket | None = None

    def deliver(self, contents: Iterable[bytes]) -> Delivery:
        """Send every message and wait for each answer.

        Raises:
            ConnectionError: nobody listens.
        """
        try:
            for number, content in enumerate(contents, start=1):
                if number == self.lose_answer_to:
                    self._say(content)
                    self._hang_up()
                    self.delivery.resent += 1
                self._deliver(content)
        finally:
            self._hang_up()
        return self.delivery

    def _deliver(self, content: bytes) -> None:
        control = content.split(b"\r", 1)[0].split(b"|")[9].decode("ascii")
        for attempt in range(ATTEMPTS):
            self.delivery.resent += attempt > 0
            try:
                self._say(content)
                code, answered, kind = _read(self._hear())
            except (ConnectionError, TimeoutError):
                self._hang_up()
                continue
            self.delivery.answers[kind] = self.delivery.answers.get(kind, 0) + 1
            if answered == control and code in ACCEPTED:
                self.delivery.accepted += 1
                return
        self.delivery.refused += 1

    def _say(self, content: bytes) -> None:
        self._socket = self._socket or _connect(self.host, self.port, self.patience)
        self._socket.sendall(BEGIN + content.rstrip(b"\r") + b"\r" + END)

    def _hear(self) -> bytes:
        heard = b""
        while END not in heard:
            part = self._socket.recv(4096) if self._socket else b""
            if not part:
                raise ConnectionError("hung up before it answered")
            heard += part
        return heard[heard.index(BEGIN) + 1 : heard.index(END)]

    def _hang_up(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None


def _read(answer: bytes) -> tuple[str, str, str]:
    """Code, message it answers, and its own type."""
    segments = [line.split("|") for line in answer.decode("utf-8").replace("\n", "\r").split("\r") if line]
    told = next((s for s in segments if s[0] == "MSA"), ["MSA", "", ""])
    return told[1], told[2], segments[0][8]


def _connect(host: str, port: int, patience: float) -> socket.socket:
    until = time.monotonic() + patience
    while True:
        try:
            return socket.create_connection((host, port), timeout=patience)
        except ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
