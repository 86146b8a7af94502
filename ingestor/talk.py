"""The wall for machines that talk: how their line is set, what ends a treatment, how a message is answered.

A layout that arrives live says here what a listener must know of it; everything else is read from the bytes that
were kept, by the same driver as a file. Found by the entry points `ingestor.lines` (a function of the folder of
the site's profiles, or None, that yields lines) and `ingestor.conversations` (a conversation).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import re
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A machine's serial line.

    Attributes:
        name: of the driver that reads what was captured.
        speed: bits per second [Bd].
        bits: data bits, parity and stop bits, such as `8N1`.
        end: matches the last bytes of a treatment, as they came.
        idle: matches, as a whole, what a machine says when it has nothing to say.
    """

    name: str
    speed: int
    bits: str
    end: re.Pattern[bytes]
    idle: re.Pattern[bytes]


class Outcome(StrEnum):
    """What became of a message: durable, not readable, or not taken and to be sent again."""

    ACCEPTED = "accepted"
    UNREADABLE = "unreadable"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class About:
    """What a message says of itself.

    Attributes:
        sender: who sends.
        message: the sender's number of it; empty where there is none.
        treatment: the treatment it belongs to; empty where it names none.
    """

    sender: str
    message: str
    treatment: str


class Conversation(Protocol):
    """How a kind of messages is told apart and answered. Pure, and never raises."""

    def about(self, message: bytes) -> About | None:
        """Return what a message says of itself, or None if it cannot be read."""
        ...

    def answer(self, message: bytes, outcome: Outcome, now: datetime) -> bytes:
        """Return the answer without its frame; empty where the sender wants none."""
        ...
