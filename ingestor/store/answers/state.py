"""How the store is doing, in numbers without names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ingestor.store import site
from ingestor.store.tables import audit, dose, job, raw_file, session, source

if TYPE_CHECKING:
    from sqlalchemy import Connection


_ALWAYS = (
    "jobs_queued", "jobs_running", "jobs_failed", "doses_final", "doses_provisional", "doses_withheld", "doses_bench",
)  # fmt: skip


def numbers(connection: Connection, log_bytes: int = 0) -> dict[str, float]:
    """Return counts of what is stored and of what waits; `log_bytes` is the size of SQLite's write-ahead log."""
    found: dict[str, float] = {
        "sources": connection.execute(select(func.count()).select_from(source)).scalar_one(),
        "sessions": connection.execute(
            select(func.count()).select_from(session).where(session.c.joined_into.is_(None))
        ).scalar_one(),
        "sessions_without_patient": connection.execute(
            select(func.count())
            .select_from(session)
            .where(session.c.joined_into.is_(None), session.c.patient_id.is_(None))
        ).scalar_one(),
    }
    found["audit_entries"] = connection.execute(select(func.max(audit.c.seq))).scalar() or 0
    anchored = site.fact(connection, "audit_anchor")
    if anchored is not None:
        age = datetime.now(UTC) - datetime.fromisoformat(anchored["at"])
        found["audit_anchor_age_s"] = max(0.0, age.total_seconds())
    # What is none now must say so: a number once told would stand for ever.
    found |= dict.fromkeys(_ALWAYS, 0)
    jobs = select(job.c.state, func.count()).where(job.c.state != "done").group_by(job.c.state)
    found |= {f"jobs_{state}": count for state, count in connection.execute(jobs)}
    found |= {"write_ahead_log_bytes": float(log_bytes)}
    doses = select(dose.c.status, func.count()).where(dose.c.known_to.is_(None)).group_by(dose.c.status)
    return found | {f"doses_{status}": count for status, count in connection.execute(doses)}


def stored_bytes(connection: Connection, since: datetime | None) -> tuple[int, int]:
    """Return how many originals were stored since a moment, or ever, and how long they are together [B]."""
    query = select(func.count(), func.coalesce(func.sum(raw_file.c.bytes), 0))
    if since is not None:
        query = query.where(raw_file.c.stored_at >= since)
    row = connection.execute(query).one()
    return int(row[0]), int(row[1])
