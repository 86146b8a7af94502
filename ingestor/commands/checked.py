"""What `drivers check` found, as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.commands.front import language

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = {
    "claims": {"de": "erkennt sie", "en": "claims it"},
    "declines": {"de": "lehnt ab", "en": "declines"},
    "near": {"de": "fast", "en": "nearly"},
    "crashed": {"de": "ist gescheitert", "en": "failed"},
    "device": {"de": "Gerät", "en": "Machine"},
    "time": {"de": "Zeit", "en": "Time"},
    "whole": {"de": "vollständig", "en": "complete"},
    "partial": {"de": "unvollständig", "en": "incomplete"},
    "held": {"de": "wird zurückgehalten", "en": "will be held"},
    "patient": {"de": "Patientennummer gedruckt", "en": "patient number printed"},
    "no_patient": {"de": "keine Patientennummer gedruckt", "en": "no patient number printed"},
    "rows": {"de": "Zeilen", "en": "Rows"},
    "content": {"de": "Inhalt", "en": "Content"},
    "plasma": {"de": "Verarbeitetes Plasma", "en": "Processed plasma"},
    "ignored": {"de": "Nicht gespeichert", "en": "Not stored"},
}
_COUNTED = {
    "samples": {"de": "Messzeilen", "en": "samples"},
    "phases": {"de": "Phasen", "en": "phases"},
    "cycles": {"de": "Zyklen", "en": "cycles"},
    "alarms": {"de": "Alarme", "en": "alarms"},
    "events": {"de": "Ereignisse", "en": "events"},
    "columns": {"de": "Säulen", "en": "columns"},
}


def _word(key: str) -> str:
    return _WORDS[key][language()]


def told(document: dict[str, Any]) -> Iterator[str]:
    """Yield lines: the files, every driver's answer, what would be stored, and each treatment."""
    yield ", ".join(member["name"] for member in document["members"])
    for claim in sorted(
        document["claims"], key=lambda c: (not c["claims"], not c["near_misses"], c["driver"])
    ):
        verdict = _word("claims") if claim["claims"] else _word("declines")
        mark = "+" if claim["claims"] else "~" if claim["near_misses"] else "-"
        yield f"  {mark} {claim['driver']} ({claim['evidence']}) {verdict}: {claim['reason']}"
        for near in claim["near_misses"]:
            yield f"      {_word('near')}: {near}"
    for one in document["broken"]:
        yield f"  ! {one['driver']} {_word('crashed')}: {one['problem']}"
    receipt = document["would_store"]
    yield f"  {receipt['message'][language()]}"
    for treatment in document["treatments"]:
        yield from _treatment(treatment)
    for finding in receipt["findings"]:
        yield f"  {finding['member']}:{finding['line']}  {finding['text'][language()]}"


def _treatment(one: dict[str, Any]) -> Iterator[str]:
    device = one["device"]
    machine = " ".join(filter(None, (device["maker"], device["model"], device["serial"])))
    state = _word("whole") if one["complete"] else _word("partial")
    held = f", {_word('held')} ({one['hold']})" if one["hold"] else ""
    patient = _word("patient") if one["patient_printed"] else _word("no_patient")
    yield f"    {_word('device')}: {machine} ({one['role']})"
    yield f"    {_word('time')}: {one['started_local']} – {one['ended_local'] or '?'}, {state}{held}; {patient}"
    counts = [f"{one[key]} {words[language()]}" for key, words in _COUNTED.items() if one[key]]
    yield f"    {_word('content')}: {', '.join([*counts, *one['totals'], *one['facts']])}"
    readings = [f"{kind} {ml} mL" for kind, ml in one["readings_ml"].items() if ml is not None]
    yield f"    {_word('plasma')}: {', '.join(readings) or '–'}"
    if one["ignored"]:
        ignored = ", ".join(f"{rows} × {reason}" for reason, rows in one["ignored"].items())
        yield f"    {_word('ignored')}: {ignored}"
