"""Samples of every driver: small ones written by hand from the page, and what a simulator writes."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cache, reduce
from operator import xor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestor.driver import Bundle, Member
from ingestor.isolate.found import find_drivers
from tests.drivers.hl7_pcd.writer import DEVICE, Writer, at, pv, tx

if TYPE_CHECKING:
    from ingestor.driver import Driver

STORED = Path(__file__).parent / "stored"

REPORT = """\
#TCR 2.1
Gerät;AdsorptionsMonitor TC-2
Seriennummer;AM-0417
Software;3.20
Behandlung;20240318-02
Patient;0001029384
Beginn;18.03.2024 08:12:40
Ende;18.03.2024 11:47:05
Gewicht kg;71,5
Hämatokrit %;36
[Säulen]
Position;Produkt;Seriennummer;Charge;Anwendung;Verfall
A;ProtA-62;S-22871;L2304;7;31.12.2025
[Zyklen]
Nr;Säule;Phase;Beginn;Ende;Volumen ml;Status
1;A;Beladung;08:20:10;08:31:40;402,5;ok
1;A;Plasmarückgabe;08:31:40;08:33:05;65,0;Abbruch
[Alarme]
Zeit;Code;Klasse;Text;Ende;Quittiert
09:02:11;113;2;Säulendruck hoch;09:02:40;09:02:35
[Messwerte]
Zeit;QB;QP;PA;PV;PS;pH;T;VP
08:20:00;55,0;30,0;-82;64;118;7,02;36,8;0,0
08:20:01;55,0;---;-82;64;118;7,02;36,8;0,5
08:20:02;55,0;30,1;-83;66;120;7,02;36,8;1,0
[Summe]
Plasmavolumen ml;6043,5
Blutvolumen ml;11020
Antikoagulans ml;918
Zyklen;15
#ENDE;30
"""

# Records of the journal and of the serial line; the power fails after the fourth sample.
RECORDS = """\
H 20240318-02 TJ-0417 TC-4 4.11 20240318 081240 0001029384
C A ProtA-62 S-22871 L2304 7
C B ProtA-62 S-22872 L2304 7
T 081240 WEIGHT 71.5
T 081240 HCT 36
S 081250 1 55.0 0.0 -82 64 40 0.0
P 082010 2 A 1
S 082020 3 55.0 30.0 -82 64 118 5.0
A 082030 4 113 2 1
A 082100 5 113 2 1
A 082110 6 113 2 2
A 082115 7 113 2 0
S 083020 8 55.0 30.0 -82 64 118 305.0
P 083030 9 A 2
P 083035 10 B 1
S 084020 11 55.0 30.0 -82 64 118 600.0
T 084030 PLASMA 600.0
T 084030 BLOOD 1100
T 084030 AC 91
T 084030 CYCLES 1
"""
AFTER_POWER = """\
H 20240318-02 TJ-0417 TC-4 4.11 20240318 085500 0001029384
C A ProtA-62 S-22871 L2304 7
C B ProtA-62 S-22872 L2304 7
S 085510 1 55.0 30.0 -82 64 118 0.0
P 085520 2 B 1
S 090010 3 55.0 30.0 -82 64 118 150.0
P 090015 4 B 2
T 090020 PLASMA 150.0
"""

TABLE = """\
# machine: MF-350
# serial: MF-0417
# software: 2.7.1
# treatment: 240318001
# patient: 0001029384
# column product: DS-150
# column lot: L2304
time,elapsed_s,blood_flow_ml_min,plasma_flow_ml_min,plasma_total_ml,access_mmhg,return_mmhg,tmp_mmhg,column_mmhg,temp_c,state
2024-03-18T08:12:40,0,0.0,0.0,0.0,-26,21,31,40,32.1,prime
2024-03-18T08:13:40,60,99.0,30.0,30.0,-126,91,45,118,35.1,treatment
2024-03-18T08:14:40,120,99.0,0.0,30.0,-126,91,45,118,35.1,paused
2024-03-18T08:15:40,180,99.0,30.0,60.0,-126,91,45,118,35.1,treatment
2024-03-18T08:16:40,240,0.0,0.0,60.0,-26,21,31,40,35.1,column change
2024-03-18T08:17:40,300,99.0,30.0,12.0,-126,91,45,118,35.1,treatment
2024-03-18T08:18:40,360,20.0,0.0,12.0,-26,21,31,40,35.1,rinseback
2024-03-18T08:19:40,420,0.0,0.0,12.0,-26,21,31,40,35.1,end
"""
TABLE_ALARMS = """\
time,code,severity,message,cleared
2024-03-18T08:14:00,131,medium,"Bag empty, change it",2024-03-18T08:15:30
2024-03-18T08:18:00,140,low,Temperature,
"""

SEPARATOR = """\
<?xml version="1.0" encoding="UTF-8"?>
<Procedure xmlns="urn:apherelog:separator-record:1" id="RUN-7" start="2024-03-18T08:12:40+01:00" end="2024-03-18T11:47:05+01:00">
  <Device maker="Northbrook" model="CF-9" serial="CF-0417" software="7.14"/>
  <Patient id="0001029384"/>
  <Totals>
    <inletProcessed unit="mL">11938</inletProcessed>
    <plasmaRemoved unit="mL">6043.5</plasmaRemoved>
    <acUsed unit="mL">918</acUsed>
    <acToPatient unit="mL">367</acToPatient>
    <ratio>12</ratio>
  </Totals>
  <Settings>
    <Setting name="inletFlow" unit="mL/min">60</Setting>
  </Settings>
  <Events>
    <Event time="2024-03-18T09:02:11+01:00" code="105" priority="high" phase="start"/>
    <Event time="2024-03-18T09:02:21+01:00" code="105" priority="high" phase="continue"/>
    <Event time="2024-03-18T09:02:31+01:00" code="105" priority="high" phase="end"/>
  </Events>
