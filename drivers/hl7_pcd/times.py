"""Times as HL7 prints them: `20191003092006+0000`.

Source: HL7 Messaging Standard 2.6, chapter 2A, data type DTM.
"""

from __future__ import annotations

import re
from datetime import datetime

from ingestor.driver import Stamp

_PATTERN = re.compile(
    r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:\.(\d{1,4}))?)?(?:([+-])(\d\d)(\d\d))?", re.ASCII
)
_SIGNLESS = re.compile(r"(\d{14})(\d\d)(\d\d)", re.ASCII)
_FURTHEST = 14 * 60


def read_time(text: str) -> tuple[Stamp | None, str | None]:
    """Return the stamp and the code of a remark on it.

    At least minutes are needed. Where a writer left the sign of the offset out, zero is zero whatever its
    sign; any other offset is left unknown, because east and west cannot be told apart.
    """
    text = text.strip()
    remark = None
    plain, offset = text, None
    if found := _SIGNLESS.fullmatch(text):
        plain, remark = found[1], "offset_sign_missing"
        offset = 0 if int(found[2] + found[3]) == 0 else None
    match = _PATTERN.fullmatch(plain)
    if match is None:
        return None, "time_unreadable" if text else None
    year, month, day, hour, minute = (int(match[i]) for i in range(1, 6))
    micro = int((match[7] or "0").ljust(6, "0"))
    try:
        local = datetime(year, month, day, hour, minute, int(match[6] or 0), micro)  # noqa: DTZ001 - as printed
    except ValueError:
        return None, "time_unreadable"
    if match[8]:
        offset = (int(match[9]) * 60 + int(match[10])) * (-1 if match[8] == "-" else 1)
        if abs(offset) > _FURTHEST:
            return None, "time_unreadable"
    return Stamp(local, text, offset), remark
