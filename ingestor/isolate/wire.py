"""What crosses between parent and child: frames of one JSON head and raw blocks. No pickle, ever.

frame = length of head, number of blocks, length of each block (32 bits, big-endian), head, blocks
"""

from __future__ import annotations

import json
import struct
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ingestor.detect import Answer
from ingestor.driver import BundleKey, Claim
from ingestor.isolate.found import Broken
from ingestor.isolate.reading import Reading, RunReading, Trouble
from ingestor.meaning.clock import Clock, Offset, device_key
from ingestor.meaning.figures import RunFigures
from ingestor.model import DriverStamp, Evidence, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Head = dict[str, Any]
_TWO = struct.Struct(">II")


def pack(head: Head, blocks: Sequence[bytes] = ()) -> list[bytes]:
    """Return the pieces of one frame, in order."""
    text = json.dumps(head).encode()  # escaped: a name may hold what UTF-8 cannot
    sizes = struct.pack(f">{len(blocks)}I", *map(len, blocks))
    return [_TWO.pack(len(text), len(blocks)) + sizes + text, *blocks]


def unpack(take: Callable[[int], bytes]) -> tuple[Head, list[bytes]]:
    """Read one frame by a function that returns exactly so many bytes."""
    length, count = _TWO.unpack(take(_TWO.size))
    sizes = struct.unpack(f">{count}I", take(4 * count))
    head = json.loads(take(length))
    return head, [take(size) for size in sizes]


@cache
def _run_adapter() -> TypeAdapter[Run]:
    adapter = TypeAdapter(Run)
    # The names that the model imports for type checkers only; a run travels without its trace.
    names = {"datetime": datetime, "date": date, "Decimal": Decimal, "Trace": NoneType}
    adapter.rebuild(_types_namespace=names)
    return adapter


def clock_to_json(clock: Clock) -> Head:
    """Return a clock as plain JSON values."""
    return {
        "default_zone": clock.default_zone,
        "now": clock.now.isoformat(),
        "zone": clock.zone,
        "zones": [[*key, zone] for key, zone in clock.zones.items()],
        "offsets": [[*key, [_offset_to_json(o) for o in kept]] for key, kept in clock.offsets.items()],
    }


def clock_from_json(head: Head) -> Clock:
    """Read back what `clock_to_json` wrote."""
    return Clock(
        default_zone=head["default_zone"],
        now=datetime.fromisoformat(head["now"]),
        zone=head["zone"],
        zones={device_key(*key): zone for *key, zone in head["zones"]},
        offsets={
            device_key(*key): tuple(_offset_from_json(*o) for o in kept) for *key, kept in head["offsets"]
        },
    )


def _offset_to_json(offset: Offset) -> list[Any]:
    bounds = (offset.valid_from, offset.valid_to)
    return [offset.seconds, *(None if b is None else b.isoformat() for b in bounds)]


def _offset_from_json(seconds: int, start: str | None, end: str | None) -> Offset:
    bounds = [None if b is None else datetime.fromisoformat(b) for b in (start, end)]
    return Offset(seconds, *bounds)


def key_to_json(key: BundleKey) -> list[Any]:
    """Return a bundle key as plain JSON values."""
    return [key.stem, key.part, list(key.parts)]


def key_from_json(stem: str, part: str, parts: list[str]) -> BundleKey:
    """Read back what `key_to_json` wrote."""
    return BundleKey(stem, part, tuple(parts))


def stamp_to_json(stamp: DriverStamp) -> list[str]:
    """Return a driver's stamp as plain JSON values."""
    return [stamp.name, stamp.version, stamp.evidence.value]


def stamp_from_json(name: str, version: str, evidence: str) -> DriverStamp:
    """Read back what `stamp_to_json` wrote."""
    return DriverStamp(name, version, Evidence(evidence))


def reading_to_frame(reading: Reading) -> tuple[Head, list[bytes]]:
    """Return a reading as a head and blocks: run, figures and trace block of each run, in turn."""
    trouble = reading.trouble
    head: Head = {
        "driver": None if reading.driver is None else stamp_to_json(reading.driver),
        "claims": [
            [stamp_to_json(a.driver), a.claim.claims, a.claim.reason, list(a.claim.near_misses), a.claim.code]
            for a in reading.claims
        ],
        "awaits": list(reading.awaits),
        "trouble": None if trouble is None else [trouble.code, trouble.details, trouble.retry],
        "broken": [[b.name, b.problem] for b in reading.broken],
        "rows": [r.rows for r in reading.runs],
    }
    blocks: list[bytes] = []
    for read in reading.runs:
        figures = json.dumps(read.figures.to_json(), ensure_ascii=False).encode()
        blocks += [_run_adapter().dump_json(read.run), figures, read.block]
    return head, blocks


def reading_from_frame(head: Head, blocks: Sequence[bytes]) -> Reading:
    """Read back what `reading_to_frame` wrote."""
    runs = zip(blocks[0::3], blocks[1::3], blocks[2::3], head["rows"], strict=True)
    return Reading(
        driver=None if head["driver"] is None else stamp_from_json(*head["driver"]),
        claims=tuple(
            Answer(stamp_from_json(*stamp), Claim(claims, reason, tuple(near), code))
            for stamp, claims, reason, near, code in head["claims"]
        ),
        awaits=tuple(head["awaits"]),
        runs=tuple(
            RunReading(
                _run_adapter().validate_json(run), RunFigures.from_json(json.loads(figures)), block, rows
            )
            for run, figures, block, rows in runs
        ),
        trouble=None if head["trouble"] is None else Trouble(*head["trouble"]),
        broken=tuple(Broken(*b) for b in head["broken"]),
    )
