"""What happens to a text on its medium, after the machine put its checksum in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulators.layouts.twin_column_serial import framed
from simulators.surviving import expecting
from simulators.truth import counter_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from simulators.export import Export
    from simulators.layout import Layout
    from simulators.page import Page
    from simulators.truth import SessionTruth

WRONG_FRAMES = 5
DISTURBED_FRAMES = 25
TRIES = 100


def flipped_digit(export: Export, layout: Layout, rng: np.random.Generator) -> Export:
    """One digit of one number is another digit: in a load's volume if the layout prints it, else in a sample."""
    page = next(p for p in export.pages if _numbers(p, layout))
    sealed, (session, line, field) = page.sealed(), _drawn(_numbers(page, layout), rng)
    separator = layout.cells.separator if layout.cells else ";"
    fields = sealed.lines[line].split(separator)
    was = fields[field]
    fields[field] = f"{_another(was[0], rng)}{was[1:]}"
    changed = (*sealed.lines[:line], separator.join(fields), *sealed.lines[line + 1 :])
    pages = tuple(replace(sealed, lines=changed) if p is page else p for p in export.pages)
    off = _number(fields[field], layout) - _number(was, layout)
    note = {"member": page.name, "line": line + 1, "was": was, "is": fields[field], "off_ml": round(off, 1)}
    sessions = list(export.sessions)
    sessions[session] = _after_flip(sessions[session] | {"flipped": note}, layout, page, (session, line))
    return replace(export, pages=pages, sessions=tuple(sessions))


def _drawn(places: list[tuple[int, int, int]], rng: np.random.Generator) -> tuple[int, int, int]:
    return places[int(rng.integers(len(places)))]


def _number(text: str, layout: Layout) -> float:
    """The number of a field; on a serial line the last one is followed by its frame's check."""
    plain, _, _ = text.partition("\x03")
    return float(plain.replace(layout.cells.decimal if layout.cells else ".", "."))


def _after_flip(truth: SessionTruth, layout: Layout, page: Page, where: tuple[int, int]) -> SessionTruth:
    """A checksum over the file shows it, a frame's check drops it, else a reading is what now stands there."""
    session, line = where
    marks = next(m for m in page.marks if m.session == session)
    off, readings = truth["flipped"]["off_ml"], truth["readings"]
    if layout.sums_the_file and marks.end is not None:
        return expecting(truth, "held", page.name, marks.end)
    if layout.cells is not None and layout.cells.load is not None:
        load = truth["cycles"][marks.loads.index(line)]["index"]
        cycles = {"cycles": round(readings["cycles"] + off, 1)}
        return truth | {"readings": readings | cycles, "flipped": truth["flipped"] | {"cycle": load}}
    if layout.checksum:
        return truth
    shown = marks.counter + off * (marks.samples == line)
    return truth | {"readings": readings | {"counter": counter_reading(shown)}}


