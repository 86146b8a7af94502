"""What happens to files on their way: cut, torn, lost, sent twice, sent again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulators.surviving import after_cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from simulators.export import Export, Members, Written
    from simulators.truth import SessionTruth

BLOCK = 4096
AGAIN = "again"


def cut(export: Export, written: list[Written], rng: np.random.Generator) -> list[Written]:
    """The file ends early, somewhere behind its first quarter."""
    return [_cut(export, w, rng, torn=False) for w in written]


def torn_copy(export: Export, written: list[Written], rng: np.random.Generator) -> list[Written]:
    """The file has its full length, but nothing was written after some block."""
    return [_cut(export, w, rng, torn=True) for w in written]


def _cut(export: Export, written: Written, rng: np.random.Generator, *, torn: bool) -> Written:
    """Shorten the largest member and count what is left."""
    name = max(written.members, key=lambda n: len(written.members[n]))
    content = written.members[name]
    last = _end_mark(export, name, content)
    at = int(rng.integers(len(content) // 4, max(len(content) // 4 + 1, last)))
    if torn:
        at = max(at // BLOCK * BLOCK, min(BLOCK // 2, last))
    kept = content[:at]
    left: Members = export.unpack({**written.members, name: kept})
    lines = {p.name: p.whole_lines(left.get(p.name, b"")) for p in export.pages}
    members = {**written.members, name: kept + bytes(len(content) - at) if torn else kept}
    damaged = after_cut(replace(export, sessions=written.sessions), lines)
    told = tuple({**s, "cut": {"member": name, "byte": at}} for s in damaged)
    return replace(written, members=members, sessions=told)


def _end_mark(export: Export, name: str, content: bytes) -> int:
    """Byte at which the last line that matters begins, so that a cut before it is a loss."""
    page = next((p for p in export.pages if p.name == name), None)
    if page is None:
        return len(content) * 9 // 10
    ends = [m.end for m in page.marks if m.end is not None]
    after = page.sealed().lines[max(ends, default=len(page.lines) - 1) :]
    return len(content) - len((page.newline.join(after) + page.newline).encode(page.encoding))


def missing_member(export: Export, written: list[Written], rng: np.random.Generator) -> list[Written]:
    """One of several files did not come along."""
    return [_without(export, w, rng) for w in written]


def _without(export: Export, written: Written, rng: np.random.Generator) -> Written:
    """One text is lost, from among the files or from inside the archive."""
    names = [p.name for p in export.pages]
    lost = names[int(rng.integers(len(names)))]
    texts = {p.name: p.content() for p in export.pages if p.name != lost}
    members = export.pack({**texts, **export.others})
    left = after_cut(replace(export, sessions=written.sessions), {lost: 0})
    note: dict[str, object] = {"missing": lost}
    if len(written.members) > 1:
        note["expected"] = ["waiting"]
    return replace(written, members=members, sessions=tuple({**s, **note} for s in left))


def two_halves(export: Export, written: list[Written], _rng: np.random.Generator) -> list[Written]:
    """A power failure makes two files: one that ends with it, one that begins after it."""
    return [half for w in written for half in _halves(export, w)]


def _halves(export: Export, written: Written) -> list[Written]:
    """The second file has a head of its own; its truth is that of both, for it makes the run whole."""
    (page,) = export.pages
    heads = [place for place, line in enumerate(page.lines) if line.startswith("H\t") or "|H|" in line]
    first, second = (replace(page, lines=lines) for lines in (page.lines[: heads[1]], page.lines[heads[1] :]))
    left = after_cut(replace(export, sessions=written.sessions), {page.name: heads[1]})
    stem, _, extension = page.name.rpartition(".")
    names = [f"{stem}_{part}.{extension}" for part in "ab"]
    whole = tuple({**s, "joins": names} for s in written.sessions)
    return [
        replace(written, members={names[0]: first.content()}, sessions=left),
        replace(written, members={names[1]: second.content()}, sessions=whole),
    ]


def same_again(_export: Export, written: list[Written], _rng: np.random.Generator) -> list[Written]:
    """The same bytes arrive twice."""
    return [*written, *(_again(w, [_known(s) for s in w.sessions]) for w in written)]


def _known(truth: SessionTruth) -> str | None:
    """What becomes of bytes that are there already: what could not be used is tried again."""
    return None if _set_aside(truth) - {"held"} else "duplicate"


def re_export(export: Export, written: list[Written], rng: np.random.Generator) -> list[Written]:
    """First a cut file, then the whole one."""
    first = [_cut(export, w, rng, torn=False) for w in written]
    then = [
        _again(w, [_better(*s) for s in zip(f.sessions, w.sessions, strict=True)])
        for f, w in zip(first, written, strict=True)
    ]
    return [*first, *then]


def _better(before: SessionTruth, after: SessionTruth) -> str | None:
    """What becomes of a whole export after a part of it: it takes its place, if the part could be read."""
    return None if _set_aside(after) or _set_aside(before) or before["complete"] else "superseded"


def _set_aside(truth: SessionTruth) -> set[str]:
    """Why no reading of this export counts; empty if one does."""
    unreadable = {"refused"} if not truth.get("readable", True) else set()
    return unreadable | (set(truth.get("expected", ())) & {"refused", "held", "waiting"})


def contradicted(written: list[Written], second: Written) -> Written:
    """A second export with other numbers: held, unless nothing of the first ones counts."""
    counts = any(not _set_aside(s) and s.get("readable", True) for w in written for s in w.sessions)
    sessions = tuple({**s, "contradicts": True} for s in second.sessions)
    return _again(replace(second, sessions=sessions), ["held" if counts else None] * len(sessions))


def _again(written: Written, statuses: Sequence[str | None]) -> Written:
    """The same export later, in a folder of its own."""
    told = zip(written.sessions, statuses, strict=True)
    sessions = tuple(s if status is None else {**s, "expected": [status]} for s, status in told)
    return replace(written, sessions=sessions, under=AGAIN)


def in_folders(written: Sequence[Written]) -> list[Written]:
    """Exports of one name each in a folder of their own: `again`, `again-2`..."""
    taken: set[tuple[str, str]] = set()
    placed = []
    for one in written:
        under, number = one.under, 1
        while any((under, name) in taken for name in one.members):
            number += 1
            under = f"{AGAIN}-{number}"
        taken |= {(under, name) for name in one.members}
        placed.append(replace(one, under=under))
    return placed
