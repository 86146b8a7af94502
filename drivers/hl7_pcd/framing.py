"""From bytes to messages: a single message, a stream with MLLP frames, or a batch file.

Source: HL7 Messaging Standard 2.6, chapter 2 (batch protocol); MLLP release 1: 0x0B message 0x1C 0x0D.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers._text import printed, whole_number
from drivers.hl7_pcd.segments import HEADERS, TRAILERS, Delimiters, Segment, delimiters_of, name_of, segment
from ingestor.driver import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START, END = b"\x0b", b"\x1c"
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# Source: HL7 table 0211; the names that MSH-18 may carry.
_CHARSETS = {
    "ASCII": "ascii", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "8859/1": "latin-1", "8859/2": "iso8859-2",
    "8859/15": "iso8859-15",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        digest: sum of its bytes.
        whole: False where nothing after it proves that it was not cut.
    """

    segments: tuple[Segment, ...]
    digest: bytes
    whole: bool

    @property
    def header(self) -> Segment:
        """The MSH segment."""
        return self.segments[0]


@dataclass(slots=True)
class Stream:
    """What a file holds.

    Attributes:
        batch: a file or batch header was read.
        closed: the trailers were read and their counts agree.
        cut_at: line of what was cut off at the end, 0 where nothing was.
    """

    messages: list[Message] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    batch: bool = False
    closed: bool = False
    cut_at: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    data: bytes
    opens: bool
    closes: bool
    ended: bool


def read_stream(data: bytes, member: str, take: Callable[[Message], None] | None = None) -> Stream:
    """Split bytes into messages; never raises.

    Args:
        data: the bytes.
        member: for findings.
        take: given each message in turn, which is then not kept; a day of reports is large.
    """
    reader = _Reader(member, take)
    for line in _lines(data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0")):
        reader.take(line)
    return reader.finish()


def _lines(data: bytes) -> Iterator[_Line]:
    for number, match in enumerate(_LINE.finditer(data), start=1):
        whole = match[0]
        bare = whole.rstrip(b"\r\n")
        ended = len(bare) < len(whole)
        if START not in bare and END not in bare:
            if bare.strip():
                yield _Line(number, bare, opens=False, closes=False, ended=ended)
            continue
        yield from _framed(number, bare, ended=ended)


def _framed(number: int, bare: bytes, *, ended: bool) -> Iterator[_Line]:
    pieces = re.split(rb"([\x0b\x1c])", bare)
    for i in range(0, len(pieces), 2):
        opens = i > 0 and pieces[i - 1] == START
        closes = i + 1 < len(pieces) and pieces[i + 1] == END
        if pieces[i].strip() or opens or closes:
            yield _Line(number, pieces[i], opens, closes, ended or i + 1 < len(pieces))


class _Reader:
    """Takes lines in order; a message is closed by what follows it."""

    def __init__(self, member: str, take: Callable[[Message], None] | None) -> None:
        self.member = member
        self.stream = Stream()
        self.keep = take or self.stream.messages.append
        self.open: list[_Line] = []
        self.framed = self.in_frame = False
        self.file_open = self.batch_open = self.ended = False
        self.in_batch = self.batches = self.noise = 0
        self.agrees = True

    def take(self, line: _Line) -> None:
        if line.opens:
            self._close(whole=False)
            self.framed = self.in_frame = True
        if line.data.strip():
            self._content(line)
        if line.closes:
            self._close(whole=self.in_frame)
            self.in_frame = False

    def _content(self, line: _Line) -> None:
        name = line.data.lstrip()[:3].decode("latin-1")
        if self.framed and not self.in_frame:
            self.noise = self.noise or line.number
        elif name in HEADERS or name in TRAILERS:
            self._close(whole=True)
            self._mark(name, line)
        elif self.open:
            self.open.append(line)
        else:
            self.noise = self.noise or line.number

    def _mark(self, name: str, line: _Line) -> None:
        if name == "MSH":
            self.open = [line]
            if self.ended:
                self._find("rows_after_end", line.number)
                self.agrees = False
        elif name in HEADERS:
            self.stream.batch, self.ended = True, False
            if name == "FHS":
                self.file_open, self.batches = True, 0
            else:
                self.batch_open, self.in_batch, self.batches = True, 0, self.batches + 1
        else:
            self._trailer(name, line)

    def _trailer(self, name: str, line: _Line) -> None:
        fields = line.data.decode("latin-1").split("|")
        stated = fields[1].strip() if len(fields) > 1 else ""
        counted = self.in_batch if name == "BTS" else self.batches
        if not stated and not line.ended:
            self.stream.cut_at = line.number
        elif stated and whole_number(stated) != counted:
            self.agrees = False
            self._find("batch_count", line.number, trailer=name, printed=stated, counted=str(counted))
        if name == "BTS":
            self.batch_open = False
        else:
            self.file_open = False
        self.ended = not self.file_open

    def _close(self, *, whole: bool) -> None:
        lines, self.open = self.open, []
        if lines and not lines[-1].ended:
            self.stream.cut_at = lines[-1].number
            lines = lines[:-1]
        if not lines:
            return
        if (self.framed or self.stream.batch) and not whole:
            self.stream.cut_at = self.stream.cut_at or lines[0].number
            return
        self.in_batch += 1
        if (message := _message(lines, whole=whole)) is None:
            self._find("message_unreadable", lines[0].number)
        else:
            self.keep(message)

    def finish(self) -> Stream:
        self._close(whole=False)
        stream = self.stream
        if self.noise:
            self._find("stray_bytes", self.noise)
        still_open = self.file_open or self.batch_open
        if stream.cut_at or still_open:
            self._find("truncated", stream.cut_at)
        stream.closed = stream.batch and self.agrees and not still_open and not stream.cut_at
        return stream

    def _find(self, code: str, line: int, **params: str) -> None:
        self.stream.findings.append(Finding(code, Severity.WARNING, self.member, line, params))


def _message(lines: list[_Line], *, whole: bool) -> Message | None:
    signs = delimiters_of(lines[0].data.strip().decode("latin-1"))
    if signs is None:
        return None
    codec = _charset(lines[0].data, signs)
    segments = tuple(
        segment(printed(_text(line.data.strip(), codec)), line.number, signs)
        for line in lines
        if name_of(line.data[:8].strip().decode("latin-1"), signs.field)
    )
    digest = hashlib.sha256(b"\r".join(line.data for line in lines)).digest()
    return Message(segments, digest, whole)


def _charset(header: bytes, signs: Delimiters) -> str:
    fields = header.decode("latin-1").split(signs.field)
    declared = fields[17].split(signs.repetition)[0].strip() if len(fields) > 17 else ""  # noqa: PLR2004 - MSH-18
    return _CHARSETS.get(declared, "utf-8")


def _text(data: bytes, codec: str) -> str:
    """Decode; a byte that the declared set does not know is shown by its number, never guessed."""
    return data.decode(codec, errors="backslashreplace")


def is_hl7(data: bytes) -> bool:
    """Say whether bytes begin like HL7 version 2, framed or not."""
    head = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\t \x0b")
    return head[:3].decode("latin-1") in HEADERS and len(head) > 3 and not head[3:4].isalnum()  # noqa: PLR2004
