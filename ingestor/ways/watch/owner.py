"""One watcher a folder: a heartbeat that counts, judged by our own patience and by no clock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ingestor.flow.house import is_alive
from ingestor.store import watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House

log = logging.getLogger(__name__)

_BEAT_S = 20.0


class Owner:
    """This process's claim on a folder.

    Args:
        house: the open house.
        folder: id of the folder's row.
        silence: how long another's heartbeat may stand still before we step in [s].
        clock: monotonic moments [s].
    """

    def __init__(self, house: House, folder: str, silence: float, clock: Callable[[], float]) -> None:
        self._house, self._folder, self._silence, self._clock = house, folder, silence, clock
        self._mine = False
        self._beaten = 0.0
        self._other: tuple[tuple[str | None, int], float] | None = None

    def hold(self) -> bool:
        """Keep or gain the folder; tell whether it is ours."""
        if self._mine and self._clock() - self._beaten < _BEAT_S:
            return True
        if self._mine:
            self._mine = self._beat()
            if not self._mine:
                log.warning("folder_lost_to_another", extra={"folder": self._folder})
        return self._mine or self._try()

    def leave(self) -> None:
        """Give the folder free."""
        if self._mine:
            self._mine = False
            with self._house.db.write() as connection:
                watching.leave(connection, self._folder, self._house.worker)

    def _beat(self) -> bool:
        self._beaten = self._clock()
        with self._house.db.write() as connection:
            return watching.beat(connection, self._folder, self._house.worker)

    def _try(self) -> bool:
        with self._house.db.read() as connection:
            found = watching.watcher_of(connection, self._folder)
        other, beat = found
        now = self._clock()
        if self._other is None or self._other[0] != found:
            self._other = (found, now)
        silent = now - self._other[1] >= self._silence
        if other is not None and other != self._house.worker and is_alive(other) and not silent:
            return False
        self._beaten = now
        with self._house.db.write() as connection:
            self._mine = watching.take_over(connection, self._folder, self._house.worker, other, beat)
        return self._mine
