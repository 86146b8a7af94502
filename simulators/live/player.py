"""Plays what a machine would have said, at its own speed or thousands of times faster."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = 86_400
_FRAME_TIME = re.compile(rb"\x02\d+\|[A-Z]\|(\d\d)(\d\d)(\d\d)")
_MESSAGE_TIME = re.compile(rb"^MSH\|(?:[^|]*\|){5}\d{8}(\d\d)(\d\d)(\d\d)")


@dataclass(frozen=True, slots=True)
class Said:
    """Some bytes and how long after the one before a machine says them [s]."""

    content: bytes
    after: float


@dataclass
class Pace:
    """Turns a machine's seconds into ours.

    Attributes:
        speed: seconds of the machine in one of ours; 0 for as fast as the other side takes it.
        now, sleep: the clock, an argument so that a test can do without waiting.
    """

    speed: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def keep(self, said: Iterator[Said]) -> Iterator[bytes]:
        """Each content when its time has come."""
        due = self.now()
        for one in said:
            if self.speed:
                due += one.after / self.speed
                wait = due - self.now()
                if wait > 0:
                    self.sleep(wait)
            yield one.content


def frames(stream: bytes) -> Iterator[Said]:
    """A serial stream, line by line; a line whose time cannot be read follows at once."""
    *whole, rest = stream.split(b"\r\n")
    yield from _timed(iter([*(line + b"\r\n" for line in whole), *([rest] if rest else [])]), _FRAME_TIME)


def messages(contents: list[bytes]) -> Iterator[Said]:
    """HL7 messages in the order of their sending."""
    yield from _timed(iter(contents), _MESSAGE_TIME)


def _timed(contents: Iterator[bytes], pattern: re.Pattern[bytes]) -> Iterator[Said]:
    last: int | None = None
    for content in contents:
        found = pattern.search(content)
        after = 0
        if found:
            hours, minutes, seconds = (int(part) for part in found.groups())
            moment = hours * 3600 + minutes * 60 + seconds
            after = 0 if last is None else (moment - last) % DAY
            # A clock that was set back does not make the machine wait for a day.
            after = after if after < DAY // 2 else 0
            last = moment
        yield Said(content, after)
