"""What became of a submission, as one row: what happened, what it means, what to do now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.web.formats import Formats
from api.web.wording import text
from ingestor.model import Status
from ingestor.phrases import PARTS
from ingestor.store.answers import uploads, worklist

if TYPE_CHECKING:
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
    confirmable: bool
    clearable: bool
    findings: list[dict[str, Any]]


def shown(visit: Visit, connection: Connection, rows: list[dict[str, Any]]) -> list[Outcome]:
    """Return submissions, as `answers.uploads` gives them, for people to read."""
    keys = {key for row in rows for key in ((row["receipt"] or {}).get("sessions") or [])[:2]}
    wanted = worklist.Wanted(ids=sorted(keys))
    linked = {
        one["id"]: one["patient_id"] is not None
        for one in worklist.sessions(connection, visit.caller.centre, wanted, limit=len(keys) or 1)
    }
    again = uploads.seen_before(connection, [row["id"] for row in rows])
    return [_row(visit, row | {"again": row["id"] in again}, linked) for row in rows]


def _row(visit: Visit, row: dict[str, Any], linked: dict[str, bool]) -> Outcome:
    language = visit.language
    receipt = row["receipt"] or {}
    status = row["status"]
    code = status if status == Status.PREVIEW.value else row["code"] or status
    parts = _parts(visit, row, receipt)
    return Outcome(
        row["id"], status, _kind(status, code), row["names"] or [member["name"] for member in row["members"]], row["at"],
        f"{code}-{row['id'].removeprefix('sub-')[:6]}", parts["happened"], parts["means"], parts["todo"],
        _action(language, status, receipt.get("sessions") or [], linked),
        status == Status.PREVIEW.value and row["cleared_at"] is None,
        status == Status.REFUSED.value and row["cleared_at"] is None, _findings(language, receipt),
    )  # fmt: skip


def _parts(visit: Visit, row: dict[str, Any], receipt: dict[str, Any]) -> dict[str, str]:
    language = visit.language
    if row["status"] == Status.PREVIEW.value and row["cleared_at"] is not None:
        keys = ("upload.discarded", "upload.discarded_means", "upload.nothing_left")
    elif row["status"] == Status.PREVIEW.value and receipt.get("preview"):
        if row["again"]:
            keys = ("upload.preview_again", "upload.preview_again_means", "upload.preview_again_todo")
            return dict(zip(PARTS, (text(key, language) for key in keys), strict=True))
        return _understood(visit, receipt["preview"])
    elif receipt.get("parts"):
        return dict(receipt["parts"][language])
    else:
        keys = ("upload.is_queued", "upload.queued_means", "upload.queued_todo")
    return dict(zip(PARTS, (text(key, language) for key in keys), strict=True))


def _understood(visit: Visit, seen: list[dict[str, Any]]) -> dict[str, str]:
    """Say what would be saved."""
    language, first = visit.language, seen[0]
    formats = Formats(language, visit.house.settings.zone)
    started = first["started_local"]
    what = text(
        "upload.preview_one", language,
        when=formats.moment(datetime.fromisoformat(started) if started else None),
        plasma=_plasma(language, formats, first),
        cycles=text("upload.cycles_of", language, n=first.get("cycles_completed") or 0),
    )  # fmt: skip
    if len(seen) > 1:
        what = text("upload.preview_many", language, n=len(seen))
    if not all(one.get("complete", True) for one in seen):
        what = text("upload.preview_partial", language, what=what)
    typed = first["patient_printed"]
    known = "upload.preview_typed" if first["linked"] else "upload.preview_unknown"
    return {
        "happened": text("upload.preview_happened", language, what=what),
        "means": text(known if typed else "upload.preview_nothing", language, typed=typed),
        "todo": text("upload.preview_todo", language),
    }


def _plasma(language: str, formats: Formats, seen: dict[str, Any]) -> str:
    if seen["processed_plasma_ml"] is None and seen.get("status") == "withheld":
        return text("upload.preview_withheld", language)
    return formats.quantity(seen["processed_plasma_ml"], "mL")


def _kind(status: str, code: str) -> str:
    return "warn" if code == "stored_partial" else _KINDS.get(status, "")


def _findings(language: str, receipt: dict[str, Any]) -> list[dict[str, Any]]:
    found = (receipt.get("findings") or [])[:_SHOWN_FINDINGS]
    return [{"code": one["code"], "line": one["line"], "text": one["text"][language]} for one in found]


def _action(language: str, status: str, sessions: list[str], linked: dict[str, bool]) -> Action | None:
    if status in {Status.WAITING.value, Status.PREVIEW.value}:
        return None
    if status == Status.HELD.value:
        return Action("/trays/held", text("held.compare", language))
    here = [key for key in sessions if key in linked]
    if not here:
        return None
    if len(sessions) > 1:
        return Action("/sessions", text("upload.open_sessions", language))
    address = f"/sessions/{here[0]}"
    if linked[here[0]]:
        return Action(address, text("upload.open_session", language))
    return Action(f"{address}#patient", text("upload.choose_patient", language))
