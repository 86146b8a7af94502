"""What a profile reads, told to a person in German and English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.quantity import CHANNELS, FACTS, TOTALS

if TYPE_CHECKING:
    from drivers.profile.spec import Block, Profile

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


def about(profile: Profile) -> dict[str, dict[str, str]]:
    """Return title, source, what is read and what is left, by language."""
    blocks = {block.name: block for layout in profile.layouts for block in layout.blocks}
    return {
        language: {
            "title": profile.title,
            "source": profile.source,
            "reads": "; ".join(_block(block, language) for block in blocks.values()),
            "leaves": _LEFT[language],
        }
        for language in ("de", "en")
    }


def _block(block: Block, language: str) -> str:
    known = {**CHANNELS, **TOTALS, **FACTS}
    named = [getattr(known[name], language) for name in block.fields if name in known]
    rows = _ROWS[block.rows][language]
    return f"{rows} ({', '.join(named)})" if named else rows
