"""The page of an evidence pack that a person reads: what the numbers are and how to check them, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.phrases import catalogue, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Evidence of the session {session}\nmade by apherelog {version}\n",
        "served": "Machine {model} {serial}, treatment of {started} by the machine's own clock.\nThe dose is {status}.",
        "plasma": "Processed plasma: {value} mL, by the reading '{reading}'.",
        "no_plasma": "No value of the processed plasma is served.",
        "volume": "Plasma volume: {value} mL by the formula '{formula}':\n  {how}",
        "multiple": "That is {value} plasma volumes.",
        "readings": "The readings, and the lines on which they stand:",
        "none": "  {name}: none ({why})",
        "some": "  {name}: {value} mL",
        "line": "    original {source}, line {line}: {text}",
        "printed": "printed '{printed}'",
        "more": "    … and {n} more lines in evidence.json",
        "inputs": "What else went in:",
        "input": "  {kind}: {value} {unit}, {at}, {source}",
        "reasons": "To be read along:",
        "files": (
            "The files of this pack\n"
            "  session.json    everything known of the session; dose: the row that is served\n"
            "  evidence.json   every figure of the dose with its formula, inputs and lines\n"
            "  originals/      the files as they came, named by their SHA-256{originals}\n"
            "  SHA256SUMS      check with: sha256sum -c SHA256SUMS\n\n"
            "To check a number: open the original, go to the line, compare. The name of an original is its own\n"
            "SHA-256. The method is {method}; docs/dose-method.md of the program describes it.\n"
        ),
        "left_out": " (left out: they name the patient)",
    },
    "de": {
        "title": "Belege der Sitzung {session}\nerstellt von apherelog {version}\n",
        "served": "Gerät {model} {serial}, Behandlung vom {started} nach der Uhr des Geräts.\nDie Dosis ist {status}.",
        "plasma": "Verarbeitetes Plasma: {value} ml, nach der Lesung „{reading}“.",
        "no_plasma": "Es wird kein Wert des verarbeiteten Plasmas geliefert.",
        "volume": "Plasmavolumen: {value} ml nach der Formel „{formula}“:\n  {how}",
        "multiple": "Das sind {value} Plasmavolumina.",
        "readings": "Die Lesungen und die Zeilen, auf denen sie stehen:",
        "none": "  {name}: keine ({why})",
        "some": "  {name}: {value} ml",
        "line": "    Original {source}, Zeile {line}: {text}",
        "printed": "gedruckt „{printed}“",
        "more": "    … und {n} weitere Zeilen in evidence.json",
        "inputs": "Was sonst einging:",
        "input": "  {kind}: {value} {unit}, {at}, {source}",
        "reasons": "Dazu ist zu lesen:",
        "files": (
            "Die Dateien dieses Pakets\n"
            "  session.json    alles, was über die Sitzung bekannt ist; dose: die gelieferte Zeile\n"
            "  evidence.json   jede Zahl der Dosis mit Formel, Eingaben und Zeilen\n"
            "  originals/      die Dateien, wie sie kamen, unter ihrer SHA-256{originals}\n"
            "  SHA256SUMS      prüfen mit: sha256sum -c SHA256SUMS\n\n"
            "So prüfen Sie eine Zahl: Öffnen Sie das Original, gehen Sie zur Zeile, vergleichen Sie. Der Name eines\n"
            "Originals ist seine eigene SHA-256. Die Rechenvorschrift ist {method}; docs/dose-method.md des Programms\n"
            "beschreibt sie.\n"
        ),
        "left_out": " (ausgelassen: sie nennen den Patienten)",
    },
}
_STATUS = {
    "en": {
        "final": "final",
        "provisional": "provisional",
        "withheld": "withheld until somebody decides",
        "bench": "that of a service run",
    },
    "de": {
        "final": "endgültig",
        "provisional": "vorläufig",
        "withheld": "zurückgehalten, bis jemand entscheidet",
        "bench": "die eines Prüflaufs",
    },
}
_LINES = 6


def page(
    session: Mapping[str, Any], evidence: Mapping[str, Any], language: str, version: str, *, originals: bool
) -> str:
    """Return the page in one language.

    Args:
        session: from `ingestor.exports.session.document`.
        evidence: from `ingestor.exports.evidence.document`.
        language: de or en.
        version: of the program.
        originals: whether the files themselves are in the pack.
    """
    say = _WORDS[language]
    dose = session["dose"] or {}
    left_out = "" if originals else say["left_out"]
    lines = [
        say["title"].format(session=session["session"]["id"], version=version),
        *_dose(dose, evidence, language),
        *_readings(evidence, language),
        *_inputs(evidence, language),
        *_reasons(dose, session, language),
        say["files"].format(originals=left_out, method=evidence["method"] or "–"),
    ]
    return "\n".join(lines)


def _dose(dose: Mapping[str, Any], evidence: Mapping[str, Any], language: str) -> Iterator[str]:
    say = _WORDS[language]
    if not dose:
        return
    yield say["served"].format(
        model=dose["device_model"], serial=dose["device_serial"], started=dose["started_local"],
        status=_STATUS[language][dose["status"]],
    )  # fmt: skip
    if dose["processed_plasma_ml"] is None:
        yield say["no_plasma"]
    else:
        value, reading = _number(dose["processed_plasma_ml"]), dose["processed_plasma_reading"]
        yield say["plasma"].format(value=value, reading=reading)
    if dose["plasma_volume_ml"] is not None:
        how = evidence["figures"]["plasma_volume_ml"]["formula"]
        value = _number(dose["plasma_volume_ml"])
        yield say["volume"].format(value=value, formula=dose["plasma_volume_formula"], how=how)
    if dose["pv_multiple"] is not None:
        yield say["multiple"].format(value=_number(dose["pv_multiple"]))
    yield ""


def _readings(evidence: Mapping[str, Any], language: str) -> Iterator[str]:
    say = _WORDS[language]
    yield say["readings"]
    for name, about in evidence["readings"].items():
        if about["value_ml"] is None:
            yield say["none"].format(name=name, why=evidence["missing"].get(f"{name}_ml", "–"))
            continue
        yield say["some"].format(name=name, value=_number(about["value_ml"]))
        for place in about["facts"][:_LINES]:
            text = place["text"] or say["printed"].format(printed=place["printed"])
            yield say["line"].format(
                source=(place["source"] or "–")[:12], line=place["line"], text=text.strip()
            )
        if len(about["facts"]) > _LINES:
            yield say["more"].format(n=len(about["facts"]) - _LINES)
    yield ""


def _inputs(evidence: Mapping[str, Any], language: str) -> Iterator[str]:
    say = _WORDS[language]
    if evidence["inputs"]:
        yield say["inputs"]
        for one in evidence["inputs"]:
            at = one["at"] or "–"
            yield say["input"].format(
                kind=one["kind"], value=_number(one["value"]), unit=one["unit"], at=at, source=one["source"]
            )
        yield ""


def _reasons(dose: Mapping[str, Any], session: Mapping[str, Any], language: str) -> Iterator[str]:
    warnings = {one["code"]: one for one in session.get("column_warnings", ())}
    codes = [code for code in dose.get("status_reasons") or () if code in catalogue()]
    if codes:
        yield _WORDS[language]["reasons"]
        for code in codes:
            told = {k: "–" if v is None else v for k, v in warnings.get(code, {}).items()}
            yield f"  {sentence(code, language, **told)}"
        yield ""


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1 else f"{value:.10g}"