def _numbers(page: Page, layout: Layout) -> list[tuple[int, int, int]]:
    """Session, line and field of the numbers that count."""
    cells = layout.cells
    if cells is None:
        return []
    if cells.load is not None:
        return [(m.session, line, cells.load) for m in page.marks for line in m.loads]
    return [
        (m.session, line, cells.counter)
        for m in page.marks
        for line in m.samples[len(m.samples) // 3 : -3].tolist()
    ]


def _another(digit: str, rng: np.random.Generator) -> str:
    if not digit.isdigit():
        return "7"
    return str((int(digit) + int(rng.integers(1, 10))) % 10)


def wrong_checksum(export: Export, layout: Layout, rng: np.random.Generator) -> Export:
    """The checksum or count at the end is wrong; on a serial line, that of some frames."""
    pages = []
    for page in export.pages:
        if page.seal is None:
            pages.append(page)
            continue
        sealed = page.sealed()
        lines = list(sealed.lines)
        for line in _check_lines(sealed, rng):
            lines[line] = lines[line][:-1] + _another_hex(lines[line][-1])
        pages.append(replace(sealed, lines=tuple(lines)))
    if not layout.sums_the_file:
        sessions = tuple({**s, "complete": not layout.counts_lines} for s in export.sessions)
        return replace(export, pages=tuple(pages), sessions=sessions)
    ends = {m.session: (page.name, m.end) for page in pages for m in page.marks if m.end is not None}
    held = tuple(expecting(s, "held", *ends[place]) for place, s in enumerate(export.sessions))
    return replace(export, pages=tuple(pages), sessions=held)


def noise(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """Bytes that no machine sent, between frames and inside some samples."""
    return _disturbed(export, rng, _with_noise)


def lost_bytes(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """Bytes that never arrived, inside some samples."""
    return _disturbed(export, rng, _with_gap)


def _disturbed(
    export: Export, rng: np.random.Generator, disturb: Callable[[str, np.random.Generator], str]
) -> Export:
    pages = []
    for page in export.pages:
        sealed = page.sealed()
        lines = list(sealed.lines)
        inner = page.marks[0].samples[3:-3]
        for line in rng.choice(inner, min(DISTURBED_FRAMES, len(inner)), replace=False).tolist():
            lines[line] = disturb(lines[line], rng)
        pages.append(replace(sealed, lines=tuple(lines)))
    return replace(export, pages=tuple(pages))


def _with_noise(frame: str, rng: np.random.Generator) -> str:
    garbage = bytes(rng.integers(0, 256, int(rng.integers(1, 5))).tolist()).decode("latin-1")
    at = int(rng.choice([0, int(rng.integers(1, len(frame)))]))
    noisy = frame[:at] + garbage + frame[at:]
    return noisy if at == 0 or not _passes(noisy) else garbage + frame


def _with_gap(frame: str, rng: np.random.Generator) -> str:
    """An exclusive or does not see two equal bytes go; such a gap would be a wrong value that nobody can know."""
    for _ in range(TRIES):
        at = int(rng.integers(1, len(frame) - 1))
        left = frame[:at] + frame[at + int(rng.integers(1, 12)) :]
        if not _passes(left):
            break
    return left


def _passes(frame: str) -> bool:
    """Whether a frame still has the check digits of its payload."""
    payload, _, check = frame[1:].rpartition("\x03")
    return frame.startswith("\x02") and framed(payload) == f"\x02{payload}\x03{check}"


def cable_pulled(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """The cable is out for a minute or two of a load; the machine talks on and nobody hears it."""
    (page,) = export.pages
    sealed, marks = page.sealed(), page.marks[0]
    samples = marks.samples
    events = {*marks.loads, *marks.load_ends, *marks.alarms, *marks.alarm_ends}
    first, last = 0, 0
    for _ in range(TRIES):
        place = int(rng.integers(len(samples) // 5, len(samples) * 4 // 5))
        first, last = int(samples[place]), int(samples[place + int(rng.integers(6, 13))])
        if not any(first <= line <= last for line in events):
            break
    halves = sealed.lines[first][:9], sealed.lines[last][7:]
    lines = (*sealed.lines[:first], "".join(halves), *sealed.lines[last + 1 :])
    note = {"silent": {"from_line": first + 1, "lines": last - first + 1}}
    sessions = tuple({**s, **note} for s in export.sessions)
    order = [line for line in range(len(page.lines)) if not first < line <= last]
    kept = replace(page.rearranged(order), lines=lines, seal=None)
    return replace(export, pages=(kept,), sessions=sessions)


def _check_lines(page: Page, rng: np.random.Generator) -> list[int]:
    if page.lines[0].startswith("\x02"):
        inner = page.marks[0].samples[3:-3]
        return sorted(int(line) for line in rng.choice(inner, WRONG_FRAMES, replace=False))
    return [m.end for m in page.marks if m.end is not None]


def _another_hex(digit: str) -> str:
    return {"9": "8", "F": "0"}.get(digit, f"{int(digit, 16) + 1:X}") if digit.strip() else "1"
