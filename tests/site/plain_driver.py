"""A site's own driver, copied to where the child finds it: one JSON record a line, nothing to guess.

Records: H header, C column, S sample, P phase, A alarm, T totals, E end. An H begins the next treatment.
The four words in capitals are what a test changes to have a driver that was wrong before.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from ingestor.driver import (
    AlarmRow,
    Bundle,
    BundleKey,
    Claim,
    ColumnUse,
    DeviceLog,
    Evidence,
    Ignored,
    NamedNumber,
    Number,
    ParseError,
    Phase,
    PhaseRow,
    Priority,
    Role,
    SampleBlock,
    SampleColumn,
    Stamp,
)

VERSION = "1"
FACTOR = "1"
OPENS = "H"
NUMBERED = "yes"
Record = dict[str, Any]
Records = list[tuple[int, Record]]


def _stamp(text: str | None) -> Stamp | None:
    return None if text is None else Stamp(datetime.fromisoformat(text), text)


def _number(text: str, unit: str) -> Number:
    return Number(text, unit, Decimal(text))


def _records(data: bytes, member: str) -> tuple[Records, int]:
    found: Records = []
    for number, line in enumerate(data.decode().splitlines(), start=1):
        try:
            found.append((number, json.loads(line)))
        except json.JSONDecodeError:
            return found, 1
    if not found or found[0][1].get("t") != "H":
        raise ParseError(member, 1, "a header", data[:20].decode())
    return found, 0


class Plain:
    name = "plain"
    version = VERSION
    evidence = Evidence.DECLARED
    roles = (Role.ADSORBER, Role.SEPARATOR)

    def bundle_key(self, member_name: str) -> BundleKey | None:
        stem, _, part = member_name.rpartition(".part")
        return BundleKey(stem, part, ("1", "2")) if stem else None

    def claim(self, bundle: Bundle) -> Claim:
        mine = any(m.data.startswith(b'{"t": "%s"' % OPENS.encode()) for m in bundle.members)
        return Claim(mine, "begins with a header record" if mine else "no header record")

    def parse(self, bundle: Bundle) -> Iterator[DeviceLog]:
        for member in bundle.members:
            records, cut = _records(member.data, member.name)
            starts = [i for i, (_, r) in enumerate(records) if r["t"] == "H"]
            for start, stop in zip(starts, [*starts[1:], len(records)], strict=True):
                yield _log(member.name, records[start:stop], cut if stop == len(records) else 0)


def _log(member: str, records: Records, cut: int) -> DeviceLog:
    line, head = records[0]
    of = {kind: [(n, r) for n, r in records if r["t"] == kind] for kind in "CSPATE"}
    started = _stamp(head["start"])
    assert started is not None
    return DeviceLog(
        version="1", role=Role(head["role"]), maker="Site", model="Plain", serial=head["serial"],
        software=head.get("software", ""), started=started, end_reached=bool(of["E"]),
        rows_read=len(records) - 1 - len(of["C"]) - len(of["E"]) + cut, member=member, line=line,
        run_id=head.get("run") if NUMBERED else None, patient=head.get("patient"), hold=head.get("hold"),
        ended=_stamp(of["E"][0][1]["at"]) if of["E"] else None,
        columns=tuple(_column(n, r) for n, r in of["C"]),
        phases=tuple(_phase(n, r) for n, r in of["P"]),
        alarms=tuple(_alarm(n, r) for n, r in of["A"]),
        totals=tuple(
            NamedNumber(kind, _number(str(Decimal(r["ml"]) * Decimal(FACTOR)), "mL"), n)
            for n, r in of["T"] for kind in [r["kind"]]
        ),
        facts=(NamedNumber("weight", _number("72", "kg"), line), NamedNumber("hematocrit", _number("36", "%"), line)),
        samples=_samples(of["S"]),
        ignored=(Ignored("unterminated_line", cut),) if cut else (),
    )  # fmt: skip


def _column(line: int, r: Record) -> ColumnUse:
    return ColumnUse(
        r["pos"], 1, r.get("product", "P"), r["serial"], r.get("lot", ""), r.get("use"), None,
        r.get("regenerable", True), line,
    )  # fmt: skip


def _phase(line: int, r: Record) -> PhaseRow:
    return PhaseRow(
        r["n"], r["pos"], Phase(r["phase"]), _stamp(r["start"]), _stamp(r["end"]),
        _number(r["ml"], "mL"), True, line,
    )  # fmt: skip


def _alarm(line: int, r: Record) -> AlarmRow:
    return AlarmRow(
        r["code"],
        "2",
        "column_pressure_high",
        Priority.MEDIUM,
        "alarm",
        _stamp(r["at"]),
        _stamp(r["at"]),
        None,
        line,
    )


def _samples(rows: Records) -> SampleBlock | None:
    if not rows:
        return None
    begin = datetime(1970, 1, 1)  # noqa: DTZ001 - a machine's wall clock
    local = [round((datetime.fromisoformat(r["at"]) - begin).total_seconds() * 1000) for _, r in rows]
    null = np.zeros(len(rows), np.bool_)

    def channel(name: str, key: str) -> SampleColumn:
        values = np.array([round(Decimal(r[key]) * 10) for _, r in rows], np.int64)
        unit = "mL/min" if key == "qp" else "mL"
        return SampleColumn(name, key, unit, values, 1, null)

    return SampleBlock(
        np.array(local, np.int64), np.array([n for n, _ in rows], np.int32),
        (channel("plasma_flow", "qp"), channel("processed_plasma", "vp")),
    )  # fmt: skip
