"""The catalogue of machines says what is known, and `unknown` where nothing is."""

from __future__ import annotations

import pytest

from drivers.machines import COLUMNS, EXPORTS, ROLES, Machine, machines

NAMED = (
    "ADAsorb", "Art Universal", "4008 ADS", "multiFiltrate", "multiFiltratePRO", "Citem 10", "Life 18", "Life 21",
    "Octo Nova", "Plasauto Σ", "Plasauto EZ", "Plasauto iQ21", "MA-03", "KM-8800", "KM-8900", "HF440", "Amplya",
    "Diapact", "Plasmat Futura", "Aquarius", "Spectra Optia", "Cobe Spectra", "COM.TEC", "AS-TEC", "Amicus",
    "Autopheresis-C", "Prismaflex", "PrisMax",
)  # fmt: skip
PYTHON_DRIVERS = {"prismaflex", "hl7-pcd"}
LAYOUTS = {
    "twin-column-report",
    "twin-column-journal",
    "single-column-table",
    "separator-record",
    "twin-column-serial",
}


def test_every_machine_of_the_clinics_is_named_once():
    names = [machine.name for machine in machines()]
    assert len(names) == len(set(names))
    assert set(NAMED) <= set(names)


@pytest.mark.parametrize("machine", machines(), ids=lambda m: m.name)
def test_a_machine_is_described_in_closed_words_and_says_what_to_do(machine: Machine):
    assert machine.role in ROLES
    assert machine.columns in COLUMNS
    assert machine.export in EXPORTS
    assert machine.driver in PYTHON_DRIVERS | {""}
    assert machine.start in LAYOUTS | {""}
    for language in ("de", "en"):
        assert ("drivers new" in machine.todo(language)) is not bool(machine.driver)
        assert not machine.note or machine.note[language]


def test_a_machine_without_a_driver_never_claims_a_known_export():
    assert [m.name for m in machines() if m.export != "unknown" and not m.driver] == []
    assert [m.name for m in machines() if m.export == "unknown" and m.driver] == []
