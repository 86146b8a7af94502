"""Reads lines: sections, tagged lines, comment lines and plain tables, in any mixture a profile declares."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from drivers._text import printed
from drivers.profile.ends import judge, read_end
from drivers.profile.headings import by_position, by_words, cut, looks_like, with_units
from drivers.profile.places import Tags, notable
from drivers.profile.raw import SampleLines
from drivers.profile.rows import Rows
from ingestor.driver import Severity

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._lines import Lines
    from drivers.profile.raw import Heading, Raw
    from drivers.profile.spec import Block, Layout
    from drivers.profile.words import Words


class TextReader:
    """Reads the treatments of one member, one after the other.

    Args:
        lines: of the member.
        layout: one version of a profile.
        part: which part of the bundle the member is.
        words: collects what the code page has to prove.
    """

    def __init__(self, lines: Lines, layout: Layout, part: str, words: Words) -> None:
        self.lines, self.layout, self.words = lines, layout, words
        first = next(iter(layout.bundle), "")
        blocks = [b for b in layout.blocks if (b.member or first) == part]
        self.tags = {b.tag: b for b in blocks if b.tag}
        self.headings = {b.tag: by_position(b) for b in blocks if b.tag}
        sequence = layout.frames.sequence if layout.frames else 1
        self.not_data = {*range(layout.tag_field), sequence - 1}
        self.sections = {word: b for b in blocks for word in b.section}
        self.prefixes = [b for b in blocks if b.prefix]
        loose = [b for b in blocks if not (b.tag or b.section or b.prefix)]
        self.plain = [b for b in loose if not b.pairs]
        self.outer = next((b for b in loose if b.pairs), None)
        types = Tags(lines, layout)
        self.notable = notable(lines, layout, blocks, types).tolist()
        self.bulk = {b.tag: types.are(b.tag) for b in blocks if b.tag and b.rows == "samples"}
        self.passed = self._passed(types)
        self.looked_at = frozenset(self.notable)

    def _passed(self, types: Tags) -> npt.NDArray[np.bool_] | None:
        """Say which lines are tagged samples or say nothing; None if there are no tagged samples."""
        if not self.bulk:
            return None
        idle = [types.are(tag) for tag in self.layout.tags_ignored]
        if self.lines.torn:
            for mask in (*self.bulk.values(), *idle):
                mask[-1] = False
        passed: npt.NDArray[np.bool_] = np.logical_or.reduce([*self.bulk.values(), *idle])
        return passed

    def read(self, raw: Raw, low: int, high: int, index: int) -> None:
        """Read a treatment into `raw`.

        Args:
            raw: what is found goes here.
            low: index of its first line; an end mark counts from here.
            high: index behind its last line.
            index: where to begin reading.
        """
        self.raw, self.low, self.taken = raw, low, index
        self.rows = Rows(raw, self.lines, self.words)
        self.block: Block | None = None
        self.heading: Heading | None = None
        self.unknown_section = False
        self.units_follow = False
        self._open(next((b for b in self.plain if b.order), None))
        for stop in self._looked_at(index, high):
            index = self._up_to(index, stop)
            if raw.end is not None:
                break
        self._take_tagged(index)
        self._after_end(index, high)

    def _looked_at(self, low: int, high: int) -> list[int]:
        """Return where stretches of tagged samples begin; what lies between is looked at line by line."""
        if self.passed is None:
            return [high]
        return [*(np.flatnonzero(~self.passed[low:high]) + low + 1).tolist(), high]

    def _up_to(self, index: int, stop: int) -> int:
        """Read on to a place and return where reading stopped: there, or behind the end mark."""
        if self.passed is not None:
            if stop > index and not self.passed[stop - 1]:
                self._line(stop - 1)
            return stop
        while index < stop and self.raw.end is None:
            index = self._stretch(index, stop)
        return index

    def _stretch(self, index: int, stop: int) -> int:
        """Take the rows of a block from a line on, or else look at this one line."""
        heading = self.heading
        if heading is not None and not (self.units_follow or heading.block.pairs):
            at = bisect_left(self.notable, index)
            end = min(self.notable[at], stop) if at < len(self.notable) else stop
            if end > index:
                self._take(index, end, heading)
                return end
        self._line(index)
        return index + 1

    def _take(self, low: int, high: int, heading: Heading) -> None:
        """Take lines that are rows of the block and cannot be anything else."""
        if heading.block.rows == "samples":
            self._samples(np.arange(low, high), heading)
            return
        self.raw.last_line = self.lines.number(high - 1)
        for index, text in enumerate(self.lines.texts(low, high), low):
            self.rows.add(heading, cut(text, self.layout), index)

    def _samples(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], heading: Heading | None) -> None:
        if heading is not None:
            self.raw.samples.append(SampleLines(self.lines, rows, heading))

    def _take_tagged(self, high: int) -> None:
        """Take the rows of tagged samples up to a line, from where they were taken last."""
        low, self.taken = self.taken, max(high, self.taken)
        for tag, mask in self.bulk.items():
            rows = np.flatnonzero(mask[low:high]) + low
            if len(rows):
                self._samples(rows, self.headings[tag])

    def _line(self, index: int) -> None:
        text = self.lines.text(index)
        if index not in self.looked_at:
            self.raw.last_line = self.lines.number(index)
            self._inside(index, text)
            return
        if not text.strip(" \t") or text.startswith(self.layout.lines_ignored):
            return
        self.raw.last_line = self.lines.number(index)
        if self.lines.torn and index == len(self.lines) - 1:
            self._torn(index, text)
        elif text.startswith(self.layout.end.literal) and self._ended(index):
            return
        elif not (
            self._section(index, text.strip(" ")) or self._prefixed(index, text) or self._tagged(index, text)
        ):
            self._inside(index, text)

    def _ended(self, index: int) -> bool:
        self._take_tagged(index)
        self.raw.end = read_end(self.raw, self.lines, index, self.low)
        return self.raw.end is not None

    def _torn(self, index: int, text: str) -> None:
        """Drop a last line without line end, for half a number looks like a number; a true end mark stays."""
        before = len(self.raw.notes.findings), self.raw.hold
        end = read_end(self.raw, self.lines, index, self.low)
        cells = cut(text, self.layout) or []
        if end is None and self.tags and self._tag_of(cells) == self.layout.end.tag:
            self._tagged(index, text)
            end, self.raw.end = self.raw.end, None
        if end is not None and end.agreed:
            self.raw.end = end
            return
        if self._ends_in_state(cells):
            self._samples(np.arange(index, index + 1), self.heading)
            return
        del self.raw.notes.findings[before[0] :]
        self.raw.hold = before[1]
        block = self.block if self.heading is not None or (self.block and self.block.pairs) else None
        self.rows.drop_torn(index, self.tags.get(self._tag_of(cells), block))

    def _ends_in_state(self, cells: list[str]) -> bool:
        """Say whether a line is a whole row of samples whose last cell is the word of the end."""
        fields = self.heading.fields if self.heading is not None else ()
        is_last = bool(fields) and fields[-1] is not None and fields[-1].name == "state"
        return is_last and len(cells) == len(fields) and cells[-1] == self.layout.end.state

    def _section(self, index: int, text: str) -> bool:
        block = self.sections.get(text)
        is_heading = block is not None or bool(self.layout.heading and self.layout.heading.fullmatch(text))
        if not is_heading:
            return False
        self.words.meet(text, index, declared=block is not None)
        if block is None and not self.layout.unknown_columns:
            raise self.lines.fail(index, f"one of {', '.join(self.sections)}", text, "new_section")
        if block is None:
            self.raw.notes.find("unknown_section", self.lines.number(index), section=text)
        self.unknown_section = block is None
        self._open(block)
        return True

    def _open(self, block: Block | None) -> None:
        self.block = block
        self.heading = by_position(block) if block is not None and block.order else None

    def _prefixed(self, index: int, text: str) -> bool:
        block = next((b for b in self.prefixes if text.startswith(b.prefix)), None)
        if block is not None:
            self.rows.pair(block, text.removeprefix(block.prefix), index)
        return block is not None

    def _tag_of(self, cells: list[str]) -> str:
        at = self.layout.tag_field - 1
        return cells[at] if len(cells) > at else ""

    def _tagged(self, index: int, text: str) -> bool:
        if not self.tags:
            return False
        cells = cut(text, self.layout)
        tag = self._tag_of(cells or [])
        if tag in self.layout.tags_ignored:
            return True
        block = self.tags.get(tag)
        if cells is None or (block is None and tag != self.layout.end.tag):
            if self.plain or self.sections:
                return False
            self.raw.notes.find("unknown_line", self.lines.number(index), got=text[:80])
            self.raw.notes.ignore("unknown")
            return True
        rest = [cell for at, cell in enumerate(cells) if at not in self.not_data]
        if block is None:
            said = dict(zip(self.layout.end.order, rest, strict=False))
            if len(rest) < len(self.layout.end.order):
                self.rows.unreadable(index, None, len(self.layout.end.order), len(rest))
            else:
                self._take_tagged(index)
                self.raw.end = judge(self.raw, self.lines, index, self.low, said)
            return True
        self.rows.add(self.headings[tag], rest, index)
        return True

    def _inside(self, index: int, text: str) -> None:
        """Read a line by the block it stands in."""
        if self.unknown_section:
            self.raw.notes.ignore("unknown_section")
        elif self.block is not None and self.block.pairs:
            self.rows.pair(self.block, text, index)
        elif self.heading is not None and self.units_follow:
            self.heading = with_units(self.heading, cut(text, self.layout) or [], self.lines, index)
            self.units_follow = False
        elif self.heading is not None and self.heading.block.rows == "samples":
            self._samples(np.arange(index, index + 1), self.heading)
        elif self.heading is not None:
            self.rows.add(self.heading, cut(text, self.layout), index)
        elif self.block is not None:
            self._head(self.block, cut(text, self.layout) or [], index)
        else:
            self._outside(index, text)

    def _head(self, block: Block, cells: list[str], index: int) -> None:
        known = block.by_word()
        for word in cells:
            self.words.meet(word, index, declared=word in known or word in block.ignore)
        self.block = block
        self.heading = by_words(block, cells, self.lines, index, keep_unknown=self.layout.unknown_columns)
        self.units_follow = block.units_row
        for word, one in zip(self.heading.printed, self.heading.fields, strict=True):
            if one is None and word not in block.ignore:
                number = self.lines.number(index)
                self.raw.notes.find("unknown_column", number, Severity.INFO, about=word, column=printed(word))

    def _outside(self, index: int, text: str) -> None:
        cells = cut(text, self.layout) or []
        block = next((b for b in self.plain if looks_like(b, cells)), None)
        if block is not None:
            self._head(block, cells, index)
        elif self.outer is not None:
            self.rows.pair(self.outer, text, index)
        else:
            self.raw.notes.find("unknown_line", self.lines.number(index), got=text[:80])
            self.raw.notes.ignore("unknown")

    def _is_idle(self, index: int) -> bool:
        """Say whether a line is only a sign of life."""
        idle = self.layout.tags_ignored
        return bool(idle) and self._tag_of(cut(self.lines.text(index), self.layout) or []) in idle

    def _after_end(self, index: int, high: int) -> None:
        rest = np.flatnonzero(self.lines.end[index:high] > self.lines.start[index:high]) + index
        rows = [at for at in rest.tolist() if self.lines.raw(at).strip(b" \t\0") and not self._is_idle(at)]
        if rows:
            self.raw.notes.find(
                "lines_after_end", self.lines.number(rows[0]), Severity.WARNING, count=str(len(rows))
            )
            self.raw.notes.ignore("after_end", len(rows))
