"""Identities stand apart: an analyst's connection cannot read them, whatever is asked of it, on both databases."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from ingestor.flow import patients
from ingestor.store import audit, postgresql
from ingestor.store.answers import people
from ingestor.store.engine import identities_hidden, open_database, unveiled, veil_is_drawn
from ingestor.store.tables import identifier, identity, measurement, patient

if TYPE_CHECKING:
    from ingestor.flow.house import House

ACTOR = audit.Actor("tester", "steward")
NAME, NUMBER = "Xaverine Beispielhuber", "0815-4711"
QUERIES = (
    "SELECT name FROM identity", "SELECT * FROM identity", "SELECT value, normalised FROM identifier",
    "SELECT patient.id, identity.name FROM patient JOIN identity ON identity.patient_id = patient.id",
    "SELECT patient.id, x.name FROM patient LEFT JOIN identity x ON x.patient_id = patient.id",
    "WITH hidden AS (SELECT name AS n FROM identity) SELECT n FROM hidden",
    "SELECT (SELECT max(value) FROM identifier)", "SELECT id FROM patient ORDER BY (SELECT name FROM identity LIMIT 1)",
    "SELECT id FROM patient WHERE EXISTS (SELECT 1 FROM identity WHERE name LIKE 'Xav%')",
    "SELECT text FROM printed_patient",
)  # fmt: skip


@pytest.fixture
def anna(house: House) -> str:
    if not house.db.is_sqlite:
        with house.db.write() as connection:
            postgresql.make_role(connection)
    new = patients.NewPatient("female", date(1968, 3, 4), NAME, identifiers={"KIS": NUMBER})
    with house.db.write() as connection:
        return patients.add(house, connection, new, ACTOR)


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_through_the_veil_finds_a_name_or_a_number(house: House, anna: str, query: str) -> None:
    assert veil_is_drawn(house.db)
    with house.db.read() as connection:
        seen = str(connection.execute(text(query)).all())
    hides = "SELECT id" not in query and "printed" not in query
    assert (NAME in seen or NUMBER in seen) == hides
    with identities_hidden(), house.db.read() as connection:
        rows = connection.execute(text(query)).all()
    assert NAME not in str(rows)
    assert NUMBER not in str(rows)
    if "EXISTS" in query:
        assert rows == []


def test_what_is_not_an_identity_is_read_as_ever(house: House, anna: str) -> None:
    with identities_hidden(), house.db.read() as connection:
        assert connection.execute(select(patient.c.birth_year)).scalars().all() == [1968]
        assert people.by_id(connection, house.centre, [anna])[anna]["identifiers"] == []
        with pytest.raises(Exception, match=r"readonly|read-only|attempt to write"):
            connection.execute(text("DELETE FROM patient"))


def test_the_veil_cannot_be_lifted_from_behind_it(house: House, anna: str) -> None:
    with identities_hidden(), house.db.read() as connection:
        if house.db.is_sqlite:
            connection.execute(text("PRAGMA query_only=OFF"))
            assert connection.execute(text("SELECT count(name) FROM identity")).scalar() == 0
        else:
            assert connection.execute(text("SELECT count(*) FROM identity")).scalar() == 0
            assert connection.execute(text("SELECT current_user")).scalar() == postgresql.ROLE


def test_only_what_must_be_cut_out_of_answers_is_looked_up_behind_it(house: House, anna: str) -> None:
    with identities_hidden(), house.db.read() as connection, unveiled(connection) as whole:
        assert whole.execute(select(identity.c.name)).scalars().all() == [NAME]
        assert connection.execute(select(identifier.c.value)).scalars().all() in ([], [None])
    with house.db.read() as connection, unveiled(connection) as whole:
        assert whole is connection


@pytest.mark.sqlite
def test_the_origin_of_a_measurement_is_a_free_text_and_hidden_too(house: House, anna: str) -> None:
    from datetime import UTC, datetime
    from decimal import Decimal

    new = patients.NewMeasurement(
        "weight", Decimal(61), "kg", datetime(2026, 1, 2, tzinfo=UTC), f"letter {NAME}"
    )
    with house.db.write() as connection:
        patients.measure(house, connection, anna, new, ACTOR)
    with identities_hidden(), house.db.read() as connection:
        row = connection.execute(select(measurement.c.source, measurement.c.value)).one()
    assert (row.source, row.value) == (None, 61)


def test_without_its_role_a_server_is_told_to_be_less_than_safe(house: House) -> None:
    fresh = open_database(house.db.url)
    assert veil_is_drawn(fresh) == house.db.is_sqlite
    with identities_hidden(), fresh.read() as connection:
        assert connection.execute(select(patient.c.id)).all() == []
    fresh.close()
