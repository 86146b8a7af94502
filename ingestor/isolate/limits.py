"""What a file may hold: checked on the bytes before a driver sees them, and on the log after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.detect import kind_of
from ingestor.errors import LimitExceeded, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.driver import Bundle, DeviceLog, Member

LINE_BYTES = 64 << 10
LINES = 2_000_000
FIELDS = 512
ALARMS = 200_000
RUNS = 20_000
# Names and numbers by which things are found again: no machine's are longer, and no database can index
# thousands of characters.
NAME_CHARACTERS = 300


def check_bytes(bundle: Bundle) -> None:
    """Refuse what is empty or has lines that no machine writes.

    Raises:
        Refused: `empty_file`.
        LimitExceeded: `limit_line`, `limit_lines`.
    """
    if all(not m.data or m.data.isspace() for m in bundle.members):
        raise Refused("empty_file")
    for member in bundle.members:
        if kind_of(member.data) == "Text":
            _check_lines(member)


def _check_lines(member: Member) -> None:
    # Line feeds and carriage returns end lines, mixed as they come. Zero bytes at the end are room that a
    # broken copy had reserved: the file is cut there, which its driver says.
    end = b"\n"
    data = member.data.rstrip(b"\0").replace(b"\r\n", end).replace(b"\r", end)
    lines = data.count(end)
    if lines > LINES:
        raise LimitExceeded("limit_lines", member=member.name, limit=LINES)
    start = 0
    while len(data) - start > LINE_BYTES:
        last = data.rfind(end, start, start + LINE_BYTES + 1)
        if last < 0:
            line = data.count(end, 0, start) + 1
            raise LimitExceeded("limit_line", member=member.name, line=line, limit_kib=LINE_BYTES >> 10)
        start = last + 1


def check_log(log: DeviceLog) -> None:
    """Refuse a treatment with more than anyone can believe.

    Raises:
        LimitExceeded: `limit_fields`, `limit_alarms`, `limit_name`.
    """
    if any(len(name) > NAME_CHARACTERS for name in _names(log)):
        raise LimitExceeded("limit_name", member=log.member, line=log.line, limit=NAME_CHARACTERS)
    if log.samples is not None and len(log.samples.columns) + len(log.samples.states) > FIELDS:
        raise LimitExceeded("limit_fields", member=log.member, line=log.line, limit=FIELDS)
    if len(log.alarms) > ALARMS or len(log.events) > ALARMS:
        raise LimitExceeded("limit_alarms", member=log.member, line=log.line, limit=ALARMS)


def _names(log: DeviceLog) -> Iterator[str]:
    yield from (
        log.version,
        log.maker,
        log.model,
        log.serial,
        log.software,
        log.run_id or "",
        log.patient or "",
    )
    for used in log.columns:
        yield from (used.position, used.product, used.serial, used.lot)
