"""Lists that were asked for a short while ago, kept as long as nothing in the store has changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

_MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Page:
    """A list ready to be sent, and the address of the next one."""

    body: bytes
    link: str | None = None


class Answers:
    """The newest pages, up to a number of bytes. Thread-safe."""

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[Hashable, tuple[int, Page]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, state: int) -> Page | None:
        """Return a page made of the store in this very state."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or found[0] != state:
                return None
            self._kept.move_to_end(key)
            return found[1]

    def keep(self, key: Hashable, state: int, page: Page) -> None:
        """Keep a page; the oldest go when there is no room."""
        if len(page.body) > self._most // 4:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            self._size += len(page.body) - (len(before[1].body) if before else 0)
            self._kept[key] = (state, page)
            while self._size > self._most:
                _, (_, gone) = self._kept.popitem(last=False)
                self._size -= len(gone.body)
