"""Records a line until somebody says stop, and hands every finished treatment in."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor.errors import Busy, NotFound
from ingestor.store import lines
from ingestor.store.audit import Actor
from ingestor.store.sources import Order
from ingestor.ways.beacon import Beacon
from ingestor.ways.capture.port import PortLost
from ingestor.ways.resuming import reopen, stays_open
from ingestor.ways.spool import RAW, HandIn, Spool, stem

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from ingestor.flow.house import House
    from ingestor.talk import Line
    from ingestor.ways.capture.port import Port

log = logging.getLogger(__name__)

_TAIL = 4096
_QUIET_S = 30.0
_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_AGAIN_S = 60.0
_IDLE_BYTES = 4096
_FRAME_BYTES = 512


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence may last.

    Attributes:
        silence: after so long without a byte a treatment is taken as over [s].
    """

    silence: float = 600


class Recorder:
    """One line, one spool at a time.

    Args:
        house: the open house.
        port: the line.
        line: how it speaks.
        folder: where spools stand.
        patience: how long silence may last.
        told: gets the receipt of every treatment handed in.
    """

    def __init__(
        self,
        house: House,
        port: Port,
        line: Line,
        folder: Path,
        patience: Patience,
        told: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self._house, self._port, self._line, self._folder = house, port, line, folder
        self._patience = patience
        order = Order("capture", Actor("capture", "agent"), driver=line.name)
        self._spool: Spool | None = None
        self._heard = time.monotonic()
        self._is_quiet = False
        self._is_idle = True
        self._tried = 0.0
        self._beacon = Beacon(house, "capture", port.name)
        self._hands = HandIn(house, folder, f"{line.name}-", order, self._count(told))

    def _count(self, told: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        def counted(receipt: dict[str, Any]) -> None:
            self._beacon.treatments += 1
            told(receipt)

        return counted

    def record(self, stop: threading.Event) -> None:
        """Record until `stop`; then hand in what there is.

        Raises:
            Busy: `port_in_use`, at the first opening.
        """
        self._take_up()
        is_open, tries = False, 0
        while not stop.is_set():
            if not is_open:
                is_open, tries = self._open(stop, tries)
            try:
                data = self._port.read() if is_open else b""
            except PortLost:
                log.warning("line_lost", extra={"port": self._port.name})
                is_open, data = False, b""
                self._note_gap()
            self._take(data)
            self._say(is_open=is_open)
        self._port.close()
        if self._spool is not None and time.monotonic() - self._heard < self._patience.silence:
            stays_open(self._spool.raw)
        self._close()
        self._hands.finish()
        self._beacon.end()

    def _note_gap(self) -> None:
        """The line went in the middle of a treatment: what it said meanwhile is lost, and that is kept beside the bytes."""
        if self._spool is not None:
            self._beacon.gaps += 1
            self._spool.write(b"", self._house.now(), "lost")

    def _say(self, *, is_open: bool) -> None:
        self._beacon.connected = int(is_open)
        self._beacon.say(lines.LOST if not is_open else lines.QUIET if self._is_quiet else lines.OPEN)

    def _open(self, stop: threading.Event, tries: int) -> tuple[bool, int]:
        try:
            self._port.open()
        except (NotFound, Busy) as error:
            if isinstance(error, Busy) and not tries:
                raise
            if not tries:
                log.warning(error.code, extra={"port": self._port.name})
            stop.wait(_RETRY_S[min(tries, len(_RETRY_S) - 1)])
            return False, tries + 1
        log.info("line_open", extra={"port": self._port.name})
        return True, 1

    def _take(self, data: bytes) -> None:
        """Keep what arrived; close the spool where a treatment ends."""
        now = time.monotonic()
        if data:
            self._heard = now
            self._beacon.heard()
            if self._is_quiet:
                self._is_quiet = False
                log.info("line_heard_again", extra={"port": self._port.name})
            self._keep(data)
        elif self._spool is not None:
            self._spool.push()
            if now - self._heard >= self._patience.silence:
                self._close()
        if not self._is_quiet and now - self._heard > min(_QUIET_S, self._patience.silence):
            self._is_quiet = True
            log.warning("line_quiet", extra={"port": self._port.name})
        if now - self._tried > _AGAIN_S:
            self._tried = now
            self._hands.begin()

    def _keep(self, data: bytes) -> None:
        spool = self._spool = self._spool or self._new_spool()
        before = spool.tail(_TAIL)
        found = self._line.end.search(before + data)
        last = len(data) if found is None else max(0, found.end() - len(before))
        spool.write(data[:last], self._house.now())
        if found is not None:
            self._close()
            if data[last:]:
                self._keep(data[last:])
        elif spool.size >= self._house.archive.limit - _TAIL:
            self._close()
        elif self._is_idle and spool.size >= _IDLE_BYTES:
            self._let_idle_go(spool)

    def _let_idle_go(self, spool: Spool) -> None:
        """Forget a machine's signs of life, of which weeks may pass between two treatments."""
        said = spool.content()
        idle = self._line.idle.match(said)
        rest = said[idle.end() :] if idle else said
        if len(rest) > _FRAME_BYTES:
            self._is_idle = False
            return
        spool.drop()
        self._spool = None
        if rest:
            self._keep(rest)

    def _new_spool(self) -> Spool:
        self._is_idle = True
        return Spool(self._folder, stem(self._line.name, self._house.now()))

    def _take_up(self) -> None:
        """Go on with a spool that an end in mid-treatment left behind a moment ago; hand older ones in."""
        self._hands.handed = reopen(self._folder, f"{self._line.name}-", self._patience.silence)
        mine = self._hands.left()
        if mine and time.time() - mine[-1].stat().st_mtime < self._patience.silence:
            self._spool = Spool(self._folder, mine[-1].name.removesuffix(RAW))
        self._hands.begin()

    def _close(self) -> None:
        """End the treatment: its bytes become durable and are handed in beside the recording."""
        spool, self._spool = self._spool, None
        if spool is None:
            return
        if self._line.idle.fullmatch(spool.content()):
            spool.drop()
            return
        spool.close()
        self._hands.begin()
