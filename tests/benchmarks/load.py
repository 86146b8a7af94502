"""Sixteen clients that ask as fast as they are answered, and how long each of them waited."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 16


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: answers, a second and in all, median and 99th percentile of the wait [ms]."""

    rate: float
    p50: float
    p99: float
    answers: int


def load(port: int, paths: Iterator[str], token: str, seconds: float) -> Load:
    """Ask for paths in turn, each client the next one, for so long."""
    return asyncio.run(_load(port, paths, token, seconds))


async def _load(port: int, paths: Iterator[str], token: str, seconds: float) -> Load:
    waits: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(_client(port, paths, token, begun + seconds, waits) for _ in range(CLIENTS)))
    spent = time.perf_counter() - begun
    waits.sort()
    return Load(
        len(waits) / spent, statistics.median(waits) * 1e3, waits[int(len(waits) * 0.99)] * 1e3, len(waits)
    )


async def _client(port: int, paths: Iterator[str], token: str, until: float, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tail = f" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    while (begun := time.perf_counter()) < until:
        writer.write(b"GET " + next(paths).encode() + tail)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(head)
        await _body(reader, head.lower())
        waits.append(time.perf_counter() - begun)
    writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
    at = head.find(b"content-length: ")
    if at >= 0:
        await reader.readexactly(int(head[at + 16 : head.index(b"\r\n", at)]))
        return
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()
