"""The audit chain: every change, who made it, and a hash over all that came before.

An entry is written in the transaction of the change itself: if it cannot be written, the change is not made.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from ingestor.store.tables import audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: an account, or a system user on the machine itself, in a role."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be recorded; see `record`."""

    actor: Actor
    action: str
    target: str
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(
    connection: Connection,
    actor: Actor,
    action: str,
    target: str,
    reason: str = "",
    **detail: Any,  # noqa: ANN401
) -> int:
    """Append one entry and return its number.

    Args:
        connection: the writing transaction of the change.
        actor: who makes the change.
        action: verb, for example `link`.
        target: id of the thing changed. Never a name or an identifier of a person.
        reason: what the person gave as reason.
        detail: further JSON values; internal ids only.
    """
    return record_all(connection, [Deed(actor, action, target, reason, detail)])


def record_all(connection: Connection, deeds: Sequence[Deed]) -> int:
    """Append one entry for each of several deeds of one transaction; return the number of the last."""
    key = connection.get_execution_options().get("audit_key", b"")
    seq, previous = head(connection) or (0, GENESIS)
    at = datetime.now(UTC).replace(microsecond=0)
    entries: list[dict[str, Any]] = []
    for number, deed in enumerate(deeds, start=seq + 1):
        entry: dict[str, Any] = {
            "seq": number, "at": at, "actor": deed.actor.name, "role": deed.actor.role, "action": deed.action,
            "object": deed.target, "reason": deed.reason, "detail": dict(deed.detail), "previous": previous,
        }  # fmt: skip
        previous = entry["hash"] = chained(entry, key)
        entries.append(entry)
    if entries:
        connection.execute(insert(audit), entries)
    return int(seq + len(entries))


def chained(entry: dict[str, Any], key: bytes) -> str:
    """Return the hash of an entry: HMAC-SHA256 over the previous hash and the canonical JSON of the rest."""
    body = {k: v for k, v in entry.items() if k != "hash"}
    body["at"] = body["at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hmac.new(key or b"apherelog", canonical.encode(), hashlib.sha256).hexdigest()


def head(connection: Connection) -> tuple[int, str] | None:
    """Return number and hash of the newest entry; None where there is none."""
    row = connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    return (int(row.seq), str(row.hash)) if row else None


def hash_of(connection: Connection, seq: int) -> str | None:
    """Return the hash of an entry; None where there is no such entry."""
    found = connection.execute(select(audit.c.hash).where(audit.c.seq == seq)).scalar()
    return None if found is None else str(found)


def newest(
    connection: Connection, before: int | None = None, limit: int = 100, **equal: str
) -> list[dict[str, Any]]:
    """Return entries, newest first.

    Args:
        connection: reads.
        before: only entries with a lower number.
        limit: at most so many.
        equal: `actor`, `action` or `object` -> what stands there.
    """
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    for name, value in equal.items():
        query = query.where(audit.c[name] == value)
    return [dict(row._mapping) for row in connection.execute(query)]


def actions(connection: Connection) -> list[str]:
    """Return every kind of action that was ever recorded."""
    return list(connection.execute(select(audit.c.action).distinct().order_by(audit.c.action)).scalars())


def entries(connection: Connection, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the chain in order, from the entry after number `after`."""
    query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    for row in connection.execute(query):
        yield dict(row._mapping)


def first_bad(connection: Connection, newest: int | None = None) -> int | None:
    """Return the number of the first entry that does not fit the chain, or None if all do.

    Args:
        connection: reads.
        newest: look at so many of the newest entries only; all by default.
    """
    key = connection.get_execution_options().get("audit_key", b"")
    last = connection.execute(select(func.max(audit.c.seq))).scalar() or 0
    before = 0 if newest is None else max(0, last - newest)
    previous = connection.execute(select(audit.c.hash).where(audit.c.seq == before)).scalar() or GENESIS
    for number, entry in enumerate(entries(connection, before), start=before + 1):
        if entry["seq"] != number or entry["previous"] != previous or chained(entry, key) != entry["hash"]:
            return number
        previous = entry["hash"]
    return None
