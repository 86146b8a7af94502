"""Small treatment logs written by hand, from the page that describes the format."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingestor.driver import Bundle, Member

START = datetime(2024, 3, 18, 8, 12, 40)  # noqa: DTZ001 - the machine's wall clock
STEM = "0318A12B"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def c_locale(at: datetime) -> str:
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:2d} {at.strftime('%H:%M:%S')} {at.year}"


@dataclass
class Machine:
    """A treatment of a few minutes: 120 mL/h removed, effluent 30 mL/min."""

    therapy: str = "CVVHDF"
    minutes: int = 10
    serial: str = "5d7f-0a1d"
    software: str = "8.20 V04R00"
    extra: list[tuple[int, int, int, str, str]] = field(default_factory=list)
    patients: tuple[str, ...] = ("0001029384",)

    def events(self) -> list[tuple[datetime, int, str, int, str, str, str]]:
        """Time, class, its word, type, its word, raw number, text."""
        at = START
        rows = [
            (at - timedelta(minutes=20), 8, "Zdarzenie", 38, "Pacjent potwierdzony", "0", ""),
            (
                at - timedelta(minutes=19),
                8,
                "Zdarzenie",
                8,
                "Wybrano terapię",
                "3",
                f"Terapia: {self.therapy}",
            ),
            (at - timedelta(minutes=19), 16, "Nastawa", 26, "Waga", "715", "71.5 kg"),
            (at - timedelta(minutes=19), 16, "Nastawa", 47, "Hematokryt", "265", "26.5 %"),
            (at - timedelta(minutes=19), 16, "Nastawa", 17, "Przepływ krwi", "180", "180 ml/min"),
            (at - timedelta(minutes=19), 16, "Nastawa", 24, "Usuwanie płynu", "120", "120 ml/h"),
            (at, 8, "Zdarzenie", 16, "Start", "0", ""),
        ]
        rows += [
            (at + timedelta(minutes=2), 16, "Nastawa", 416, "ID pacjenta", "0", p) for p in self.patients
        ]
        rows += [(at + timedelta(minutes=m), c, "x", t, w, "0", s) for m, c, t, w, s in self.extra]
        end = at + timedelta(minutes=self.minutes)
        rows += [(end, 8, "Zdarzenie", 19, "Stop", "0", ""), (end, 8, "Zdarzenie", 21, "Koniec", "0", "")]
        return rows

    def event_member(self, stamp=iso, columns: str = "") -> str:  # noqa: ANN001 - a function of this module
        columns = (
            columns or "Index;Time;Class(cod);Class;Type(cod);Type;Sample(cod);Sample;ExcessPtFluidLoss/Gain"
        )
        head = [*self.header(), "Set Id: ST100;", *[f"CAL {i};0;1" for i in range(18)], columns]
        rows = [
            f"{i:4d};{stamp(at)};{c};{cw};{t};{tw};{n};{s};0"
            for i, (at, c, cw, t, tw, n, s) in enumerate(self.events(), start=1)
        ]
        return "\n".join([*head, *rows])

    def header(self) -> list[str]:
        return [
            f"MonitorID: {self.serial};",
            f"SW VERSION: {self.software};",
            "Language: Polish;",
            "Fingerprint: ab12;",
        ]

    def times(self) -> list[datetime]:
        first = START.replace(second=0) + timedelta(minutes=1)
        return [first + timedelta(minutes=m) for m in range(self.minutes)]

    def pressure_member(self, stamp=iso, columns: str = "") -> str:  # noqa: ANN001
        columns = (
            columns
            or "Index;Time;ACCESS_PRESSURE;FILTER_PRESSURE;EFFLUENT_PRESSURE;RETURN_PRESSURE;ARPS_PRESSURE;"
        )
        rows = [
            f"{i:4d};{stamp(at)};  -83;  120;   -5;   64;   {i}" for i, at in enumerate(self.times(), start=1)
        ]
        return "\n".join([*self.header(), "", columns, *rows])

    def volume_member(self, stamp=iso, columns: str = "") -> str:  # noqa: ANN001
        columns = columns or (
            "Index;Time;RUN_TIME;POST_INFUSION;PRE_INFUSION;DIALYSATE;EFFLUENT;PREBLOOD_INF;SYRINGE_INF;EXCESS_PT_FLUID;PUMP1;PUMP2;PUMP3;PUMP4"
        )
        rows = []
        for i, at in enumerate(self.times(), start=1):
            ran = int((at - START).total_seconds())
            effluent, dialysate = 30 * i, 28 * i - 1
            excess = round(120 * ran / 3600 - (effluent - dialysate))
            rows.append(f"{i:4d};{stamp(at)};{ran};0;0;{dialysate};{effluent};0;0;{excess};10;20;30;40")
        return "\n".join([*self.header(), "", columns, *rows])

    def members(self) -> dict[str, bytes]:
        return {
            f"{STEM}.PLE": b"\xff\xfe" + self.event_member().encode("utf-16-le"),
            f"{STEM}.PLP": self.pressure_member().encode(),
            f"{STEM}.PLS": self.volume_member().encode(),
            f"{STEM}.PLR": b"TUE DEC 19 12:45:17 2017\r\nservice\r\n",
        }

    def triple(self) -> dict[str, bytes]:
        """Software 5.x: three files, the machine's number alone on the first line."""
        e = "Index;Time;ClassCod;Class;TypeCod;Type;SampleCod;Sample;Fluid"
        s = "index;time;runtime;postinf;preinf;dialysate;effluent;prebloodinf;syringeinf;excessfluid;pumpone;pumptwo;pumpthree;pumpfour"
        texts = {
            "TREAT01E.TXT": self.event_member(c_locale, e),
            "TREAT01P.TXT": self.pressure_member(c_locale, "index;time;access;filter;effl;return;arps"),
            "TREAT01S.TXT": self.volume_member(c_locale, s),
        }
        made = {}
        for name, text in texts.items():
            lines = text.split("\n")[4:]
            made[name] = "\r\n".join([f"{self.serial};", *lines, ""]).encode(
                "utf-16" if name[7] == "E" else "ascii"
            )
        return made


def tar(members: dict[str, bytes], folder: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(folder + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def lox(members: dict[str, bytes], folder: str = "") -> bytes:
    return gzip.compress(tar(members, folder), mtime=0)


def bundle(data: bytes, name: str = "0318A12B.LOX") -> Bundle:
    return Bundle((Member(name, data),))


def bundle_of(members: dict[str, bytes]) -> Bundle:
    return Bundle(tuple(Member(name, data) for name, data in members.items()))
