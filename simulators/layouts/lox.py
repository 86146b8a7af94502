"""The `.LOX` container: a gzip of a tar, the same bytes every time, and what is left of a damaged one."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.export import Members
    from simulators.renal import RenalRun

_BLOCK = 512
_SERVICE_LINES = ("SELF TEST PASSED", "SCALE CALIBRATION", "POWER ON", "POWER OFF", "SET LOADED")
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def packed(members: Members) -> bytes:
    """All members in one compressed archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return gzip.compress(content.getvalue(), mtime=0)


def remains(members: Members) -> Members:
    """What can be read of an archive that ends early: whole members, and the first bytes of the last one."""
    (content,) = members.values()
    left = zlib.decompressobj(wbits=31).decompress(content)
    found: Members = {}
    at = 0
    while at + _BLOCK <= len(left) and left[at]:
        name = left[at : at + 100].rstrip(b"\0").decode("ascii")
        size = int(left[at + 124 : at + 135].rstrip(b"\0 ") or b"0", 8)
        found[name] = left[at + _BLOCK : at + _BLOCK + size]
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
    return found


def side_members(run: RenalRun, stem: str, head: list[str]) -> Members:
    """The members nobody counts a dose from: scales, bags, counters, service log, configuration."""
    rng = run.plan.rng("side members")
    start = run.plan.clock.wall(0)
    minutes = [f"{start + timedelta(minutes=m):%Y-%m-%d %H:%M:%S}" for m in range(0, run.seconds // 60, 7)]
    tables = {
        "PLC": ("Index;Time;SCALE1_ERR;SCALE2_ERR;SCALE3_ERR;SCALE4_ERR;", 4),
        "PLT": ("Index;Time;BAG;TARE;GROSS", 3),
        "PLI": ("Index;Time;BUS_OK;BUS_RETRY;BUS_LOST", 3),
        "PLY": ("Index;Time;POSITION;FORCE", 2),
        "PLL": ("Index;Time;STEP;CURRENT", 2),
    }
    members: Members = {}
    for blanks, (extension, (columns, width)) in enumerate(tables.items()):
        lines = [*head, *[""] * (1 + blanks % 3), columns]
        for index, time in enumerate(minutes, start=1):
            cells = (f"{int(v):5d}" for v in rng.integers(0, 900, width))
            lines.append(";".join((f"{index:4d}", time, *cells)))
            if extension == "PLT" and index % 3 == 0:
                lines.append(f";;{int(rng.integers(0, 900)):5d}")
        members[f"{stem}.{extension}"] = "\n".join(lines).encode("ascii")
    members[f"{stem}.PLR"] = _service_log(run).encode("ascii")
    members[f"{stem}.PCU"] = "\n".join(f"PAR{n:03d}={int(rng.integers(0, 255))}" for n in range(60)).encode(
        "ascii"
    )
    for extension in ("PCM", "PCI", "PCA"):
        members[f"{stem}.{extension}"] = rng.bytes(256)
    return members


def _service_log(run: RenalRun) -> str:
    """Some years of service, one stamp and one line each."""
    rng, lines = run.plan.rng("service log"), []
    at = run.plan.clock.wall(0) - timedelta(days=900)
    for _ in range(40):
        at += timedelta(days=int(rng.integers(1, 40)), seconds=int(rng.integers(0, 80_000)))
        stamp = f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S %Y}"
        lines += [stamp, _SERVICE_LINES[int(rng.integers(len(_SERVICE_LINES)))]]
    return "\r\n".join(lines) + "\r\n"
