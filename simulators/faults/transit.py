"""What happens to files on their way: cut, torn, lost, sent twice, sent again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulators.surviving import after_cut

if TYPE_CHECKING:
    import numpy as np

    from simulators.export import Export, Members, Written

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
    return replace(written, members=members, sessions=damaged)


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
    return [*written, *(_marked(replace(w, under=AGAIN), "duplicate") for w in written)]


def re_export(export: Export, written: list[Written], rng: np.random.Generator) -> list[Written]:
    """First a cut file, then the whole one."""
    whole = [_marked(replace(w, under=AGAIN), "superseded") for w in written]
    return [*(_cut(export, w, rng, torn=False) for w in written), *whole]


def _marked(written: Written, status: str) -> Written:
    return replace(written, sessions=tuple({**s, "expected": [status]} for s in written.sessions))
