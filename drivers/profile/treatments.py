"""A member as treatments: which code page it is in, where each treatment begins, in which version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drivers.profile.codes import declared_lines, other_lines
from drivers.profile.frames import CUT, framed_lines
from drivers.profile.places import Tags
from drivers.profile.raw import Notes, Raw
from drivers.profile.recognise import first_index
from drivers.profile.restarts import joined
from drivers.profile.text_reader import TextReader
from drivers.profile.words import Words
from ingestor.driver import Member, ParseError, Severity

if TYPE_CHECKING:
    from drivers._lines import Lines
    from drivers.profile.spec import Frames, Layout, Profile


def read_text(profile: Profile, layout: Layout, member: Member, part: str) -> list[Raw]:
    """Return the treatments of one text member.

    The declared encoding stands unless a word that belongs to the layout reads right in another one only.

    Raises:
        ParseError: `undecodable` if no declared code fits, or several in one file; limits.
    """
    if layout.frames is not None:
        return _read_framed(profile, layout, layout.frames, member, part)
    raws: list[Raw] = []
    words, failed = Words(), None
    try:
        lines = declared_lines(member.data, layout, member.name)
    except ParseError as error:
        if error.code != "undecodable":
            raise
        failed, elsewhere = error, set(layout.other_encodings)
    else:
        raws = _read(profile, layout, lines, part, words)
        elsewhere = words.right_in(profile, lines.codec, layout.other_encodings) if words.strange else set()
    if failed is None and not elsewhere:
        return raws
    for other in other_lines(member.data, layout, member.name):
        proof = Words()
        again = _read(profile, layout, other, part, proof) if other.codec in elsewhere else []
        if again and proof.known and not proof.strange:
            for raw in again:
                raw.notes.find(
                    "other_encoding", raw.line, Severity.INFO, declared=layout.encodings[0], got=other.codec
                )
            return again
    if failed is not None:
        raise failed
    at, word = next(iter(words.strange.items()))
    codes = ", ".join((*layout.encodings, *layout.other_encodings))
    raise lines.fail(at, f"every word in one of {codes}", word, "undecodable")


def _read_framed(profile: Profile, layout: Layout, frames: Frames, member: Member, part: str) -> list[Raw]:
    lines, remarks = framed_lines(member.data, frames, layout, member.name)
    raws = _read(profile, layout, lines, part, Words())
    for remark in remarks:
        raw = next((one for one in reversed(raws) if one.line <= remark.line), raws[0])
        if remark.code == CUT and raw.end is not None:
            continue
        raw.cut |= remark.code == CUT
        raw.notes.find(remark.code, remark.line, about="frames", count=str(remark.count))
        if remark.is_record:
            raw.notes.ignore(remark.code, remark.count)
    return raws


def _read(profile: Profile, layout: Layout, lines: Lines, part: str, words: Words) -> list[Raw]:
    raws: list[Raw] = []
    readers: dict[int, TextReader] = {}
    starts = begins(lines, layout)
    for (low, version), (high, _) in zip(starts, [*starts[1:], (len(lines), "")], strict=True):
        own = of_version(profile, layout, version)
        raw = Raw(
            own or layout,
            lines.member,
            lines.number(low) if len(lines) else 1,
            Notes(lines.member),
            version=version,
        )
        raws.append(raw)
        if own is None:
            raw.broken = lines.fail(low, "a known version", version, "unknown_version")
            continue
        if id(own) not in readers:
            readers[id(own)] = TextReader(lines, own, part, words)
        skip = 1 if own.begin.lines and low < high else 0
        try:
            readers[id(own)].read(raw, low, high, low + skip)
        except ParseError as error:
            raw.broken = error
    if lines.zeros and raws:
        raws[-1].notes.find("zero_bytes", len(lines), Severity.INFO, count=str(lines.zeros))
    return joined(raws) if layout.begin.goes_on else raws


def of_version(profile: Profile, layout: Layout, version: str) -> Layout | None:
    """Return the layout for a printed version, None where nobody knows it."""
    if layout.version is None:
        return layout
    return next((one for one in profile.layouts if one.version and one.version.fullmatch(version)), None)


def begins(lines: Lines, layout: Layout) -> list[tuple[int, str]]:
    """Return where treatments begin, and the version printed there; a layout without marks has one."""
    if layout.begin.tag:
        found = np.flatnonzero(Tags(lines, layout).are(layout.begin.tag))
        return [(int(at), "") for at in found] or [(first_index(lines) or 0, "")]
    if not layout.begin.lines:
        return [(0, "")]
    firsts = {literal[:1].encode(lines.codec)[0] for literal in layout.begin.literal if literal}
    maybe = np.flatnonzero(lines.begin_with(firsts)) if firsts else np.arange(len(lines))
    out = []
    for at in maybe.tolist():
        text = lines.text(at).strip(" ")
        match = next((m for one in layout.begin.lines if (m := one.fullmatch(text))), None)
        if match is not None and not (lines.torn and at == len(lines) - 1):
            out.append((at, match.groupdict().get("version", "")))
    return out or [(first_index(lines) or 0, "")]
