"""From a dose down to the raw lines it was read from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ingestor import packed
from ingestor.errors import ParseError
from ingestor.exports.figures import figures
from ingestor.exports.session import detail, dose, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ingestor.exports.view import View
    from ingestor.store.answers.evidence import Place, SourceFacts
    from ingestor.store.answers.sessions import RunFacts, SessionFacts

Member = tuple[str, "Sequence[str] | None"]
READINGS = ("reported", "cycles", "counter", "integrated")
# Figures that are counted or taken from the loads.
_OF_LOADS = (
    "cycles_completed", "cycles_aborted", "plasma_per_cycle_min_ml", "plasma_per_cycle_mean_ml",
    "plasma_per_cycle_max_ml", "loading_min",
)  # fmt: skip
_END = re.compile(r"\r\n|\n|\r")
_SHOWN = 2000


def lines_of(data: bytes) -> Sequence[str] | None:
    """Return the lines of a text file, or None for a file that has none (a packed table, an archive)."""
    if data.startswith(b"PK\x03\x04") or packed.is_gzip(data):
        return None
    for encoding in (
        ("utf-16",) if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "cp1252", "latin-1")
    ):
        try:
            return _END.split(data.decode(encoding))
        except UnicodeDecodeError:
            continue
    return None


def document(
    facts: SessionFacts,
    places: Mapping[str, Sequence[Place]],
    sources: Sequence[SourceFacts],
    read: Callable[[str], bytes | None],
    view: View,
) -> dict[str, Any]:
    """Return where every reading of a session's dose stands.

    Args:
        facts: the session.
        places: of each run.
        sources: the files that the current readings come from.
        read: gives the bytes of an archived member, or None if they cannot be had.
        view: what the reader may see.
    """
    files = {s.sha256: s for s in sources}
    row = dose(facts, view) or {}
    printed: dict[str, list[dict[str, Any]]] = {}
    for one in facts.runs:
        if one.current is None or not places.get(one.row.id):
            continue
        members = _members(one, files[one.current.source], read)
        for place in places[one.row.id]:
            printed.setdefault(place.reading, []).append(_shown(place, one, members, facts, view))
    found = {reading: printed.get(reading, []) for reading in READINGS}
    about = detail(facts, view)
    return tidy({
        "session_id": facts.row.id,
        "method": row.get("method"),
        "served": {"reading": row.get("processed_plasma_reading"), "value_ml": row.get("processed_plasma_ml")},
        "readings": {r: {"value_ml": row.get(f"{r}_ml"), "facts": found[r]} for r in READINGS},
        "figures": figures(row, about.get("missing", {}), _by_figure(printed)),
        "inputs": about.get("inputs", []),
        "missing": about.get("missing", {}),
        "sources": [_source(one, view) for one in sources],
    })  # fmt: skip


def _by_figure(printed: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return printed places by the figure that is read from them; loads give several figures."""
    named = {f"{name}_ml" if name in READINGS else name: places for name, places in printed.items()}
    loads = printed.get("cycles", [])
    return named | {name: [*named.get(name, []), *loads] for name in _OF_LOADS}


def _members(one: RunFacts, file: SourceFacts, read: Callable[[str], bytes | None]) -> list[Member]:
    """Return the members of a source with their lines, the one that the run names first."""
    named = one.current.member if one.current is not None else ""
    ordered = sorted(file.members, key=lambda m: m.name != named)
    found = []
    for member in ordered:
        data = read(member.sha256)
        found.append((member.name, lines_of(data) if data is not None else None))
        found += _inside(member.name, data or b"")
    return found


def _inside(name: str, data: bytes) -> list[Member]:
    """Return the text members of an archive; what was refused when it came is not opened now either."""
    if not packed.is_gzip(data):
        return []
    try:
        inner = packed.unpack(data, name).members
    except ParseError:
        return []
    return [(f"{name}/{one.name}", lines_of(one.data)) for one in inner]


def _spellings(place: Place) -> set[str]:
    """Return how a value may be printed: with either decimal sign."""
    texts = {place.printed.strip()}
    if place.value is not None:
        texts |= {f"{place.value:g}", f"{place.value:.1f}"}
    return {t.replace(a, b) for t in texts if t for a, b in ((".", ","), (",", "."), ("", ""))}


def _standing(place: Place, members: Sequence[Member]) -> tuple[str, str] | None:
    """Return (member, line) where a value stands; a line on which it does not stand is never shown for it."""
    spellings = _spellings(place)
    for name, lines in members:
        if lines and 0 < place.line <= len(lines):
            text = lines[place.line - 1]
            if any(spelling in text for spelling in spellings):
                return name, text
    return None


def _shown(
    place: Place, one: RunFacts, members: Sequence[Member], facts: SessionFacts, view: View
) -> dict[str, Any]:
    standing = _standing(place, members)
    found = {
        "run": one.row.id, "source": one.current.source if one.current else None, "line": place.line,
        "about": place.about, "printed": place.printed, "value": place.value, "unit": place.unit,
        "text": None if standing is None else view.line(standing[1][:_SHOWN], facts.words),
    }  # fmt: skip
    if view.identified:
        found["member"] = standing[0] if standing else None
    return found


def _source(one: SourceFacts, view: View) -> dict[str, Any]:
    """Return a source; names of files and of senders are for those who may know who the patient is."""
    named = view.identified
    return {
        "sha256": one.sha256, "bytes": one.bytes, "first_seen": one.first_seen,
        "members": [
            {"sha256": m.sha256, "bytes": m.bytes, **({"name": m.name} if named else {})} for m in one.members
        ],
        "submissions": [
            {"id": s.id, "at": s.at, "way": s.way, "status": s.status, **({"actor": s.actor} if named else {})}
            for s in one.submissions
        ],
    }  # fmt: skip
