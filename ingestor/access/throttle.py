"""Counting what comes too often. Kept in memory, bounded, forgotten by itself."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from ingestor.errors import TooMany

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = 10_000


class Window:
    """At most so many per key in a moving window.

    Args:
        most: how many.
        seconds: length of the window [s].
        clock: monotonic seconds.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count one.

        Raises:
            TooMany: with the seconds to wait.
        """
        now = self._clock()
        with self._lock:
            times = self._times.setdefault(key, deque())
            self._times.move_to_end(key)
            while times and times[0] <= now - self._seconds:
                times.popleft()
            if len(times) >= self._most:
                raise TooMany(wait_s=_whole(times[0] + self._seconds - now))
            times.append(now)
            while len(self._times) > _KEYS:
                self._times.popitem(last=False)


class Failures:
    """Failed attempts per key: free up to a number, then a delay that doubles up to a minute, never a lock.

    Args:
        free: failures without delay.
        forget: after so long without a failure they are forgotten [s].
        clock: monotonic seconds.
    """

    _LONGEST_S = 60.0

    def __init__(
        self, free: int = 10, forget: float = 900, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free, self._forget, self._clock = free, forget, clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, *keys: str) -> None:
        """See that nobody has to wait.

        Raises:
            TooMany: with the seconds to wait.
        """
        now = self._clock()
        with self._lock:
            wait = max(self._wait(key, now) for key in keys)
        if wait > 0:
            raise TooMany("too_many_logins", wait_s=_whole(wait))

    def _wait(self, key: str, now: float) -> float:
        count, last = self._failed.get(key, (0, now))
        if count < self._free:
            return 0.0
        return float(last + min(self._LONGEST_S, 2.0 ** min(count - self._free, 10)) - now)

    def failed(self, *keys: str) -> None:
        """Count a failure for each key."""
        now = self._clock()
        with self._lock:
            for key in keys:
                count, last = self._failed.pop(key, (0, now))
                self._failed[key] = (1 if now - last > self._forget else count + 1, now)
            while len(self._failed) > _KEYS:
                self._failed.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._failed.pop(key, None)


def _whole(seconds: float) -> int:
    return max(1, int(seconds + 0.999))
