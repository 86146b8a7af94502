"""Whose session is it? An exact match links; everything else is shown to a person with its reason."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

# A session this close to another one of the same patient may belong to his course.
NEAR = timedelta(days=14)
_WEIGHT = {
    "candidate_same_number": 100, "candidate_same_column": 60, "candidate_typing_slip": 50,
    "candidate_expired_number": 40, "candidate_same_course": 10,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """An identifier of a patient; `value` as typed, valid between the two instants (None is open)."""

    patient: str
    system: str
    value: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The answer to *who is it*: a patient, or the code why nobody was linked."""

    patient: str | None
    code: str
    system: str | None = None


@dataclass(frozen=True, slots=True)
class PastSession:
    """A linked session that may hint at whose this one is."""

    patient: str
    session: str
    started: datetime
    columns: tuple[tuple[str, bool | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient who may be meant, with every reason: (code, detail to show)."""

    patient: str
    score: int
    reasons: tuple[tuple[str, str], ...]


def normalise_identifier(text: str, rule: str) -> str:
    """Return an identifier in the form in which it is compared; rule: exact, strip-zeros or alnum.

    `strip-zeros` drops blanks and leading zeros, `alnum` every sign that is neither letter nor digit too; both
    take capitals and full-width letters for what they stand for.
    """
    if rule == "exact":
        return text.strip()
    plain, before = text, ""
    while plain != before:
        before = plain
        plain = "".join(unicodedata.normalize("NFKC", plain).casefold().split())
        if rule == "alnum":
            plain = "".join(c for c in plain if c.isalnum())
    return plain.lstrip("0") or plain[-1:]


def match(
    printed: str | None, at: datetime, known: Sequence[Known], rule: str, machine_serials: Sequence[str] = ()
) -> Match:
    """Return the one patient whose identifier is exactly what was printed, at the session's time."""
    text = normalise_identifier(printed, rule) if printed else ""
    if not text:
        return Match(None, "no_patient_printed")
    if text in {normalise_identifier(serial, rule) for serial in machine_serials}:
        return Match(None, "machine_number_printed")
    found = [k for k in known if normalise_identifier(k.value, rule) == text and _valid(k, at)]
    patients = {k.patient for k in found}
    if len(patients) > 1:
        return Match(None, "several_patients")
    if not patients:
        return Match(None, "unknown_identifier")
    return Match(found[0].patient, "exact_identifier", found[0].system)


def _valid(known: Known, at: datetime) -> bool:
    begun = known.valid_from is None or known.valid_from <= at
    return begun and (known.valid_to is None or at < known.valid_to)


def candidates(
    printed: str | None,
    at: datetime,
    known: Sequence[Known],
    past: Sequence[PastSession],
    rule: str,
    columns: Sequence[str] = (),
) -> tuple[Candidate, ...]:
    """Return who may be meant, best first. Nothing is ever linked by this."""
    reasons: dict[str, dict[str, str]] = {}
    for hint, patient, detail in (*_by_slip(printed, at, known, rule), *_by_past(at, past, columns)):
        reasons.setdefault(patient, {}).setdefault(hint, detail)
    ranked = [
        Candidate(patient, sum(_WEIGHT[hint] for hint in why), tuple(why.items()))
        for patient, why in reasons.items()
    ]
    return tuple(sorted(ranked, key=lambda c: (-c.score, c.patient)))


def _by_slip(
    printed: str | None, at: datetime, known: Sequence[Known], rule: str
) -> Iterator[tuple[str, str, str]]:
    text = normalise_identifier(printed, rule) if printed else ""
    for one in known if text else ():
        value = normalise_identifier(one.value, rule)
        if value == text:
            hint = "candidate_same_number" if _valid(one, at) else "candidate_expired_number"
            yield hint, one.patient, one.value
        elif is_one_slip(text, value):
            yield "candidate_typing_slip", one.patient, one.value


def _by_past(
    at: datetime, past: Sequence[PastSession], columns: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    mine = {serial for serial in columns if serial}
    for session in sorted(past, key=lambda p: (abs(p.started - at), p.session)):
        for serial, regenerable in session.columns:
            if serial in mine and regenerable is not False:
                yield "candidate_same_column", session.patient, serial
        if abs(session.started - at) <= NEAR:
            yield "candidate_same_course", session.patient, session.started.date().isoformat()


def is_one_slip(first: str, second: str) -> bool:
    """Tell whether two texts differ by one sign: added, left out, mistaken, or two neighbours swapped."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    same = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    a, b = first[same:], second[same:]
    swapped = len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
