"""Small hand-written treatments in HL7, from the page that describes the format."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

EUI = "00A0C9FFFE123456"
START = datetime(2024, 3, 18, 8, 12, 40)  # noqa: DTZ001 - the machine's wall clock
THERAPY = f"{EUI}20240318081240"
PRIVATE = {
    "plasma_flow": (192768, "MDCIA_PLASMA_FLOW_RATE", "mL/min"),
    "plasma": (192772, "MDCIA_PLASMA_PROCESSED_TOTAL", "mL"),
    "cycle": (192776, "MDCIA_COLUMN_CYCLE_NUMBER", ""),
    "position": (192777, "MDCIA_COLUMN_POSITION", ""),
    "phase": (192778, "MDCIA_COLUMN_PHASE", ""),
    "column_pressure": (192780, "MDCIA_COLUMN_PRESS", "mm[Hg]"),
    "column_serial": (192784, "MDCIA_COLUMN_SERIAL", ""),
    "product": (192785, "MDCIA_COLUMN_PRODUCT", ""),
    "ph": (192788, "MDCIA_ELUATE_PH", "[pH]"),
}


def stamp(at: datetime, offset: str = "+0100") -> str:
    return at.strftime("%Y%m%d%H%M%S") + offset


def obx(
    code: str, value: str, unit: str = "", *, path: str = "1.1.10.1", kind: str = "NM", more: str = ""
) -> str:
    units = f"{unit}^{unit}^UCUM" if unit else ""
    return f"OBX|1|{kind}|{code}|{path}|{value}|{units}|||||F{more}"


def pv(name: str, value: str) -> str:
    code, refid, unit = PRIVATE[name]
    return obx(f"{code}^{refid}^MDC", value, unit, kind="NM" if unit else "ST")


def tx(word: str) -> str:
    return obx("158594^MDC_HDIALY_MACH_MODE_OF_OPERATION^MDC", word, path="1.1.1.3", kind="ST")


DEVICE = (
    obx("70929^MDC_DEV_HDIALY_MACHINE_MDS^MDC", "", path="1.0.0", kind="ST"),
    obx("531969^MDC_ID_MODEL_NUMBER^MDC", "IA 200", path="1.0.0.1", kind="ST"),
    obx("531970^MDC_ID_MODEL_MANUFACTURER^MDC", "Muster Medizintechnik", path="1.0.0.2", kind="ST"),
    obx("531972^MDC_ID_PROD_SPEC_SERIAL^MDC", "IA-0417", path="1.0.0.3", kind="ST"),
    obx("531975^MDC_ID_PROD_SPEC_SW^MDC", "3.20", path="1.0.0.4", kind="ST"),
)


@dataclass
class Writer:
    """Writes messages one after the other; every test changes what it is about."""

    patient: str = "0001029384^^^Klinik^MR~IA 200/IA-0417^^^^U"
    therapy: str = THERAPY
    messages: list[str] = field(default_factory=list)
    number: int = 0

    def header(
        self,
        kind: str,
        at: datetime,
        profile: str = "IHE_PCD_001",
        *,
        number: str = "",
        offset: str = "+0100",
    ) -> str:
        self.number += 1
        number = number or f"M{self.number:05d}"
        oid = "1.3.6.1.4.1.19376.1.6.1.1.1"
        return (
            f"MSH|^~\\&|IA200^{EUI}^EUI-64|Station|apherelog|Klinik|{stamp(at, offset)}||{kind}|{number}|P|2.6|||AL|AL|||||"
            f"{profile}^IHEPCD^{oid}^ISO"
        )

    def report(self, at: datetime, *observations: str, **how: str) -> str:
        offset = how.get("offset", "+0100")
        lines = [
            self.header("ORU^R01^ORU_R01", at, number=how.get("number", ""), offset=offset),
            f"PID|||{how.get('patient', self.patient)}||Muster^Erika",
            f"OBR|1||{how.get('therapy', self.therapy)}^IA200^{EUI}^EUI-64|70929^MDC_DEV_HDIALY_MACHINE_MDS^MDC|||{stamp(at, offset)}",
            *observations,
        ]
        self.messages.append("".join(f"{line}\r" for line in lines))
        return self.messages[-1]

    def alarm(
        self,
        at: datetime,
        phase: str,
        *,
        event: str = "196648^MDC_EVT_HI^MDC",
        source: str = "158776^MDC_HDIALY_BLD_PUMP_PRESS_VEN^MDC",
        state: str = "active",
        silence: str = "enabled",
        flags: str = "PH~ST~H",
        therapy: str = "",
    ) -> str:
        lines = [
            self.header("ORU^R40^ORU_R40", at, "IHE_PCD_ACM_001"),
            f"PID|||{self.patient}",
            f"OBR|1||{therapy or self.therapy}^IA200^{EUI}^EUI-64|196616^MDC_EVT_ALARM^MDC|||{stamp(at)}",
            f"OBX|1|ST|{event}|1.0.0.0.1|{source}|||{flags}|||F|||{stamp(at)}",
            f"OBX|2|NM|{source}|1.1.3.4.2|412|mm[Hg]^mm[Hg]^UCUM|20-400||||F",
            f"OBX|3|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.0.0.0.3|{phase}||||||F",
            f"OBX|4|ST|68482^MDC_ATTR_ALARM_STATE^MDC|1.0.0.0.4|{state}||||||F",
            f"OBX|5|ST|68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC|1.0.0.0.5|{silence}||||||F",
        ]
        self.messages.append("".join(f"{line}\r" for line in lines))
        return self.messages[-1]

    def acknowledgement(self, at: datetime) -> str:
        head = self.header("ACK^R01^ACK", at)
        self.messages.append(f"{head}\rMSA|AA|M00001\r")
        return self.messages[-1]

    def batch(self, *, bts: str | None = None, fts: str = "1") -> bytes:
        body = "".join(self.messages)
        count = bts if bts is not None else str(len(self.messages))
        return f"FHS|^~\\&|IA200^{EUI}^EUI-64\rBHS|^~\\&|IA200^{EUI}^EUI-64\r{body}BTS|{count}\rFTS|{fts}\r".encode()

    def mllp(self) -> bytes:
        return b"".join(b"\x0b" + m.encode() + b"\x1c\r" for m in self.messages)


def at(number: int, second: int = 0) -> datetime:
    return START + timedelta(minutes=number, seconds=second)


def treatment(writer: Writer, *, minutes: int = 20) -> Writer:
    """Before, in and after treatment: two columns take turns every five minutes, 30 mL/min."""
    writer.report(
        at(-5),
        *DEVICE,
        tx("PRETX"),
        obx("159000^MDC_X^MDC", "71.5", "kg"),
        obx("160132^MDC_CONC_HCT_GEN^MDC", "0.36", "%{vol}"),
    )
    for number in range(minutes + 1):
        cycle, inside = divmod(number, 5)
        phase = "load" if inside < 4 else "elute"
        writer.report(
            at(number), *DEVICE, tx("TX"),
            obx("158598^MDC_HDIALY_MACH_TX_MODALITY^MDC", "HP", path="1.1.1.9", kind="ST"),
            obx("158720^MDC_HDIALY_MACH_THERAPY_TIME^MDC", str(number), "min", path="1.1.1.10"),
            obx("16935956^MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE_SETTING^MDC", "60", "ml/min", path="1.1.3.1", more="||||||RSET"),
            obx("158740^MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE^MDC", "58.5", "ml/min", path="1.1.3.2"),
            obx("158744^MDC_HDIALY_BLD_PRESS_ART^MDC", "-82", "mm[Hg]", path="1.1.3.3"),
            obx("158776^MDC_HDIALY_BLD_PUMP_PRESS_VEN^MDC", "64", "mm[Hg]", path="1.1.3.4"),
            obx("158772^MDC_HDIALY_BLD_PUMP_BLOOD_PROCESSED_TOTAL^MDC", f"{0.0585 * number:.4f}", "L", path="1.1.3.9"),
            obx("158728^MDC_Y^MDC", f"{number * 2}", "mL", path="1.1.2.4"),
            pv("plasma_flow", "30.0"), pv("plasma", f"{number * 30}.0"),
            pv("cycle", str(cycle + 1)), pv("position", "AB"[cycle % 2]), pv("phase", phase),
            pv("column_serial", f"S-2287{cycle % 2}"), pv("product", "ProtA-62"),
            pv("column_pressure", "118"), pv("ph", "7.02"),
        )  # fmt: skip
    writer.report(at(minutes + 1), *DEVICE, tx("POSTTX"), pv("plasma", f"{minutes * 30}.0"))
    return writer
