"""Small readers of every layout, written from the formats page alone and sharing nothing with anybody.

Each gives a `Seen`: what can be found in the bytes, in the layout's own order.
"""

from __future__ import annotations

import csv
import functools
import gzip
import io
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET


@dataclass
class Seen:
    run: str | None = None
    patient: str | None = None
    start: str | None = None
    end: str | None = None
    reported: float | None = None
    blood: float | None = None
    anticoagulant: float | None = None
    loads: list[tuple[str, float | None]] = field(default_factory=list)
    alarms: list[tuple[str, str]] = field(default_factory=list)
    counter: list[float] = field(default_factory=list)
    flow: list[float] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    whole: bool = False
    head: dict[str, str] = field(default_factory=dict)


def number(text: str) -> float:
    return float(text.replace(",", "."))


def clock(hhmmss: str) -> str:
    return f"{hhmmss[:2]}:{hhmmss[2:4]}:{hhmmss[4:6]}"


def iso(printed: str) -> str:
    date, time = printed.split(" ")
    return "-".join(reversed(date.split("."))) + "T" + time


def reports(content: bytes) -> list[Seen]:
    """twin-column-report."""
    lines = content.decode("cp1252").split("\r\n")[:-1]
    starts = [place for place, line in enumerate(lines) if line.startswith("#TCR ")]
    return [_report(lines[a:b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _report(lines: list[str]) -> Seen:
    parts: dict[str, list[list[str]]] = {"": []}
    section = ""
    for line in lines:
        if line.startswith("["):
            section = {"Sä": "Co", "Zy": "Cy", "Me": "Sa", "Su": "To"}.get(line[1:3], line[1:3])
            parts[section] = []
        elif not line.startswith("#"):
            parts[section].append(line.split(";"))
    seen = Seen(head=dict(parts[""]) | dict(parts.get("To", [])))
    seen.head |= {name: ";".join(rows[0]) for name, rows in parts.items() if name and rows}
    values = [v for _, v in parts[""]]
    seen.run, seen.patient, seen.start, seen.end = values[3], values[4], iso(values[5]), iso(values[6])
    loads = [c for c in parts.get("Cy", []) if c[2] in {"Beladung", "Loading"}]
    seen.loads = [(c[1], number(c[5])) for c in loads]
    seen.head["aborted"] = "".join(f"{c[0]} " for c in loads if c[-1] in {"Abbruch", "aborted"})
    seen.alarms = [(a[1], a[0]) for a in parts.get("Al", [])[1:]]
    samples = parts.get("Sa", [])[1:]
    seen.times = [row[0] for row in samples]
    seen.flow, seen.counter = [number(r[2]) for r in samples], [number(r[8]) for r in samples]
    totals = [number(value) for _, value in parts.get("To", [])]
    if totals:
        seen.reported, seen.blood, seen.anticoagulant = totals[:3]
    seen.head["version"] = lines[0][5:]
    seen.whole = lines[-1] in {f"#ENDE;{len(lines) - 1}", f"#END;{len(lines) - 1}"}
    return seen


def _tagged(seen: Seen, kind: str, time: str, cells: list[str]) -> None:
    """Records of the journal and the line, without number and time."""
    if kind == "S":
        seen.times.append(time)
        seen.flow.append(float(cells[1]))
        seen.counter.append(float(cells[5]))
    elif kind == "P" and cells[1] == "1":
        seen.loads.append((cells[0], None))
    elif kind == "A" and cells[2] == "1":
        standing = seen.head.setdefault("standing", "")
        if f" {cells[0]} " not in standing:
            seen.alarms.append((cells[0], time))
            seen.head["standing"] = f"{standing} {cells[0]} "
    elif kind == "A" and cells[2] == "0":
        seen.head["standing"] = seen.head.get("standing", "").replace(f" {cells[0]} ", "")
    elif kind == "T":
        seen.head[cells[0]] = cells[1]
    elif kind == "E":
        seen.end = time


def _totals(seen: Seen) -> Seen:
    for key, name in (("PLASMA", "reported"), ("BLOOD", "blood"), ("AC", "anticoagulant")):
        if key in seen.head:
            setattr(seen, name, float(seen.head[key]))
    return seen


def journal(content: bytes) -> Seen:
    """twin-column-journal."""
    assert content[:2] == b"\xff\xfe"
    seen = Seen()
    text = content[2:].decode("utf-16-le")
    number_before = 0
    for line in text.split("\r\n")[:-1]:
        kind, *cells = line.split("\t")
        if kind == "H":
            number_before = 0
            if seen.run is None:
                seen.run, seen.patient = cells[0], cells[6]
                seen.start = f"{cells[4][:4]}-{cells[4][4:6]}-{cells[4][6:]}T{clock(cells[5])}"
            seen.head["heads"] = f"{int(seen.head.get('heads', 0)) + 1}"
        elif kind == "T":
            _tagged(seen, kind, clock(cells[0]), cells[1:])
        elif kind in "SPAE":
            assert int(cells[1]) == number_before + 1
            number_before += 1
            _tagged(seen, kind, clock(cells[0]), cells[2:])
        if kind == "E":
            before = content[: content.index("\r\nE\t".encode("utf-16-le")) + 4]
            seen.whole = cells[2] == f"{zlib.crc32(before):08X}"
    return _totals(seen)


def frames(content: bytes) -> tuple[list[list[str]], int]:
    """Payloads of the good frames of a serial stream, split, and the number of bad ones."""
    good, bad = [], 0
    for payload, check in re.findall(rb"\x02([^\x02\x03\r\n]*)\x03([0-9A-F]{2})\r\n", content):
        xor = functools.reduce(lambda a, b: a ^ b, payload + b"\x03")
        if f"{xor:02X}".encode() == check:
            good.append(payload.decode("ascii").split("|"))
        else:
            bad += 1
    return good, bad


def line(content: bytes) -> Seen:
    """twin-column-serial."""
    seen = Seen()
    for _, kind, time, *cells in frames(content)[0]:
        if kind == "H" and seen.run is None:
            seen.run, seen.patient = cells[0], cells[5]
            seen.start = f"{cells[4][:4]}-{cells[4][4:6]}-{cells[4][6:]}T{clock(time)}"
        elif kind in "SPA":
            _tagged(seen, kind, clock(time), cells[1:])
        elif kind in "TE":
            _tagged(seen, kind, clock(time), cells)
            seen.whole |= kind == "E"
    return _totals(seen)


def table(main: bytes, alarms: bytes) -> Seen:
    """single-column-table."""
    seen = Seen()
    lines = main.decode("utf-8-sig").splitlines()
    for text in lines:
        if text.startswith("# "):
            key, value = text[2:].split(": ", 1) if ": " in text else (text[2:].rstrip(":"), "")
            seen.head[key] = value
    rows = list(csv.DictReader(text for text in lines if not text.startswith("#")))
    seen.run, seen.patient = seen.head["treatment"], seen.head["patient"]
    seen.start, seen.end, seen.whole = rows[0]["time"], rows[-1]["time"], rows[-1]["state"] == "end"
    seen.counter = [float(r["plasma_total_ml"]) for r in rows]
    seen.flow = [float(r["plasma_flow_ml_min"]) for r in rows]
    seen.times = [r["time"] for r in rows]
    seen.head["states"] = " > ".join(dict.fromkeys(r["state"] for r in rows))
    seen.alarms = [
        (r["code"], r["time"][11:]) for r in csv.DictReader(io.StringIO(alarms.decode("utf-8-sig")))
    ]
    return seen


def record(content: bytes) -> Seen:
    """separator-record."""
    root = ET.fromstring(content)
    space = {"s": "urn:apherelog:separator-record:1"}
    total = {e.tag.split("}")[1]: float(e.text or "nan") for e in root.iterfind("s:Totals/*", space)}
    events = [e.attrib for e in root.iterfind("s:Events/s:Event", space)]
    return Seen(
        run=root.get("id"),
        patient=next(root.iterfind("s:Patient", space)).get("id"),
        start=(root.get("start") or "")[:19],
        end=(root.get("end") or "")[:19],
        reported=total["plasmaRemoved"],
        blood=total["inletProcessed"] - total["acUsed"],
        anticoagulant=total["acUsed"],
        alarms=[(e["code"], e["time"][11:19]) for e in events if e["phase"] == "start"],
        whole=True,
        head={k: str(v) for k, v in total.items()},
    )


def lox(content: bytes) -> dict[str, bytes]:
    """Members of a `.LOX`, by extension."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
        names = archive.getnames()
        assert len({name.split(".")[0] for name in names}) == 1
        members = {n.split(".")[1]: archive.extractfile(n) for n in names}
        return {extension: file.read() for extension, file in members.items() if file}


def rows_of(text: str) -> tuple[list[str], list[list[str]], int]:
    """Column names, rows, and the line (from 1) of the column row, found by its content."""
    lines = text.replace("\r\n", "\n").split("\n")
    place = next(i for i, text in enumerate(lines) if text.lower().startswith("index;time;"))
    header = [name.lower() for name in lines[place].rstrip(";").split(";")]
    return header, [[c.strip() for c in text.split(";")] for text in lines[place + 1 :] if text], place + 1


def bedside(events: str, samples: str) -> Seen:
    """Prismaflex, both generations."""
    seen = Seen()
    for row in rows_of(events)[1]:
        key = (int(row[2]), int(row[4]))
        if key == (8, 16):
            seen.start = row[1]
        elif key == (8, 21):
            seen.end, seen.whole = row[1], True
        elif key == (8, 8):
            seen.head["therapy"] = row[5].split(": ")[-1]
        elif key == (16, 416):
            seen.patient = seen.patient or row[7]
            seen.head["ids"] = seen.head.get("ids", "") + f"{row[7]} "
        elif key[0] in {32, 64, 128, 256}:
            seen.alarms.append((f"{key[0]}/{key[1]}", row[1]))
    header, rows, _ = rows_of(samples)
    effluent = header.index("effluent")
    seen.counter = [float(r[effluent]) for r in rows]
    return seen


def batch(content: bytes) -> Seen:
    """hl7-pcd."""
    seen = Seen()
    texts = content.decode("utf-8").split("\rMSH|")[1:]
    last, *trailers = texts[-1].split("\rBTS|")
    texts[-1] = last
    told = [_message(f"MSH|{text}") for text in texts]
    seen.run, seen.patient = told[0]["run"], told[0]["patient"]
    running = [m["time"] for m in told if m.get("158594") == "TX"]
    after = [m["time"] for m in told if m.get("158594") == "POSTTX"]
    seen.start, seen.end = running[0], after[0] if after else None
    seen.counter = [float(m["192772"]) for m in told if "192772" in m]
    seen.flow = [float(m["192768"]) for m in told if "192768" in m]
    loads = {m["192776"]: m["192777"] for m in told if m.get("192778") == "load"}
    seen.loads = [(column, None) for column in loads.values()]
    seen.alarms = [(m["source"], clock(m["time"][8:14])) for m in told if m.get("68481") == "start"]
    seen.whole = bool(trailers) and int(trailers[0].split("\r")[0]) == len(told)
    seen.reported = seen.counter[-1] if seen.counter else None
    return seen


def _message(text: str) -> dict[str, str]:
    lines = [line.split("|") for line in text.split("\r")]
    cells = {"time": lines[0][6]}
    for fields in lines:
        if fields[0] == "PID":
            ids = [i.split("^")[0] for i in fields[3].split("~") if i.endswith("^MR")]
            cells["patient"] = ids[0] if ids else ""
        elif fields[0] == "OBR":
            cells["run"] = fields[3].split("^")[0]
        elif fields[0] == "OBX":
            code = fields[3].split("^")[0]
            cells.setdefault(code, fields[5])
            if code in {"196648", "196670", "196616"}:
                cells["source"] = fields[5].split("^")[0]
    return cells


def journal_parts(content: bytes) -> list[list[float]]:
    """What the plasma counter shows in each stretch of a journal."""
    parts: list[list[float]] = []
    for text in content[2:].decode("utf-16-le").split("\r\n"):
        if text.startswith("H\t"):
            parts.append([])
        elif text.startswith("S\t"):
            parts[-1].append(float(text.split("\t")[8]))
    return parts


def what_is_left(content: bytes) -> dict[str, bytes]:
    """Members of a `.LOX` that ends early, by extension; the last one may be cut."""
    left = zlib.decompressobj(31).decompress(content)
    members, at = {}, 0
    while left[at : at + 1].strip(b"\0"):
        name, size = left[at : at + 100].strip(b"\0").decode(), int(left[at + 124 : at + 135].strip(b"\0"), 8)
        members[name.split(".")[1]] = left[at + 512 : at + 512 + size]
        at += 512 + (size + 511) // 512 * 512
    return members
