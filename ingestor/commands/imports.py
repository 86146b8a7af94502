"""`apherelog imports`: what came in, and what is to be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import Front, language, pass_front
from ingestor.model import Status

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group()
def imports() -> None:
    """List what came in, and what became of it."""


@imports.command("list")
@click.option("--odd", is_flag=True, help="Only files of which there is something to say.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([s.value for s in Status]),
    help="May be repeated.",
)
@click.option("--since", help="Only what came on this day (or at this instant) or later; ISO.")
@pass_front
def list_(front: Front, statuses: Sequence[str], since: str | None, *, odd: bool) -> None:
    """List every file that came in, in order of arrival, one JSON object a line with --json.

    Remarks are told as things stand now: a file that was cut, a reading that is held, a session without a patient
    and why, readings that do not agree.
    """
    from ingestor.commands.patients import instant
    from ingestor.flow.review import review

    with front.house() as house:
        begin = instant(_moment(since), house.settings.zone) if since else None
        for one in review(house, statuses, begin, odd=odd):
            front.emit(one, _text(one))


def _moment(text: str) -> str:
    """A day alone means its first moment."""
    return text if len(text) > len("2024-03-18") else f"{text}T00:00"


def _text(one: dict[str, Any]) -> str:
    from ingestor.phrases import sentence

    spoken = language()
    lines = [f"{', '.join(one['members'])} – {one['message'][spoken]}"]
    lines += [
        f"  {f['member']}:{f['line']}  {f['text'][spoken]}"
        for f in one["findings"]
        if f["code"] in one["remarks"]
    ]
    told = {one["code"], *(f["code"] for f in one["findings"]), *(s.value for s in Status)}
    lines += [f"  {sentence(code, spoken)}" for code in one["remarks"] if code not in told]
    return "\n".join(lines)
