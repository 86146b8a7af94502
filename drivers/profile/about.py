"""What a profile reads, told to a person in German and English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.quantity import CHANNELS, FACTS, TOTALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.profile.problems import Keys
    from drivers.profile.spec import Block, Layout

TONGUES = ("de", "en")
_ROWS = {
    "samples": {"de": "Messwerte", "en": "samples"},
    "phases": {"de": "Phasen der Säulen", "en": "phases of the columns"},
    "alarms": {"de": "Alarme", "en": "alarms"},
    "events": {"de": "Ereignisse und Einstellungen", "en": "events and settings"},
    "columns": {"de": "Säulen", "en": "columns"},
    "totals": {"de": "Summen des Geräts", "en": "the machine's sums"},
    "header": {"de": "Kopf der Behandlung", "en": "header of the treatment"},
    "runs": {"de": "eine Behandlung je Zeile", "en": "one treatment a row"},
}
_LEFT = {
    "de": "Was das Profil nicht nennt; es wird gemeldet, nie still übergangen.",
    "en": "What the profile does not name; it is reported, never passed over in silence.",
}


def check_told(keys: Keys, key: str) -> None:
    """Complain about a title or source that is neither a text nor one text a language."""
    value = keys.raw(key)
    texts = list(value.values()) if isinstance(value, dict) else [value]
    tongues = set(value) <= set(TONGUES) if isinstance(value, dict) else True
    if value is not None and not (tongues and texts and all(isinstance(text, str) for text in texts)):
        keys.complain(key, f"expected a text, or {{ de = ..., en = ... }}, got {value!r}")


def about(data: dict[str, Any], layouts: Sequence[Layout]) -> dict[str, dict[str, str]]:
    """Return title, source, what is read and what is left, by language.

    Args:
        data: the profile's own keys.
        layouts: its versions and variants.
    """
    blocks = {block.name: block for layout in layouts for block in layout.blocks}
    return {
        tongue: {
            "title": _told(data.get("title"), tongue) or layouts[0].name,
            "source": _told(data.get("source"), tongue),
            "reads": "; ".join(_block(block, tongue) for block in blocks.values()),
            "leaves": _LEFT[tongue],
        }
        for tongue in TONGUES
    }


def _told(value: object, tongue: str) -> str:
    if isinstance(value, dict):
        return str(value.get(tongue) or next(iter(value.values()), ""))
    return str(value or "")


def _block(block: Block, tongue: str) -> str:
    known = {**CHANNELS, **TOTALS, **FACTS}
    named = [getattr(known[name], tongue) for name in block.fields if name in known]
    rows = _ROWS[block.rows][tongue]
    return f"{rows} ({', '.join(named)})" if named else rows
