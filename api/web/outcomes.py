"""What became of a submission, as one row: what happened, what it means, what to do now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.web.wording import text
from ingestor.model import Status
from ingestor.store.answers import worklist

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from api.web.door import Visit

_KINDS = {
    "stored": "good",
    "superseded": "good",
    "refused": "bad",
    "held": "warn",
    "waiting": "warn",
    "preview": "warn",
}
_SHOWN_FINDINGS = 50


@dataclass(frozen=True, slots=True)
class Action:
    """The next step, as a link."""

    address: str
    label: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row. `reference` is what a person names when asking for help."""

    id: str
    status: str
    kind: str
    names: list[str]
    at: datetime
    reference: str
    happened: str
    means: str
    todo: str
    action: Action | None
    findings: list[dict[str, Any]]


def shown(visit: Visit, connection: Connection, rows: list[dict[str, Any]]) -> list[Outcome]:
    """Return submissions, as `answers.uploads` gives them, for people to read."""
    keys = {key for row in rows for key in ((row["receipt"] or {}).get("sessions") or [])[:2]}
    wanted = worklist.Wanted(ids=sorted(keys))
    linked = {
        one["id"]: one["patient_id"] is not None
        for one in worklist.sessions(connection, visit.caller.centre, wanted, limit=len(keys) or 1)
    }
    return [_row(visit.language, row, linked) for row in rows]


def _row(language: str, row: dict[str, Any], linked: dict[str, bool]) -> Outcome:
    receipt = row["receipt"] or {}
    status, code = row["status"], row["code"] or row["status"]
    parts = (receipt.get("parts") or {}).get(language) or {
        "happened": text("upload.is_queued", language),
        "means": text("upload.queued_means", language),
        "todo": text("upload.queued_todo", language),
    }
    return Outcome(
        row["id"], status, _kind(status, code), [member["name"] for member in row["members"]], row["at"],
        f"{code}-{row['id'].removeprefix('sub-')[:6]}", parts["happened"], parts["means"], parts["todo"],
        _action(language, status, receipt.get("sessions") or [], linked), _findings(language, receipt),
    )  # fmt: skip


def _kind(status: str, code: str) -> str:
    return "warn" if code == "stored_partial" else _KINDS.get(status, "")


def _findings(language: str, receipt: dict[str, Any]) -> list[dict[str, Any]]:
    found = (receipt.get("findings") or [])[:_SHOWN_FINDINGS]
    return [{"code": one["code"], "line": one["line"], "text": one["text"][language]} for one in found]


def _action(language: str, status: str, sessions: list[str], linked: dict[str, bool]) -> Action | None:
    here = [key for key in sessions if key in linked]
    if not here or status == Status.PREVIEW.value:
        return None
    if len(sessions) > 1:
        return Action("/sessions", text("upload.open_sessions", language))
    address = f"/sessions/{here[0]}"
    if linked[here[0]]:
        return Action(address, text("upload.open_session", language))
    return Action(f"{address}#patient", text("upload.choose_patient", language))
