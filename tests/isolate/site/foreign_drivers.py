"""A hospital's own drivers, some of them broken in every way a driver can be. Copied to where a child finds it.

Each looks at the first word of the file and misbehaves for its own word only.
"""

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from ingestor.driver import (
    AlarmRow,
    Bundle,
    BundleKey,
    Claim,
    DeviceLog,
    NamedNumber,
    Number,
    PhaseRow,
    SampleBlock,
    SampleColumn,
    Stamp,
)
from ingestor.errors import ParseError
from ingestor.model import Evidence, Phase, Priority, Role

MISDEEDS: dict[str, Callable[[], Any]] = {}


def misdeed(function: Callable[[], Any]) -> Callable[[], Any]:
    MISDEEDS[function.__name__.removesuffix("_")] = function
    return function


@misdeed
def spin():
    while True:
        pass


@misdeed
def nap():
    time.sleep(600)


@misdeed
def segv():
    ctypes.string_at(1)


@misdeed
def exit_():
    os._exit(7)


@misdeed
def raises():
    raise KeyError("Erika Mustermann")


@misdeed
def deep():
    def further() -> Any:  # noqa: ANN401 - it never returns
        return further()

    return further()


@misdeed
def hoard():
    kept = []
    while True:
        kept.append(np.ones(10_000_000))
        time.sleep(0.02)


@misdeed
def reserve():
    return bytearray(3 << 30)


@misdeed
def network():
    socket.create_connection(("127.0.0.1", 9), timeout=1)


@misdeed
def command():
    subprocess.run(["/bin/true"], check=True)


@misdeed
def scribble():
    Path("/tmp/apherelog-driver-was-here").write_text("x")


@misdeed
def remove():
    Path(__file__).unlink()


@misdeed
def prints():
    sys.stdout.write("noise " * 10_000)
    sys.stderr.write("noise " * 10_000)


@misdeed
def environment():
    if any(name.startswith("APHERELOG") for name in os.environ):
        raise RuntimeError


def _stamp(text: str) -> Stamp:
    return Stamp(datetime.fromisoformat(text), text)


class Plain:
    """Reads `plain ROWS ALARMS RUNS COLUMNS`, and does what `parse-MISDEED` says."""

    name = "foreign-plain"
    version = "1"
    evidence = Evidence.DECLARED
    roles = (Role.ADSORBER,)

    def bundle_key(self, member_name: str) -> BundleKey | None:
        stem, _, part = member_name.rpartition(".")
        return BundleKey(stem, part, ("one", "two")) if part in {"one", "two"} else None

    def claim(self, bundle: Bundle) -> Claim:
        word = bundle.members[0].data[:40].split(b" ")[0].split(b"\n")[0]
        near = ("version 9",) if word == b"plain9" else ()
        return Claim(
            word == b"plain" or word.startswith(b"parse-"),
            "by its first word",
            near,
            "unknown_version" if near else None,
        )

    def parse(self, bundle: Bundle) -> Iterator[DeviceLog]:
        member = bundle.members[0]
        words = member.data.split(b"\n")[0].split()
        if words[0].startswith(b"parse-"):
            MISDEEDS[words[0].removeprefix(b"parse-").decode()]()
            words = [b"plain"]
        if words[1:] == [b"cut"]:
            raise ParseError(member.name, 3, "a number", "x" * 200)
        rows, alarms, runs, columns = (int(w) for w in (*words[1:], b"3", b"1", b"1", b"2")[:4])
        for number in range(runs):
            yield _log(member.name, number, rows, alarms, columns)


def _log(member: str, number: int, rows: int, alarms: int, columns: int) -> DeviceLog:
    start = 1_710_750_000_000
    return DeviceLog(
        version="1", role=Role.ADSORBER, maker="Foreign", model="F1", serial="S-1",
        started=_stamp("2024-03-18T08:20:00"), ended=_stamp("2024-03-18T12:20:00"),
        end_reached=True, rows_read=rows + alarms + 2, member=member, run_id=f"R{number}",
        phases=(
            PhaseRow(
                1, "A", Phase.LOAD, _stamp("2024-03-18T08:20:00"), _stamp("2024-03-18T08:31:40"),
                Number("402,5", "mL", Decimal("402.5")), True, 4,
            ),
        ),
        alarms=tuple(
            AlarmRow("113", "2", "column_pressure_high", Priority.MEDIUM, "Säulendruck hoch",
                     _stamp("2024-03-18T09:02:11"), None, None, i)
            for i in range(alarms)
        ),
        totals=(NamedNumber("processed_plasma", Number("402,50", "mL", Decimal("402.50")), 9),),
        samples=SampleBlock(
            local_ms=start + 1000 * np.arange(rows, dtype=np.int64),
            line=np.arange(rows, dtype=np.int32),
            columns=tuple(
                SampleColumn(
                    "plasma_flow" if i == 0 else None, f"c{i}", "mL/min", np.full(rows, 300, np.int64), 1,
                    np.zeros(rows, np.bool_),
                )
                for i in range(columns)
            ),
        ),
    )  # fmt: skip


class Rude:
    """Misbehaves in its claim."""

    name = "foreign-rude"
    version = "1"
    evidence = Evidence.DECLARED
    roles = (Role.ADSORBER,)

    def bundle_key(self, member_name: str) -> BundleKey | None:
        if member_name == "rude":
            raise ValueError
        return None

    def claim(self, bundle: Bundle) -> Claim:
        word = bundle.members[0].data[:40].split(b" ")[0]
        if word.startswith(b"claim-"):
            MISDEEDS[word.removeprefix(b"claim-").decode()]()
        return Claim(word == b"both", "never otherwise")

    def parse(self, _bundle: Bundle) -> Iterator[DeviceLog]:
        yield from ()


class Both(Rude):
    """Claims what another claims too."""

    name = "foreign-both"


def profiles(folder: Path | None) -> Iterator["Both"]:
    """One driver for each file of the site's folder."""
    for path in sorted(folder.iterdir()) if folder else ():
        site = Both()
        site.name = f"site-{path.stem}"
        yield site


def no_drivers(_folder: Path | None) -> Iterator[object]:
    yield object()