</Procedure>
"""

SHEET = """\
Datum;Beginn;Ende;Patient;Gerät;Seriennummer;Säule;Säulennummer;Anwendung;Plasma ml;Blut ml;Antikoagulans ml;Ratio;Zyklen;Gewicht kg;Hämatokrit %;Alarme;Bemerkung
18.03.2024;08:12;11:47;0001029384;TC-1;AM1-0417;ProtA-62;S-22871;7;6043,5;11020;918;12;15;71,5;36;2;"müde; sonst gut"
19.03.2024;22:10;01:40;0001029384;TC-1;AM1-0417;ProtA-62;S-22871;8;5800;10900;900;12;14;71,5;36;0;
"""


@dataclass(frozen=True)
class Sample:
    """One export.

    Attributes:
        driver: whose it is.
        records: data records in it, counted by hand; 0 where nobody counted.
        truth: what the simulator knows of it, None for those written by hand.
        by_lines: it is text in lines, so that line ends can be changed.
        end_covers_all: the layout can tell whether any of its bytes is missing.
        may_run: kinds of figures that are counters still running where the file is cut.
    """

    driver: str
    name: str
    members: tuple[tuple[str, bytes], ...]
    records: int = 0
    truth: dict[str, Any] | None = None
    by_lines: bool = True
    end_covers_all: bool = True
    may_run: tuple[str, ...] = ()

    @property
    def bundle(self) -> Bundle:
        return Bundle(tuple(Member(name, data) for name, data in self.members))

    @property
    def size(self) -> int:
        return sum(len(data) for _, data in self.members)

    def __str__(self) -> str:
        return f"{self.driver}-{self.name}"


def with_crc(text: str, time: str, number: int) -> bytes:
    body = text.replace("\n", "\r\n").encode("utf-16")
    end = f"E\t{time}\t{number}\t{zlib.crc32(body):08X}\r\n"
    return body + end.encode("utf-16-le")


def journal(text: str, time: str, number: int) -> bytes:
    return with_crc("".join("\t".join(line.split(" ")) + "\n" for line in text.splitlines()), time, number)


def frame(payload: str) -> bytes:
    body = payload.encode("ascii") + b"\x03"
    return b"\x02" + body + f"{reduce(xor, body):02X}\r\n".encode("ascii")


def serial(text: str, time: str, number: int) -> bytes:
    """Write records as frames, a heartbeat after each, in the order of fields that the line has."""
    out, seq = [], 0
    for line in [*text.splitlines(), f"E {time} {number}"]:
        kind, *cells = line.split(" ")
        if kind == "H":
            run, machine, model, software, day, clock, patient = cells
            cells, last = [clock, run, machine, model, software, day, patient], clock
        elif kind == "C":
            cells = [last, *cells]
        last = cells[0]
        out += [frame(f"{seq}|{kind}|{'|'.join(cells)}"), frame(f"{seq + 1}|B|{last}")]
        seq += 2
    return b"".join(out[:-1])


def crlf(text: str, codec: str) -> bytes:
    return text.replace("\n", "\r\n").encode(codec)


def messages() -> bytes:
    """Return one treatment of four messages: two reports, an alarm, a report after it."""
    writer = Writer()
    load = (pv("position", "A"), pv("phase", "load"), pv("column_serial", "S-22871"))
    writer.report(at(0), *DEVICE, tx("TX"), pv("plasma", "0.0"), pv("cycle", "1"), *load)
    writer.alarm(at(1), "start")
    writer.report(at(2), *DEVICE, tx("TX"), pv("plasma", "60.0"), pv("cycle", "1"), *load)
    writer.report(at(3), *DEVICE, tx("POSTTX"), pv("plasma", "60.0"))
    return writer.batch()


@cache
def by_hand() -> tuple[Sample, ...]:
    return (
        Sample(
            "hl7-pcd", "batch", (("b.hl7", messages()),), 0, None, by_lines=False, may_run=("total",)
        ),
        Sample("twin-column-report", "german", (("tcr.txt", crlf(REPORT, "cp1252")),), 2 + 1 + 3 + 4),
        Sample("twin-column-journal", "whole", (("j.tcj", journal(RECORDS, "084040", 12)),), 4 + 3 + 4 + 6, None, False),
        Sample(
            "twin-column-journal", "power", (("j.tcj", journal(RECORDS.split("T 084030", maxsplit=1)[0] + AFTER_POWER, "090030", 5)),),
            4 + 3 + 4 + 2 + 2 + 2 + 1, None, False,
        ),
        Sample("twin-column-serial", "whole", (("s.raw", serial(RECORDS, "084040", 12)),), 4 + 3 + 4 + 6, None, False),
        Sample(
            "single-column-table", "change",
            (("t.csv", TABLE.encode("utf-8-sig")), ("t_alarms.csv", TABLE_ALARMS.encode("utf-8-sig"))), 8 + 2,
        ),
        Sample("separator-record", "record", (("p.xml", SEPARATOR.encode()),), 5 + 1 + 3),
        Sample("session-sheet", "german", (("sheet.csv", crlf(SHEET, "utf-8-sig")),), 2),
    )  # fmt: skip


@cache
def stored() -> tuple[Sample, ...]:
    """Return what simulators wrote, with the truth beside it."""
    found = []
    for folder in sorted(STORED.glob("*/*")):
        truth = json.loads((folder / "truth.json").read_text("utf-8"))
        files = sorted(path for path in folder.iterdir() if path.name != "truth.json")
        members = tuple((path.name, path.read_bytes()) for path in files)
        # A cut side member of a Prismaflex log is a finding only.
        covers = folder.parent.name != "prismaflex"
        found.append(
            Sample(
                folder.parent.name, folder.name, members, 0, truth, by_lines=False, end_covers_all=covers,
                may_run=("total",) if folder.parent.name == "hl7-pcd" else (),
            )
        )  # fmt: skip
    return tuple(found)


def all_samples() -> tuple[Sample, ...]:
    return (*by_hand(), *stored())


@cache
def all_drivers() -> dict[str, Driver]:
    known, broken = find_drivers(None)
    assert broken == ()
    return {driver.name: driver for driver in known}
