"""Answers to messages that came over a network: pure, so that a listener decides when they are sent.

An answer that accepts is sent only after the message's bytes are durable; the same message again is answered
with the first result.

Source: HL7 Messaging Standard 2.6, chapter 2: MSA-1 (table 0008), conditions in MSH-15 and MSH-16 (table
0155), ERR (table 0357); IHE PCD technical framework, volume 2: ACK^R01 to a report, ORA^R41 to an alarm.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING

from drivers.hl7_pcd.framing import END, START, read_stream
from drivers.hl7_pcd.segments import Delimiters

if TYPE_CHECKING:
    from datetime import datetime

    from drivers.hl7_pcd.segments import Segment


class Outcome(StrEnum):
    """What became of a message: kept for ever, not readable, or not taken and to be sent again."""

    ACCEPTED = "accepted"
    UNREADABLE = "unreadable"
    BUSY = "busy"


_CODES = {Outcome.ACCEPTED: "A", Outcome.UNREADABLE: "E", Outcome.BUSY: "R"}
_ERRORS = {
    Outcome.UNREADABLE: "102^Data type error^HL70357",
    Outcome.BUSY: "207^Application internal error^HL70357",
}


def acknowledge(message: bytes, outcome: Outcome, now: datetime, *, alarm_answer: str = "ORA") -> bytes:
    """Return the answer to a message, without frame; empty where the sender wants none.

    Args:
        message: as it came, with or without MLLP frame.
        outcome: what became of it.
        now: aware; the answer's time.
        alarm_answer: `ORA` answers an alarm with ORA^R41, `ACK` with ACK^R40 as the guideline's sample does.
    """
    found = read_stream(message, "").messages
    if not found:
        return _written(Delimiters(), ["", "", "", "", "ACK", "", "P", "2.6", ""], "AR", "", outcome, now)
    header = found[0].header
    kind = _kind_of_answer(header, outcome)
    if not kind:
        return b""
    trigger = header.text(9, 2)
    answer = {"R40": "ORA^R41^ORA_R41" if alarm_answer == "ORA" else "ACK^R40^ACK"}.get(trigger)
    sign = header.signs.component
    kind_text = (answer or "^".join(filter(None, ("ACK", trigger, "ACK" if trigger else "")))).replace(
        "^", sign
    )
    fields = [_raw(header, 5), _raw(header, 6), _raw(header, 3), _raw(header, 4), kind_text, _raw(header, 10)]
    fields += [_raw(header, 11) or "P", _raw(header, 12) or "2.6", _raw(header, 18)]
    return _written(header.signs, fields, kind + _CODES[outcome], fields[5], outcome, now)


def framed(message: bytes) -> bytes:
    """Return a message in its MLLP frame; nothing stays nothing."""
    return START + message + END + b"\r" if message else b""


def _kind_of_answer(header: Segment, outcome: Outcome) -> str:
    """Return `A` for an answer of the application, `C` for one of the transport, empty for none.

    A sender that states neither condition waits for the application's answer.
    """
    transport, application = header.text(15), header.text(16)
    if not transport and not application:
        return "A"
    wanted = {"AL", "SU" if outcome is Outcome.ACCEPTED else "ER"}
    return "A" if application in wanted else "C" if transport in wanted else ""


def _raw(header: Segment, number: int) -> str:
    return header.fields[number - 1].strip() if number <= len(header.fields) else ""


def _written(
    signs: Delimiters, fields: list[str], code: str, answered: str, outcome: Outcome, now: datetime
) -> bytes:
    to_app, to_site, from_app, from_site, kind, _, processing, version, charset = fields
    time = now.strftime("%Y%m%d%H%M%S%z")
    number = hashlib.sha256(f"{answered} {from_app} {time} {code}".encode()).hexdigest()[:20]
    field = signs.field
    encoding = signs.component + signs.repetition + signs.escape + signs.part
    head = [
        "MSH",
        encoding,
        to_app,
        to_site,
        from_app,
        from_site,
        time,
        "",
        kind,
        number,
        processing,
        version,
    ]
    lines = [field.join([*head, *([""] * 5), charset]).rstrip(field), field.join(["MSA", code, answered])]
    if outcome in _ERRORS:
        lines.append(field.join(["ERR", "", "", _ERRORS[outcome].replace("^", signs.component), "E"]))
    return "".join(f"{line}\r" for line in lines).encode("utf-8", "replace")
