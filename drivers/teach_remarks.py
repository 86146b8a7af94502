"""How a draft speaks: its remarks in German or English, the mark of a guess, and values that may be shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAID = {
    "head": {
        "de": "Entwurf, aus {file} abgeleitet. Jede Zeile mit RATE ist geraten: mit dem Handbuch und dem Bildschirm des\n# Geräts vergleichen, berichtigen, dann das Wort RATE löschen. Solange „template = true“ dasteht, liest dieses\n# Profil nichts. Prüfen: apherelog drivers check DATEI",
        "en": "Draft, derived from {file}. Every line with GUESS is guessed: compare with the manual and the machine's\n# screen, correct it, then delete the word GUESS. As long as `template = true` stands here this profile reads\n# nothing. To try it: apherelog drivers check FILE",
    },
    "guess": {"de": "RATE", "en": "GUESS"},
    "remove": {"de": "erst löschen, wenn alles bestätigt ist", "en": "remove only when everything is confirmed"},
    "unit": {"de": "Einheit steht nicht in der Datei", "en": "the unit is not printed"},
    "like": {"de": "z. B.", "en": "such as"},
    "unread": {"de": "wird nicht gelesen", "en": "is not read"},
    "again": {"de": "schon vergeben", "en": "taken already"},
    "role": {"de": "adsorber, separator oder combined", "en": "adsorber, separator or combined"},
    "columns": {"de": "regenerable oder single-use", "en": "regenerable or single-use"},
    "cycles": {"de": "zählt das Gerät Beladungen (load) oder Paare (pair)?", "en": "does the machine count loads (load) or pairs (pair)?"},
    "code": {"de": "jeder Ein-Byte-Code wäre möglich", "en": "any one-byte code would do"},
    "decimal": {"de": "so in den meisten Zahlen", "en": "so in most numbers"},
    "order": {"de": "Tag und Monat könnten vertauscht sein", "en": "day and month could be the other way round"},
    "whole": {"de": "nichts in der Datei beweist, dass sie vollständig ist", "en": "nothing in the file proves that it is whole"},
    "serial": {"de": "keine Seriennummer gefunden; ohne sie ist kein Gerät zu erkennen", "en": "no serial number found; without one no machine can be told"},
    "alarm": {"de": "Art aus dem Alarmkatalog eintragen", "en": "enter the kind from the catalogue of alarms"},
    "tagged": {"de": "jedes „-“ durch den Namen des Feldes ersetzen", "en": "replace every “-” by the field's name"},
}  # fmt: skip
# Shown as examples: short numbers and times of day. Longer numbers, dates and texts may point to a person.
_HARMLESS = re.compile(r"[+-]?[0-9]{1,5}(?:[.,][0-9]{1,6})?|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")


def quoted(text: str) -> str:
    """Return a TOML string."""
    return json.dumps(text, ensure_ascii=False)


class Remarks:
    """Marks guesses and counts them; `unread` is what nobody could place."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.guesses = 0
        self.unread: list[str] = []

    def say(self, key: str, **values: str) -> str:
        """Return one of the remarks in the chosen language."""
        return _SAID[key][self.language].format(**values)

    def guess(self, why: str = "") -> str:
        """Return the mark of a guess."""
        self.guesses += 1
        return f"  # {self.say('guess')}: {why}" if why else f"  # {self.say('guess')}"

    def leave(self, what: str) -> str:
        """Note something that is not read, and return the remark for it."""
        self.unread.append(what)
        return self.say("unread")

    def like(self, cells: Sequence[str]) -> str:
        """Return a few values, where they can point to nobody."""
        shown = [cell for cell in dict.fromkeys(cells) if _HARMLESS.fullmatch(cell)][:3]
        return f"{self.say('like')} {'  '.join(shown)}" if shown else ""
