"""Where a site wants two persons, a link made by one alone does not count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ingestor.errors import Forbidden, NotFound
from ingestor.flow import second_person
from ingestor.flow.patients import NewPatient, add
from ingestor.store import link_requests, links, sessions
from ingestor.store.answers import worklist
from ingestor.store.answers.worklist import Wanted
from ingestor.store.audit import Actor
from ingestor.ways.files import ingest_paths
from tests.parts import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House
    from tests.parts import Exports

ONE, OTHER = Actor("eva", "nurse"), Actor("uwe", "nurse")


@pytest.fixture
def careful(house: House, simulated: Callable[..., Exports]) -> tuple[House, str, str]:
    """A house that wants two persons, a session of nobody, and a patient."""
    exports = simulated("twin-column-report", "--seed", "31")
    list(ingest_paths(house, exports.files, ORDER))
    wanted = replace(house, settings=house.settings.model_copy(update={"second_person": True}))
    with house.db.write() as connection:
        (row,) = worklist.sessions(connection, house.centre, Wanted())
        patient = add(wanted, connection, NewPatient(identifiers={"hospital": "999999999"}), ONE)
    return wanted, row["id"], patient


def _linked(house: House, session: str) -> str | None:
    with house.db.read() as connection:
        return sessions.session_row(connection, session).patient_id


def test_a_link_counts_when_somebody_else_confirms_it(careful: tuple[House, str, str]):
    house, session, patient = careful
    with house.db.write() as connection:
        key = second_person.link(house, connection, session, patient, ONE, "bedside")
    assert key is not None
    assert _linked(house, session) is None
    with house.db.write() as connection, pytest.raises(Forbidden, match="same_person"):
        second_person.confirm(house, connection, key, ONE)
    assert _linked(house, session) is None
    with house.db.write() as connection:
        second_person.confirm(house, connection, key, OTHER)
    assert _linked(house, session) == patient
    with house.db.read() as connection:
        assert [(one.actor, one.reason) for one in links.history(connection, session)] == [
            ("eva + uwe", "bedside")
        ]
        assert link_requests.waiting(connection, house.centre) == []
    with house.db.write() as connection, pytest.raises(NotFound, match="no_such_link_request"):
        second_person.confirm(house, connection, key, OTHER)


def test_a_second_person_at_hand_confirms_at_once(careful: tuple[House, str, str]):
    house, session, patient = careful
    with house.db.write() as connection:
        assert second_person.link(house, connection, session, patient, ONE, "bedside", OTHER) is None
    assert _linked(house, session) == patient


def test_a_refused_link_changes_nothing_and_a_new_request_replaces_the_old(careful: tuple[House, str, str]):
    house, session, patient = careful
    with house.db.write() as connection:
        first = second_person.link(house, connection, session, patient, ONE, "bedside")
        second = second_person.link(house, connection, session, patient, OTHER, "list")
        assert [row["id"] for row in link_requests.waiting(connection, house.centre, session)] == [second]
        with pytest.raises(NotFound):
            second_person.refuse(house, connection, str(first), OTHER, "")
        second_person.refuse(house, connection, str(second), ONE, "wrong bed")
        assert link_requests.waiting(connection, house.centre) == []
    assert _linked(house, session) is None


def test_without_the_setting_one_person_is_enough(careful: tuple[House, str, str], house: House):
    _, session, patient = careful
    with house.db.write() as connection:
        assert second_person.link(house, connection, session, patient, ONE, "bedside") is None
    assert _linked(house, session) == patient
