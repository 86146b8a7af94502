"""Tells the database how a line stands, beside the recording and never in its way."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ingestor.errors import IngestorError
from ingestor.store import lines
from ingestor.store.lines import LineState

if TYPE_CHECKING:
    from datetime import datetime

    from ingestor.flow.house import House

log = logging.getLogger(__name__)

_AGAIN_S = 20.0


class Beacon:
    """One line's voice.

    Args:
        house: the open house.
        way: `capture` or `mllp`.
        name: of the line.
    """

    def __init__(self, house: House, way: str, name: str) -> None:
        self._house, self._way, self._name = house, way, name
        self._hand = ThreadPoolExecutor(1, "beacon")
        self._state, self._since = "", house.now()
        self._said = 0.0
        self._heard: datetime | None = None
        self.connected = 0
        self.treatments = 0
        self.gaps = 0

    def heard(self) -> None:
        """Something came."""
        self._heard = self._house.now()

    def say(self, state: str) -> None:
        """Tell how the line stands: at once if that is news, else every now and then."""
        now = time.monotonic()
        if state == self._state and now - self._said < _AGAIN_S:
            return
        if state != self._state:
            self._state, self._since = state, self._house.now()
        self._said = now
        self._hand.submit(self._write, self._now())

    def end(self) -> None:
        """Say that the recording was ended on purpose, and wait until that is written."""
        self.connected = 0
        self.say(lines.ENDED)
        self._hand.shutdown()

    def _now(self) -> LineState:
        return LineState(
            self._name, self._way, self._state, self._since, self._heard, self.connected, self.treatments,
            self.gaps, self._house.worker,
        )  # fmt: skip

    def _write(self, line: LineState) -> None:
        try:
            with self._house.db.write() as connection:
                lines.note(connection, line)
        except IngestorError as error:
            log.warning("line_not_noted", extra={"code": error.code})
