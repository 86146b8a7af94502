"""Connections of senders, each served by itself: one that is slow or silent holds up no other."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ingestor.ways.mllp.streams import END, START

if TYPE_CHECKING:
    import ssl

    from ingestor.ways.mllp.streams import Streams

log = logging.getLogger(__name__)

LONGEST = 1 << 20
CONNECTIONS = 200
_IDLE_S = 3600.0
_FRAME_S = 60.0
_TICK_S = 1.0


class Listener:
    """Listens for framed messages.

    Args:
        streams: where messages go; called from one thread of our own.
        longest: the longest message that is taken [B].
        frame_s: how long one message may take to arrive [s].
    """

    def __init__(self, streams: Streams, longest: int = LONGEST, frame_s: float = _FRAME_S) -> None:
        self._streams, self._longest, self._frame_s = streams, longest, frame_s
        self._hand = ThreadPoolExecutor(1, "streams")
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int, context: ssl.SSLContext | None = None) -> asyncio.Server:
        """Begin to listen; the server tells its address."""
        return await asyncio.start_server(
            self._connected, host, port, ssl=context, limit=self._longest + len(END), backlog=CONNECTIONS
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the streams going until `stop`; then cut the connections and hand everything in."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            await loop.run_in_executor(self._hand, self._streams.tick)
            try:
                await asyncio.wait_for(stop.wait(), _TICK_S)
            except TimeoutError:
                continue
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await loop.run_in_executor(self._hand, self._streams.close)
        self._hand.shutdown()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a callback of asyncio runs in a task
        if len(self._connections) >= CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        self._streams.beacon.connected = len(self._connections)
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, asyncio.CancelledError) as error:
            # A cancelled connection ends here like any other: nobody waits for its task but ourselves.
            log.info("connection_ended", extra={"reason": type(error).__name__})
        finally:
            self._connections.discard(task)
            self._streams.beacon.connected = len(self._connections)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            async with asyncio.timeout(_IDLE_S):
                while await reader.readexactly(1) != START:
                    pass  # line ends between frames
            async with asyncio.timeout(self._frame_s):
                framed = await reader.readuntil(END)
            answer = await loop.run_in_executor(self._hand, self._streams.take, framed.removesuffix(END))
            if answer:
                writer.write(START + answer + END)
                async with asyncio.timeout(self._frame_s):
                    await writer.drain()
