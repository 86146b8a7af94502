"""Uploads of 20 kB, answered once they are durable, beside writing and syncing the same bytes."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE, UPLOADS, SENDERS = 20_000, 2000, 16


def main() -> None:
    """Print how many a second are acknowledged, and what the disk alone would do."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = [_export(number) for number in range(UPLOADS)]
        alone = _synced(root / "alone", files[:600], 1)
        together = _synced(root / "together", files[:600], SENDERS)
        with serving(root / "data") as (port, token, server):
            before = sum(server.cpu_times()[:2])
            taken, times = asyncio.run(_send(port, token, files))
            cpu = (sum(server.cpu_times()[:2]) - before) / UPLOADS
            memory = server.memory_info().rss >> 20
    print(
        f"one fsync of {SIZE} B: {1e3 / alone:.2f} ms; written and synced by {SENDERS} at once: {together:.0f}/s"
    )
    print(
        f"{'uploads/s':>10}{'of synced writes':>18}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms each':>13}{'server MB':>11}"
    )
    p99 = statistics.quantiles(times, n=100)[98]
    print(
        f"{taken:>10.0f}{taken / together:>18.2f}{statistics.median(times) * 1e3:>9.1f}{p99 * 1e3:>9.1f}{cpu * 1e3:>13.2f}{memory:>11}"
    )


def _export(number: int) -> bytes:
    """Return bytes that no driver claims, each file another."""
    line = b"%08d;" % number + secrets.token_hex(20).encode() + b"\n"
    return (line * (SIZE // len(line) + 1))[:SIZE]


def _synced(folder: Path, files: list[bytes], hands: int) -> float:
    """Return how many files a second the disk takes."""
    folder.mkdir()

    def write(mine: list[bytes]) -> None:
        for data in mine:
            fd = os.open(folder / secrets.token_hex(8), os.O_CREAT | os.O_WRONLY)
            os.write(fd, data)
            os.fsync(fd)
            os.close(fd)

    threads = [threading.Thread(target=write, args=(files[n::hands],)) for n in range(hands)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(files) / (time.perf_counter() - began)


@contextmanager
def serving(data: Path) -> Iterator[tuple[int, str, psutil.Process]]:
    """Run the service itself; yield its port, a token and its process."""
    said = [sys.executable, "-m", "ingestor", "--data", str(data), "--json"]
    subprocess.run(
        [*said, "users", "add", "sender", "--role", "agent"], input=b"", check=True, capture_output=True
    )
    made = subprocess.run([*said, "users", "token", "sender"], check=True, capture_output=True)
    port = 18_000 + os.getpid() % 2000
    server = subprocess.Popen(
        [*said, "-q", "serve", "--port", str(port)],
        env=os.environ | {"APHERELOG_RATE_LIMITS": "false"}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not any(c.status == "LISTEN" for c in psutil.Process(server.pid).net_connections()):
            time.sleep(0.1)
        yield port, json.loads(made.stdout)["token"], psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(30)


async def _send(port: int, token: str, files: list[bytes]) -> tuple[float, list[float]]:
    """Send all files over a few connections; return uploads a second and how long each took [s]."""
    left, times = iter(files), []
    head = (
        f"POST /v1/imports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Prefer: respond-async\r\nX-Filename: a.txt\r\nContent-Length: {SIZE}\r\n\r\n"
    ).encode()

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for data in left:
            began = time.perf_counter()
            writer.write(head + data)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer[9:12] in {b"200", b"201", b"202"}, answer
            lower = answer.lower()
            size = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
            times.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return len(files) / (time.perf_counter() - began), times


if __name__ == "__main__":
    main()
