"""What may be seen of a person: everything, or a pseudonym and nothing that leads back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HIDDEN = "***"
_SHORTEST = 3
_KEPT = 1000
_LONGEST_LINE = 400
_DATE_FORMS = (
    "%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%d%m%Y",
    "%y%m%d", "%d%m%y",
)  # fmt: skip
# Kinds of events whose text is the machine's own vocabulary; all others may hold what a person typed.
_MACHINE_WORDS = frozenset({"setting", "phase", "state", "mode", "operation"})
# Lines on which a machine or a person may have written who it is.
_PERSONAL = re.compile(
    r"patient|pat\.|\bpid\b|\bname|vorname|nachname|geb|birth|\bdob\b|fallnr|fallnummer|case.?n|adresse|address|"
    r"\bmrn\b|kommentar|comment|notiz|\bnote|bemerk",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class View:
    """How a reader sees persons.

    Attributes:
        pseudonym: makes a pseudonym of a patient's id; None: this reader may see who it is.
    """

    pseudonym: Callable[[str], str] | None = None
    _masks: dict[tuple[str, ...], re.Pattern[str] | None] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def identified(self) -> bool:
        """Tell whether names and identifiers may be shown."""
        return self.pseudonym is None

    def patient(self, patient_id: str | None) -> str | None:
        """Return a patient as this reader may see it."""
        if patient_id is None or self.pseudonym is None:
            return patient_id
        return self.pseudonym(patient_id)

    def text(self, text: str, words: Sequence[str]) -> str:
        """Return machine text with everything masked that identifies the patient.

        Args:
            text: as printed.
            words: texts known to identify the patient; dates in ISO form.
        """
        if self.pseudonym is None:
            return text
        key = tuple(words)
        if key not in self._masks:
            if len(self._masks) >= _KEPT:
                self._masks.clear()
            self._masks[key] = _mask(words)
        pattern = self._masks[key]
        return pattern.sub(HIDDEN, text) if pattern else text

    def event(self, kind: str, text: str, words: Sequence[str]) -> str | None:
        """Return the text of an event; None where it may be a person's own words."""
        if self.identified or kind in _MACHINE_WORDS:
            return self.text(text, words)
        return None

    def line(self, text: str, words: Sequence[str]) -> str:
        """Return a raw line; hidden as a whole where it may name a person in words nobody knows of."""
        if self.pseudonym is None:
            return text
        if len(text) > _LONGEST_LINE or _PERSONAL.search(text):
            return HIDDEN
        return self.text(text, words)


def _mask(words: Sequence[str]) -> re.Pattern[str] | None:
    found: set[str] = set()
    for word in words:
        found |= _forms(word)
    longest_first = sorted((w for w in found if len(w) >= _SHORTEST), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if longest_first else None


def _forms(word: str) -> set[str]:
    """Return the spellings under which a text may turn up elsewhere: whole, in pieces, without leading zeros."""
    try:
        day = date.fromisoformat(word)
    except ValueError:
        pieces = re.split(r"[\W_]+", word)
        plain = {word.strip(), *pieces}
        return plain | {p.lstrip("0") for p in plain}
    return {day.strftime(form) for form in _DATE_FORMS} | {f"{day.day}.{day.month}.{day.year}"}
