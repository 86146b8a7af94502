"""`apherelog reprocess`: read archived files again, report what would change, switch once approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import Front, pass_front

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestor.flow.house import House
    from ingestor.store.plans import Scope


@click.command()
@click.option("--driver", help="Only what this driver has read.")
@click.option("--dry-run", is_flag=True, help="Report and keep nothing.")
@click.option("--approve", metavar="ID", help="Carry out a plan that was reported.")
@click.option("--reason", default="", help="Why it is approved; kept in the audit chain.")
@pass_front
def reprocess(front: Front, driver: str | None, approve: str | None, reason: str, *, dry_run: bool) -> None:
    """Read archived files again with the present drivers and settings.

    What is served stays as it is. The report names every session that would change, the figures and by how much,
    and the id of the plan; `--approve ID` carries it out, one session at a time. Interrupted, it is carried on by
    the same command.
    """
    from ingestor.flow import reprocess as flow
    from ingestor.store.plans import Scope

    scope = Scope(driver)
    with front.house() as house:
        if dry_run:
            _rehearse(front, house, scope)
            return
        if approve:
            flow.approve(house, approve, front.actor(), reason)
        key = approve or flow.propose(house, scope, front.actor())
        show(front, house, key)


def _rehearse(front: Front, house: House, scope: Scope) -> None:
    from dataclasses import asdict

    from ingestor.flow.reprocess import rehearse

    found = [asdict(item) for item in rehearse(house, scope)]
    _report(front, {"plan": None, "state": "dry-run"}, found)


def show(front: Front, house: House, key: str) -> None:
    """Report a plan."""
    from ingestor.store import plans

    with house.db.read() as connection:
        row = plans.require(connection, key)
        found = [dict(item._mapping) for item in plans.items(connection, key)]
    _report(front, {"plan": key, "state": row.state, "driver": row.driver, "unchanged": row.unchanged}, found)
    if row.state == "ready" and found:
        front.tell(f"Nothing has changed yet. To carry it out: apherelog reprocess --approve {key}")


def _report(front: Front, head: dict[str, Any], items: Iterable[dict[str, Any]]) -> None:
    found = list(items)
    changes = [change for item in found for change in item["changes"]]
    document = head | {
        "sessions": changes,
        "changed": sum(item["kind"] in {"changed", "dose"} for item in found),
        "same_values": sum(item["kind"] == "stamp" for item in found),
        "newly_readable": [item["unit"] for item in found if item["kind"] == "new"],
        "unreadable": [trouble for item in found for trouble in item["troubles"]],
        "stale": sum(item.get("state") == "stale" for item in found),
    }  # fmt: skip
    lines = [_line(change) for change in changes]
    lines += [f"{t['source'][:12]}  cannot be read any more: {t['code']}" for t in document["unreadable"]]
    lines.append(
        f"{document['changed']} change, {document['same_values']} keep their values, "
        f"{len(document['newly_readable'])} refused files can be read now. Plan: {head['plan'] or '–'} ({head['state']})"
    )
    front.emit(document, "\n".join(lines))


def _line(change: dict[str, Any]) -> str:
    parts = [f"{name} {_pair(*values)}" for name, values in change["fields"].items()]
    where = f"{change['session']}  {change['started_local']}  {change['device_serial']}"
    return f"{where}  {change['kind']}: {', '.join(parts)}"


def _pair(old: Any, new: Any) -> str:  # noqa: ANN401 - whatever a column holds
    numbers = isinstance(old, int | float) and isinstance(new, int | float) and not isinstance(old, bool)
    share = f" ({(new - old) / old:+.1%})" if numbers and old else ""
    return f"{old} → {new}{share}"
