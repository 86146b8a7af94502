"""Codes of HL7 device reports: IEEE 11073 terms, and the private ones for what has no term.

Source: Dialysis Machine HL7 Implementation Guidelines, Rev 4.0 (2023), as on the formats page, section 2. The
private terms stand there too: partition 2, from 0xF100 on. Reference ids of public terms are descriptive.
"""

from __future__ import annotations

from dataclasses import dataclass

PRIVATE = 2 << 16
REPORT_PROFILE = "IHE_PCD_001^IHEPCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"
ALARM_PROFILE = "IHE_PCD_004^IHEPCD^1.3.6.1.4.1.19376.1.6.1.4.1^ISO"


@dataclass(frozen=True, slots=True)
class Term:
    """One term: code, reference id, containment path, unit, HL7 data type."""

    code: int
    refid: str
    path: str
    unit: str = ""
    kind: str = "NM"

    @property
    def coded(self) -> str:
        """As it stands in OBX-3."""
        return f"{self.code}^{self.refid}^MDC"

    @property
    def units(self) -> str:
        """As it stands in OBX-6."""
        return f"{self.unit}^{self.unit}^UCUM" if self.unit else ""


MACHINE = Term(70929, "MDC_DEV_HDIALY_MACHINE_MDS", "1.0.0.0", kind="")
SYSTEM = Term(70934, "MDC_DEV_HDIALY_MACHINE_VMD", "1.1.0.0", kind="")
MODEL = Term(531969, "MDC_ID_MODEL_NUMBER", "1.0.0.1", kind="ST")
MAKER = Term(531970, "MDC_ID_MODEL_MANUFACTURER", "1.0.0.2", kind="ST")
SERIAL = Term(531972, "MDC_ID_PROD_SPEC_SERIAL", "1.0.0.3", kind="ST")
SOFTWARE = Term(531975, "MDC_ID_PROD_SPEC_SW", "1.0.0.4", kind="ST")
TIME = Term(158592, "MDC_HDIALY_MACH_TIME", "1.1.1.1", kind="DTM")
MODE = Term(158594, "MDC_HDIALY_MACH_MODE_OF_OPERATION", "1.1.1.2", kind="ST")
MODALITY = Term(158598, "MDC_HDIALY_MACH_TX_MODALITY", "1.1.1.3", kind="ST")
THERAPY_TIME = Term(158720, "MDC_HDIALY_MACH_TIME_THERAPY", "1.1.1.4", "min")
AC_NAME = Term(158599, "MDC_HDIALY_AC_NAME", "1.1.2.1", kind="ST")
AC_MODE = Term(158600, "MDC_HDIALY_AC_MODE", "1.1.2.2", kind="ST")
AC_RATE = Term(158736, "MDC_HDIALY_AC_INFUS_RATE", "1.1.2.3", "mL/h")
AC_DELIVERED = Term(158728, "MDC_HDIALY_AC_INFUS_VOL", "1.1.2.4", "mL")
BLOOD_SETTING = Term(158740 + (1 << 24), "MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE_SETTING", "1.1.3.1", "mL/min")
BLOOD_FLOW = Term(158740, "MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE", "1.1.3.2", "mL/min")
ARTERIAL = Term(158744, "MDC_HDIALY_BLD_PUMP_PRESS_ART", "1.1.3.3", "mm[Hg]")
VENOUS = Term(158776, "MDC_HDIALY_BLD_PRESS_VEN", "1.1.3.4", "mm[Hg]")
BLOOD_TOTAL = Term(158772, "MDC_HDIALY_BLD_PUMP_BLOOD_PROCESSED_TOTAL", "1.1.3.5", "L")
HEMATOCRIT = Term(160132, "MDC_CONC_HCT_GEN", "1.1.3.6", "%")
TMP = Term(158852, "MDC_HDIALY_FILTER_PRESS_TRANSMEMBRANE", "1.1.5.1", "mm[Hg]")
WEIGHT = Term(159000, "MDC_HDIALY_PT_WEIGHT_START", "1.1.8.1", "kg")
PLASMA_FLOW = Term(PRIVATE + 0xF100, "MDCIA_PLASMA_FLOW_RATE", "1.1.10.1", "mL/min")
PLASMA_TOTAL = Term(PRIVATE + 0xF104, "MDCIA_PLASMA_PROCESSED_TOTAL", "1.1.10.2", "mL")
CYCLE = Term(PRIVATE + 0xF108, "MDCIA_COLUMN_CYCLE_NUMBER", "1.1.10.3")
POSITION = Term(PRIVATE + 0xF109, "MDCIA_COLUMN_POSITION", "1.1.10.4", kind="ST")
PHASE = Term(PRIVATE + 0xF10A, "MDCIA_COLUMN_PHASE", "1.1.10.5", kind="ST")
COLUMN_PRESSURE = Term(PRIVATE + 0xF10C, "MDCIA_COLUMN_PRESS", "1.1.10.6", "mm[Hg]")
COLUMN_SERIAL = Term(PRIVATE + 0xF110, "MDCIA_COLUMN_SERIAL", "1.1.10.7", kind="ST")
COLUMN_PRODUCT = Term(PRIVATE + 0xF111, "MDCIA_COLUMN_PRODUCT", "1.1.10.8", kind="ST")
ELUATE_PH = Term(PRIVATE + 0xF114, "MDCIA_ELUATE_PH", "1.1.10.9", "[pH]")

HIGH = Term(196648, "MDC_EVT_HI", "")
LOW = Term(196670, "MDC_EVT_LO", "")
ALARM = Term(196616, "MDC_EVT_ALARM", "")
EVENT_PHASE = Term(68481, "MDC_ATTR_EVENT_PHASE", "", kind="ST")
ALARM_STATE = Term(68482, "MDC_ATTR_ALARM_STATE", "", kind="ST")
INACTIVATION = Term(68483, "MDC_ATTR_ALARM_INACTIVATION_STATE", "", kind="ST")
SYRINGE_EMPTY = Term(198238, "MDC_EVT_HDIALY_AC_SYRINGE_EMPTY", "1.1.2.5")
SYSTEM_EVENT = Term(198258, "MDC_EVT_HDIALY_SYSTEM", "1.1.7.1")
UNHEARD_OF = Term(198998, "MDC_EVT_HDIALY_UNHEARD_OF", "1.1.7.2")


@dataclass(frozen=True, slots=True)
class AlarmWords:
    """How an incident is told: event, source, flags in OBX-8, the value that was measured, what a reader makes of it."""

    event: Term
    source: Term
    flags: str
    measured: float | None
    kind: str


ALARMS = {
    "access_pressure_low": AlarmWords(LOW, ARTERIAL, "L~PH~SP", -212, "access_pressure_low"),
    "return_pressure_high": AlarmWords(HIGH, VENOUS, "SP~H~PH", 287, "return_pressure_high"),
    "column_pressure_high": AlarmWords(HIGH, COLUMN_PRESSURE, "PM~ST~H", 305, "column_pressure_high"),
    "bag_empty": AlarmWords(ALARM, SYRINGE_EMPTY, "ST~PM", None, "anticoagulant"),
    "temperature": AlarmWords(ALARM, SYSTEM_EVENT, "PL~ST", None, "system"),
    "other": AlarmWords(ALARM, UNHEARD_OF, "PM~ST", None, "other"),
}
