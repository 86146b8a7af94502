"""The child's side: `python -m ingestor.isolate.worker FD SETTINGS`. Answers frames until the parent is gone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestor.driver import Bundle, Member
from ingestor.isolate import cell
from ingestor.isolate.found import Broken, about, find_drivers
from ingestor.isolate.reading import read_here
from ingestor.isolate.wire import clock_from_json, key_to_json, pack, reading_to_frame, stamp_to_json, unpack
from ingestor.model import DriverStamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.driver import Driver

Answer = tuple[dict[str, Any], list[bytes]]


class Line:
    """The one connection to the parent."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._in = os.fdopen(fd, "rb", closefd=False)

    def take(self, size: int) -> bytes:
        """Return exactly so many bytes; end the process when the parent is gone."""
        data = self._in.read(size)
        if len(data) < size:
            sys.exit(0)
        return data

    def send(self, head: dict[str, Any], blocks: Sequence[bytes] = ()) -> None:
        """Send one frame."""
        for piece in pack(head, blocks):
            left = memoryview(piece)
            while left:
                left = left[os.write(self._fd, left) :]

    def at(self, stage: str, driver: str) -> None:
        """Say whose code runs now, so that the parent knows whom to blame if nothing more is heard."""
        self.send({"at": [stage, driver]})


def main(fd: int, settings: dict[str, Any]) -> None:
    """Close the walls, load the drivers, then answer."""
    cell.close_in(settings["address_space"], settings["file_bytes"], settings["files"])
    line = Line(fd)
    cell.start_job(settings["cpu_s"], settings["wall_s"])
    cell.forbid()
    profiles = None if settings["profiles"] is None else Path(settings["profiles"])
    drivers, broken = find_drivers(profiles, settings["skip"], lambda name: line.at("load", name))
    line.send({"ready": True})
    while True:
        cell.end_job()
        head, blocks = unpack(line.take)
        cell.start_job(settings["cpu_s"], settings["wall_s"])
        try:
            answer = _answer(head, blocks, drivers, broken, line)
        except MemoryError:
            answer = {"lost": "limit_memory"}, []
        line.send(*answer)


def _answer(
    head: dict[str, Any],
    blocks: list[bytes],
    drivers: tuple[Driver, ...],
    broken: tuple[Broken, ...],
    line: Line,
) -> Answer:
    usable = [d for d in drivers if d.name not in head["skip"]]
    if head["do"] == "read":
        members = tuple(Member(name, data) for name, data in zip(head["names"], blocks, strict=True))
        blocks.clear()
        reading = read_here(Bundle(members), usable, clock_from_json(head["clock"]), head["only"], line.at)
        answer, out = reading_to_frame(reading)
        return answer, out
    if head["do"] == "keys":
        return {"keys": [_keys(name, usable, line) for name in head["names"]]}, []
    return {
        "drivers": [
            [*stamp_to_json(DriverStamp(d.name, d.version, d.evidence)), list(d.roles), about(d)]
            for d in usable
        ],
        "broken": [[b.name, b.problem] for b in broken],
    }, []


def _keys(name: str, drivers: list[Driver], line: Line) -> dict[str, list[Any]]:
    keys: dict[str, list[Any]] = {}
    for driver in drivers:
        line.at("claim", driver.name)
        try:
            key = driver.bundle_key(name)
        except Exception:  # noqa: BLE001, S112 - foreign code: told when its claim is asked for
            continue
        if key is not None:
            keys[driver.name] = key_to_json(key)
    return keys


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
