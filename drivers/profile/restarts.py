"""A treatment that was cut by a power failure and goes on under the same number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.profile.raw import Raw

_AGAIN = {"date", "started", "ended"}


def joined(raws: list[Raw]) -> list[Raw]:
    """Join the parts of each treatment: same number, same machine, and no end before the new beginning."""
    out: list[Raw] = []
    for raw in raws:
        if out and _goes_on(out[-1], raw):
            _join(out[-1], raw)
        else:
            out.append(raw)
    return out


def _goes_on(before: Raw, raw: Raw) -> bool:
    identity = [_identity(before), _identity(raw)]
    return before.end is None and before.broken is None and identity[0] == identity[1] and any(identity[0])


def _identity(raw: Raw) -> tuple[str, ...]:
    texts: dict[str, str] = {}
    for one in raw.header:
        texts.setdefault(one.name, one.text)
    return tuple(texts.get(name, "") for name in ("run_id", "serial"))


def _join(before: Raw, raw: Raw) -> None:
    before.restarts.append(raw.line)
    before.header += [one for one in raw.header if one.name not in _AGAIN]
    before.totals += raw.totals
    for name, rows in raw.rows.items():
        before.rows.setdefault(name, []).extend(rows)
    before.samples += raw.samples
    before.notes.add(raw.notes)
    before.notes.find("went_on", raw.line)
    before.end, before.last_line, before.broken = raw.end, raw.last_line, raw.broken
    before.cut |= raw.cut
    before.gaps |= raw.gaps
    before.hold = before.hold or raw.hold


def add_companion(raw: Raw, companion: Raw) -> None:
    """Add what a second file of the same bundle says of the treatment."""
    for name, rows in companion.rows.items():
        raw.rows.setdefault(name, []).extend(rows)
    raw.header += companion.header
    raw.totals += companion.totals
    raw.samples += companion.samples
    raw.notes.add(companion.notes)
    raw.cut |= companion.cut
    raw.gaps |= companion.gaps
    raw.hold = raw.hold or companion.hold
    raw.broken = raw.broken or companion.broken
