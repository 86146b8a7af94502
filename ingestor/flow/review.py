"""What is to be said of every file that came in, as things stand now: damage, doubts, patients that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.flow.identifying import why_nobody
from ingestor.meaning.pairs import QUESTIONS
from ingestor.meaning.policy import METHOD
from ingestor.model import Status
from ingestor.store import doses, sessions
from ingestor.store.answers import trays, uploads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.flow.house import House

# Doubts about a dose that come from its files; others are about the site.
_DOUBTS = QUESTIONS | {"readings_withheld", "readings_disagree", "separator_only", "integrated_with_gaps"}


def review(
    house: House, statuses: Sequence[str] = (), since: datetime | None = None, *, odd: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield one document a submission, in order of arrival.

    Its `remarks` are the codes of everything that is not as it should be, each once: what became of the file if it
    was not simply stored, what its driver found, why a session has no patient, what is doubtful about its dose.

    Args:
        house: the open house.
        statuses: only submissions with one of these; all if empty.
        since: only those that came at this moment or later.
        odd: only those with remarks.
    """
    after = None
    while True:
        with house.db.read() as connection:
            rows = uploads.oldest(connection, house.centre, statuses, since, after)
            found = [_about(house, connection, row) for row in rows]
        yield from (one for one in found if one["remarks"] or not odd)
        if len(rows) < uploads.PAGE:
            return
        after = (rows[-1]["at"], rows[-1]["id"])


def _about(house: House, connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    receipt = row["receipt"]
    found = [_session(house, connection, key) for key in receipt["sessions"]]
    codes = [*_outcome(receipt), *(f["code"] for f in receipt["findings"] if _is_odd(f))]
    for one in found:
        codes += [one["unlinked"]] if one["unlinked"] else []
        codes += [reason for reason in one["status_reasons"] if reason in _DOUBTS]
    kept = ("submission", "source", "status", "code", "message", "findings")
    return {
        **{name: receipt[name] for name in kept},
        "at": row["at"].isoformat(),
        "way": row["way"],
        "members": [m["name"] for m in receipt["members"]],
        "sessions": found,
        "remarks": list(dict.fromkeys(codes)),
    }


def _outcome(receipt: dict[str, Any]) -> list[str]:
    """Why a file was not simply stored; of several treatments in one, the statuses of those that were not."""
    if receipt["code"] == "many":
        return sorted(set(receipt["run_statuses"]) - {Status.STORED.value})
    stored = receipt["status"] == Status.STORED.value and receipt["code"] != "stored_partial"
    return [] if stored else [receipt["code"]]


def _is_odd(finding: dict[str, Any]) -> bool:
    return finding["severity"] != "info" or finding["code"] in trays.UNSEEN


def _session(house: House, connection: Connection, key: str) -> dict[str, Any]:
    """A session as it is now: the one that took it, if it was joined to another."""
    row = sessions.session_row(connection, key)
    while row.joined_into is not None:
        row = sessions.session_row(connection, row.joined_into)
    dose = doses.current(connection, row.id, METHOD)
    return {
        "session": row.id,
        "unlinked": why_nobody(house, connection, row.id),
        "status": None if dose is None else dose.status,
        "status_reasons": [] if dose is None else list(dose.status_reasons),
    }
