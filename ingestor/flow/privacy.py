"""What a person may ask of his data, decided by two: who asks and who grants are never the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ingestor.errors import Forbidden, Invalid
from ingestor.store import audit, patients, privacy
from ingestor.store.answers import sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.audit import Actor

KINDS = ("reidentification", "restriction", "erasure")
# How long somebody may know who is behind a pseudonym after it was granted.
LED_BACK = timedelta(hours=24)


def ask(house: House, connection: Connection, kind: str, patient_id: str, actor: Actor, reason: str) -> str:
    """Write a request down; a restriction holds from now on. Return its id.

    Raises:
        Invalid: `page_reason_missing`, `unknown_request`.
        NotFound: there is no such patient.
    """
    if kind not in KINDS:
        raise Invalid("unknown_request")
    if not reason.strip():
        raise Invalid("page_reason_missing")
    person = patients.survivor(connection, patient_id)
    key = privacy.add(connection, house.centre, kind, person, actor.name, reason, house.now())
    audit.record(connection, actor, f"ask-{kind}", key, reason, patient=person)
    return key


def decide(house: House, connection: Connection, key: str, actor: Actor, note: str, *, grant: bool) -> None:
    """Grant or refuse a request, once; an erasure is carried out in the same transaction.

    Raises:
        Forbidden: `second_person`: who asked cannot decide.
        Invalid: `request_decided`.
    """
    request = privacy.require(connection, house.centre, key)
    if request.decision is not None:
        raise Invalid("request_decided")
    if request.asked_by == actor.name:
        raise Forbidden("second_person")
    decision = "granted" if grant else "refused"
    privacy.change(
        connection, key, decision=decision, decided_by=actor.name, decided_at=house.now(), note=note
    )
    gone: dict[str, int] = {}
    if grant and request.kind == "erasure":
        gone = _forget(connection, request.patient_id)
    audit.record(
        connection, actor, f"{decision}-{request.kind}", key, note, patient=request.patient_id, **gone
    )


def _forget(connection: Connection, patient_id: str) -> dict[str, int]:
    person = patients.merged_group(connection, patient_id)
    known = sessions.identifying(connection, privacy.sessions_of(connection, person))
    return privacy.forget(connection, person, {word for words in known.values() for word in words})


def end(house: House, connection: Connection, key: str, actor: Actor, reason: str) -> None:
    """Lift a restriction.

    Raises:
        Invalid: `page_reason_missing`; `request_decided`: it is no restriction, or it does not hold.
    """
    request = privacy.require(connection, house.centre, key)
    if not reason.strip():
        raise Invalid("page_reason_missing")
    if request.kind != "restriction" or request.ended_at is not None or request.decision == "refused":
        raise Invalid("request_decided")
    privacy.change(connection, key, ended_by=actor.name, ended_at=house.now())
    audit.record(connection, actor, "end-restriction", key, reason, patient=request.patient_id)


def require_led_back(house: House, connection: Connection, patient_id: str, who: str) -> None:
    """See that this person was allowed, within a day, to know who is behind a pseudonym.

    Raises:
        Forbidden: `reidentify_first`.
    """
    person = patients.survivor(connection, patient_id)
    if not privacy.led_back(connection, person, who, house.now() - LED_BACK):
        raise Forbidden("reidentify_first")
