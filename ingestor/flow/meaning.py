"""What follows from a changed run: its session, the patient, the doses and the courses, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.flow.dosing import recourse, redose
from ingestor.flow.grouping import regroup, span
from ingestor.flow.linking import link_by_identifier
from ingestor.store import runs, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from ingestor.flow.house import House


def give_meaning(house: House, connection: Connection, run_keys: Iterable[str], cause: str) -> list[str]:
    """Group, link and dose everything that changed runs touch; return the sessions that stand."""
    touched: dict[str, None] = {}
    for run_key in run_keys:
        touched |= dict.fromkeys(regroup(house, connection, *span(connection, run_key)))
        known = runs.stored_run(connection, run_key)
        if known is not None and known.session_id:
            touched[known.session_id] = None
    live = [s for s in touched if runs.runs_of(connection, s)]
    for session_id in live:
        link_by_identifier(house, connection, session_id)
        redose(house, connection, session_id, cause)
    recourse(house, connection, [sessions.session_row(connection, s).patient_id for s in live])
    return live
