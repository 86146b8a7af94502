"""One definition of every column: what is served, exported, described and explained cannot drift apart."""

from __future__ import annotations

import pytest

from drivers.profile.vocabulary import KINDS
from ingestor.exports.batches import schema
from ingestor.exports.codebook import LANGUAGES, codebook
from ingestor.exports.codes import all_codes
from ingestor.exports.fields import names, tables
from ingestor.meaning.plasma_volume import FORMULAS
from ingestor.model import DoseStatus, Evidence, Priority, Role, TimeMethod
from ingestor.quantity import ALIASES, CHANNELS
from ingestor.store.tables import DOSE_COLUMNS


def test_the_dose_has_the_columns_of_its_table_in_that_order():
    assert names("doses") == DOSE_COLUMNS


def test_traces_have_the_columns_that_scripts_rely_on():
    assert names("traces") == ("session_id", "time", "channel", "value", "unit")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_and_every_code_stands_in_the_codebook(language: str):
    page = codebook(language)
    for table, fields in tables().items():
        assert f"`{table}`" in page
        for field in fields:
            text = field.de if language == "de" else field.en
            assert f"| `{field.name}` |" in page
            assert text in page
    for name, entries in all_codes().items():
        assert f"`{name}`" in page
        assert all(f"| `{code}` | " in page for code in entries)


def test_every_column_has_words_in_both_languages_and_a_known_unit():
    units = set(ALIASES.values()) | {"", "1", "{cycles}"}
    for table, fields in tables().items():
        for field in fields:
            assert field.de
            assert field.en
            assert field.de != field.en or field.name == "status", (table, field.name)
            assert field.unit is None or field.unit in units, (table, field.name, field.unit)
            assert field.codes is None or field.codes in all_codes(), (table, field.name)
        assert schema(table).names == list(names(table))


def test_a_name_that_carries_a_unit_has_that_unit():
    endings = {
        "_ml": "mL",
        "_kg": "kg",
        "_cm": "cm",
        "_min": "min",
        "_ml_min": "mL/min",
        "_ml_per_kg": "mL/kg",
    }
    for fields in tables().values():
        for field in fields:
            ending = max((e for e in endings if field.name.endswith(e)), key=len, default=None)
            if ending:
                assert field.unit == endings[ending], field.name


@pytest.mark.parametrize(
    ("name", "values"),
    [("role", Role), ("evidence", Evidence), ("dose_status", DoseStatus), ("time_method", TimeMethod),
     ("priority", Priority), ("channel", CHANNELS), ("plasma_volume_formula", FORMULAS)],
)  # fmt: skip
def test_a_list_of_codes_has_every_code_that_can_occur(name: str, values: object):
    assert set(all_codes()[name]) == {str(v) for v in values}  # type: ignore[attr-defined]


def test_every_kind_of_alarm_that_a_profile_may_name_is_a_known_code():
    assert set(KINDS) == set(all_codes()["alarm_kind"])
