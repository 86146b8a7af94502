"""Messages of one treatment of one sender go into one spool, in the order in which they came."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor import disk
from ingestor.store import lines
from ingestor.store.audit import Actor
from ingestor.store.sources import Order
from ingestor.talk import Outcome
from ingestor.ways.beacon import Beacon
from ingestor.ways.resuming import reopen, stays_open
from ingestor.ways.spool import RAW, TIMES, HandIn, Spool, stem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestor.flow.house import House
    from ingestor.talk import Conversation

log = logging.getLogger(__name__)

START, END = b"\x0b", b"\x1c\r"
PREFIX = "hl7-"
_ANSWERS = 20_000
_DAY_S = 24 * 3600
_AGAIN_S = 60.0
_QUIET_S = 60.0

Key = tuple[str, str]


@dataclass(slots=True)
class _Stream:
    spool: Spool
    heard: float


class Streams:
    """All treatments that are being told. Not thread-safe: one thread calls it.

    Args:
        house: the open house.
        conversation: how messages are told apart and answered.
        folder: where spools stand.
        silence: after so long without a message a treatment is taken as over [s].
        told: gets the receipt of every treatment handed in.
        name: of what is listened on, for people.
    """

    def __init__(
        self,
        house: House,
        conversation: Conversation,
        folder: Path,
        silence: float,
        told: Callable[[dict[str, Any]], None] = lambda _: None,
        name: str = "hl7",
    ) -> None:
        self._house, self._conversation, self._folder, self._silence = house, conversation, folder, silence
        self._open: dict[Key, _Stream] = {}
        self._last: dict[str, Key] = {}
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        order = Order("mllp", Actor("listener", "agent"))
        self.beacon = Beacon(house, "mllp", name)
        self._hands = HandIn(house, folder, PREFIX, order, self._count(told))
        self._heard = time.monotonic()
        self._tried = 0.0
        self._recall()

    def _count(self, told: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        def counted(receipt: dict[str, Any]) -> None:
            self.beacon.treatments += 1
            told(receipt)

        return counted

    def take(self, message: bytes) -> bytes:
        """Make a message durable and return its answer; the same message again gets the same answer."""
        self._heard = time.monotonic()
        self.beacon.heard()
        about = self._conversation.about(message)
        sender, number = (about.sender, about.message) if about else ("", "")
        mark = hashlib.sha256(b"\0".join((sender.encode(), number.encode(), message))).hexdigest()[:32]
        if mark in self._answers:
            return self._answers[mark]
        outcome = Outcome.UNREADABLE if about is None else Outcome.ACCEPTED
        answer = self._conversation.answer(message, outcome, self._house.now())
        key = self._key(sender, about.treatment if about else "")
        if not self._keep(key, message, f"{mark} {base64.b64encode(answer).decode()}"):
            return self._conversation.answer(message, Outcome.BUSY, self._house.now())
        self._remember(mark, answer)
        return answer

    def tick(self) -> None:
        """Close treatments that have fallen silent; try again what could not be taken in."""
        now = time.monotonic()
        for key in [k for k, s in self._open.items() if now - s.heard >= self._silence]:
            self._close(key)
        if now - self._tried > _AGAIN_S:
            self._tried = now
            self._hands.begin()
        self.beacon.say(lines.QUIET if now - self._heard > _QUIET_S else lines.OPEN)

    def close(self) -> None:
        """Close every treatment and wait until all are taken in."""
        now = time.monotonic()
        for key, stream in list(self._open.items()):
            if now - stream.heard < self._silence:
                stays_open(stream.spool.raw)
            self._close(key)
        self._hands.finish()
        self.beacon.end()

    def _key(self, sender: str, treatment: str) -> Key:
        """A message that names no treatment belongs to the one its sender spoke of last."""
        key = (sender, treatment) if treatment else self._last.get(sender, (sender, ""))
        self._last[sender] = key
        return key

    def _keep(self, key: Key, message: bytes, note: str) -> bool:
        framed = START + message + END
        try:
            if not disk.room(self._folder.parent).holds(len(framed)):
                log.critical("disk_full")
                return False
            stream = self._open.get(key)
            if stream is not None and stream.spool.size + len(framed) > self._house.archive.limit:
                self._close(key)
                stream = None
            if stream is None:
                stream = self._open[key] = _Stream(Spool(self._folder, stem("hl7", self._house.now())), 0)
            stream.heard = time.monotonic()
            if not stream.spool.write(framed, self._house.now(), note):
                return False
            stream.spool.sync()
        except OSError as error:
            log.critical("spool_not_durable", extra={"errno": error.errno})
            return False
        return True

    def _close(self, key: Key) -> None:
        self._open.pop(key).spool.close()
        self._hands.begin()

    def _remember(self, mark: str, answer: bytes) -> None:
        self._answers[mark] = answer
        while len(self._answers) > _ANSWERS:
            self._answers.popitem(last=False)

    def _recall(self) -> None:
        """Take up treatments that an end left open, and the answers that were given in the last day."""
        disk.make_folder(self._folder)
        self._hands.handed = reopen(self._folder, PREFIX, self._silence)
        for raw in self._hands.left():
            first = raw.read_bytes().removeprefix(START).split(END)[0]
            about = self._conversation.about(first)
            key = (about.sender, about.treatment) if about else ("", "")
            if key not in self._open:
                self._open[key] = _Stream(Spool(self._folder, raw.name.removesuffix(RAW)), time.monotonic())
                self._last[key[0]] = key
        for times in [*self._folder.glob(f"*{TIMES}"), *(self._folder / "arrivals").glob(f"*{TIMES}")]:
            if time.time() - times.stat().st_mtime < _DAY_S:
                self._recall_answers(times.read_text("ascii", "replace"))

    def _recall_answers(self, text: str) -> None:
        for line in text.splitlines():
            words = line.split(" ")
            if len(words) == len(("offset", "time", "mark", "answer")):
                self._remember(words[2], base64.b64decode(words[3]))
