"""Connections that never end by themselves are ended: slow heads, bodies after the answer, readers who do not read.

uvicorn keeps a connection whose request head is never finished for ever; a handful of small machines could so take
all connections of a hospital's server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

# Room for a whole page of a list: its answer then never waits for the other side.
_UNREAD_BYTES = 256 << 10
HEAD_S, REST_S, READER_S = 10.0, 10.0, 15.0


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with an end to waiting. Bodies before the answer are bounded by `api.guards.Bodies`."""

    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn declares it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNREAD_BYTES)
        self._wait(HEAD_S)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that is complete ends the waiting, one that is not does not extend it."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait(HEAD_S)
        elif self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """After an answer that came before the end of its request's body, the rest may not take for ever."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._wait(REST_S)

    def pause_writing(self) -> None:
        """The other side does not read: give it some time to."""
        super().pause_writing()
        if self._reader is None:
            self._reader = self.loop.call_later(READER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to wait for."""
        self._stop_waiting()
        if self._reader is not None:
            self._reader.cancel()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        if self._head is None:
            self._head = self.loop.call_later(seconds, self._end)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _end(self) -> None:
        self._head = None
        if not self.transport.is_closing():
            self.transport.abort()
