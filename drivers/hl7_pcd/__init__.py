"""HL7 v2.6 device reports: PCD-01 treatment reports and PCD-04 alarm notices of dialysis machines.

Source: Dialysis Machine HL7 Implementation Guidelines, Rev 4.0, March 2023 (IHE PCD-01 and PCD-04, codes of
    ISO/IEEE 11073); HL7 Messaging Standard 2.6. Private terms for plasma and columns as in `codes.toml`.
Evidence: specified.
Clock: the message's own time with its offset; a sign that was left out is remarked.
Numbers: decimal point, no thousands sign; units in UCUM with the spellings that writers use.
Reads: one message, a stream with MLLP frames, a batch file; flows, pressures, volumes, column cycles, alarms,
    modes, settings, weight, hematocrit, the patient's number.
Leaves: names and addresses of persons, visits, prescriptions, waveforms, terms without a meaning (kept under
    their printed names), acknowledgements and answers (counted).
"""

from __future__ import annotations

from drivers.hl7_pcd.driver import Hl7Pcd, drivers

__all__ = ["Hl7Pcd", "drivers"]
