"""`apherelog devices`: machines and their clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import Front, pass_front

if TYPE_CHECKING:
    from ingestor.flow.house import House

_REASON = click.option("--reason", required=True, help="Why; it is kept for ever.")


@click.group()
def devices() -> None:
    """List machines and correct what is known of their clocks.

    A correction never changes what a machine printed. It changes which instant a printed time stands for; the times
    and doses of the machine's runs follow, and everything is as before once the correction is taken back.
    """


@devices.command("list")
@pass_front
def list_(front: Front) -> None:
    """List machines with their zone and the ledger of their clocks."""
    from ingestor.store.answers import machines

    with front.house() as house, house.db.read() as connection:
        for row in machines.machines(connection, house.centre):
            ledger = machines.ledger(connection, row["id"])
            front.emit(row | {"ledger": ledger}, _line(row, ledger))


def _line(row: dict[str, Any], ledger: list[dict[str, Any]]) -> str:
    lines = [f"{row['id']}  {row['model']} {row['serial']}  {row['zone'] or '–'}  {row['runs']} runs"]
    lines += [
        f"    {e['id']}  {e['seconds']:+d} s  {e['valid_from'] or '…'} – {e['valid_to'] or '…'}  {e['reason']}"
        + ("  (revoked)" if e["revoked_at"] else "")
        for e in ledger
    ]
    return "\n".join(lines)


@devices.command()
@click.argument("device")
@click.argument("zone", metavar="ZONE|-")
@_REASON
@pass_front
def zone(front: Front, device: str, zone: str, reason: str) -> None:
    """Say in which time zone a machine's clock runs, for example Europe/Vienna; - takes it back."""
    from ingestor.flow import clocks

    with front.house() as house:
        with house.db.write() as connection:
            chosen = None if zone == "-" else zone
            clocks.set_zone(house, connection, device, chosen, front.actor(), reason)
        _follow(front, house, {"device": device, "zone": chosen})


@devices.command(context_settings={"ignore_unknown_options": True})
@click.argument("device")
@click.argument("seconds", type=int)
@click.option(
    "--from", "start", metavar="TIME", help="From this time on the machine's own clock; open if not given."
)
@click.option("--to", "end", metavar="TIME", help="Until this time on the machine's own clock.")
@_REASON
@pass_front
def offset(front: Front, device: str, seconds: int, start: str | None, end: str | None, reason: str) -> None:
    """Write down that a machine's clock was SECONDS ahead of the true time; negative: behind."""
    from ingestor.flow import clocks

    with front.house() as house:
        with house.db.write() as connection:
            zone = _zone(house, device)
            span = (_instant(start, zone), _instant(end, zone))
            key = clocks.add_offset(house, connection, device, seconds, span, front.actor(), reason)
        _follow(front, house, {"device": device, "offset": key, "seconds": seconds})


@devices.command("revoke-offset")
@click.argument("offset")
@_REASON
@pass_front
def revoke_offset(front: Front, offset: str, reason: str) -> None:
    """Take an entry of the ledger back."""
    from ingestor.flow import clocks

    with front.house() as house:
        with house.db.write() as connection:
            clocks.revoke_offset(house, connection, offset, front.actor(), reason)
        _follow(front, house, {"offset": offset, "revoked": True})


def _zone(house: House, device: str) -> str:
    from ingestor.store import places

    with house.db.read() as connection:
        return places.require_device(connection, device).zone or house.settings.zone


def _instant(text: str | None, zone: str) -> datetime | None:
    from zoneinfo import ZoneInfo

    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"expected an ISO time, got '{text}'") from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _follow(front: Front, house: House, done: dict[str, Any]) -> None:
    """Let the times of the machine's runs follow, and tell what changed."""
    from ingestor.flow import clocks
    from ingestor.store import plans

    changes: list[dict[str, Any]] = []
    for key in clocks.carry_out(house):
        with house.db.read() as connection:
            changes += [c for item in plans.items(connection, key) for c in item.changes]
    lines = [
        f"{c['session']}  {' → '.join(str(t) for t in c['fields']['started_at'])}"
        for c in changes
        if "started_at" in c["fields"]
    ]
    front.emit(done | {"sessions": changes}, "\n".join([*lines, f"{len(changes)} sessions follow."]))
