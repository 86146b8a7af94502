"""What only a person can decide: held readings, replaced readings, withheld doses, pairs of runs, one person or two.

Every decision is reversible by another one, and all of them are in the audit chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.errors import Invalid, NotFound
from ingestor.flow.columns import follow
from ingestor.flow.dosing import recourse, redose
from ingestor.flow.identifying import link_waiting
from ingestor.flow.meaning import give_meaning
from ingestor.flow.patients import redose_patient
from ingestor.meaning.policy import METHOD
from ingestor.meaning.revisions import Comparison, compare
from ingestor.store import audit, columns, doses, neighbours, patients, runs, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.audit import Actor


def difference(connection: Connection, revision: str) -> Comparison | None:
    """Compare a reading with the one of the same run that counts; None if none counts.

    Raises:
        NotFound: there is no such reading.
    """
    run_key = _run_of(connection, revision)
    current = runs.current_revision(connection, run_key)
    if current is None:
        return None
    return compare(runs.load(connection, current), runs.load(connection, revision))


def let_count(house: House, connection: Connection, revision: str, actor: Actor, reason: str) -> list[str]:
    """Let this reading of a run count instead of the one that does; return the sessions concerned.

    This accepts a held reading, and it undoes a replacement: the older reading is made to count again.

    What the other one had replaced in other runs counts again with it.

    Raises:
        NotFound: there is no such reading.
        Invalid: `only_proposed`: it belongs to a plan, which is approved as a whole.
    """
    run_key = _run_of(connection, revision)
    row = runs.revision_row(connection, revision)
    if row is not None and row.state == "proposed":
        raise Invalid("only_proposed")
    before = runs.make_current(connection, run_key, revision)
    audit.record(connection, actor, "let-count", revision, reason, run=run_key, before=before)
    back = [] if before in {None, revision} else runs.replaced_elsewhere(connection, str(before), run_key)
    for other, reading in back:
        if runs.current_revision(connection, other) is None:
            runs.make_current(connection, other, reading)
    return give_meaning(house, connection, [run_key, *(other for other, _ in back)], {}, "decision")


def reject(connection: Connection, revision: str, actor: Actor, reason: str) -> None:
    """Decide that a held reading does not count.

    Raises:
        NotFound: there is no such reading.
        Invalid: `not_held`: it is not held.
    """
    row = runs.revision_row(connection, revision)
    if row is None:
        raise NotFound("not_found")
    if row.state != "held":
        raise Invalid("not_held")
    runs.set_state(connection, revision, "rejected")
    audit.record(connection, actor, "reject", revision, reason, run=row.run_id)


def decide_dose(
    house: House, connection: Connection, session_id: str, reading: str | None, actor: Actor, reason: str
) -> None:
    """Say which reading of the processed plasma counts for a session; None takes the word back.

    Raises:
        NotFound: `no_such_session`.
        Invalid: `no_such_reading`: that session has no such reading.
    """
    row = sessions.session_row(connection, session_id)
    dose = doses.current(connection, row.id, METHOD)
    seen = {
        name: getattr(dose, f"{name}_ml", None) for name in ("reported", "cycles", "counter", "integrated")
    }
    if reading is not None and seen.get(reading) is None:
        raise Invalid("no_such_reading")
    decision = {
        "reading": reading, "by": actor.name, "reason": reason, "at": house.now().isoformat(),
        "readings": {k: None if v is None else str(v) for k, v in seen.items()},
    }  # fmt: skip
    sessions.set_decision(connection, row.id, decision if reading else None)
    audit.record(connection, actor, "decide-dose", row.id, reason, reading=reading)
    redose(house, connection, row.id, "decision")
    recourse(house, connection, (row.patient_id,))


def declare_pair(
    house: House,
    connection: Connection,
    first: str,
    second: str,
    actor: Actor,
    reason: str,
    *,
    together: bool,
) -> list[str]:
    """Say whether two runs are one treatment; return the sessions that this makes.

    Raises:
        NotFound: one of the runs does not exist.
        Invalid: `pair_of_one`: it is one run; `pair_of_two_patients`: their sessions belong to different persons.
    """
    found = [runs.stored_run(connection, key) for key in (first, second)]
    if None in found:
        raise NotFound("not_found")
    if first == second:
        raise Invalid("pair_of_one")
    owners = neighbours.owners(connection, [f.session_id for f in found if f and f.session_id])
    if together and len(set(owners.values())) > 1:
        raise Invalid("pair_of_two_patients")
    key = sessions.add_pair(connection, first, second, actor.name, reason, house.now(), together=together)
    audit.record(connection, actor, "pair", key, reason, first=first, second=second, together=together)
    return give_meaning(house, connection, (first, second), {}, "decision")


def merge(house: House, connection: Connection, patient: str, into: str, actor: Actor, reason: str) -> None:
    """Two persons on file are one: `patient` answers as `into` from now on. Undone by `part`.

    Raises:
        NotFound: `no_such_patient`.
        Invalid: `merge_self`: both are the same already; `merged_already`: this entry stands for nobody any more.
    """
    into = patients.survivor(connection, into)
    if patients.survivor(connection, patient) == into:
        raise Invalid("merge_self")
    if patients.require(connection, patient).merged_into is not None:
        raise Invalid("merged_already")
    patients.set_merged(connection, patient, into)
    audit.record(connection, actor, "merge", patient, reason, into=into)
    sessions.move_patient(connection, patient, into)
    theirs = redose_patient(house, connection, into, "merge")
    follow(house, connection, columns.serials_of_sessions(connection, theirs), "merge")
    link_waiting(house, connection)


def part(house: House, connection: Connection, patient: str, actor: Actor, reason: str) -> None:
    """Undo a merge: every session goes back to the entry that its newest link names.

    Raises:
        NotFound: `no_such_patient`.
        Invalid: `not_merged`.
    """
    row = patients.require(connection, patient)
    if row.merged_into is None:
        raise Invalid("not_merged")
    patients.set_merged(connection, patient, None)
    audit.record(connection, actor, "part", patient, reason, into=row.merged_into)
    sessions.restore_patient(connection, patient, patients.merged_group(connection, patient))
    theirs = [
        s for one in (patient, row.merged_into) for s in redose_patient(house, connection, one, "merge")
    ]
    follow(house, connection, columns.serials_of_sessions(connection, theirs), "merge")


def _run_of(connection: Connection, revision: str) -> str:
    row = runs.revision_row(connection, revision)
    if row is None:
        raise NotFound("not_found")
    return str(row.run_id)
