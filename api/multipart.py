"""A form with files, written straight into the archive while it arrives; nothing is kept elsewhere or in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from ingestor.errors import Invalid, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.archive import Archive, Kept
    from ingestor.archive.writer import Writer

FILES = frozenset({"files", "file", "files[]"})
_MOST_FILES, _MOST_FIELDS, _FIELD_BYTES = 500, 20, 4096
_HEADERS, _HEADER_BYTES = 10, 8192


@dataclass(slots=True)
class Form:
    """What has arrived: files as they are kept, by the name they were given, and small fields."""

    files: list[tuple[str, Kept]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


class FormReader:
    """Reads one body. `write` pieces, then `finish`; `abort` forgets a file that has begun.

    Args:
        content_type: header of the request.
        archive: where files go.
        before_files: called with the fields so far when the first file begins; it may refuse.

    Raises:
        Invalid: `bad_request`: this is no such body.
    """

    def __init__(self, content_type: str, archive: Archive, before_files: Callable[[Form], None]) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:  # noqa: PLR2004 - RFC 2046 allows 70
            raise Invalid("bad_request")
        self.form = Form()
        self._archive, self._before_files = archive, before_files
        self._writer: Writer | None = None
        self._name = self._filename = ""
        self._header = [bytearray(), bytearray()]
        self._value = bytearray()
        self._parts = 0
        self._whole = False
        # The parser's callbacks: mypy knows them as a closed dictionary.
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin, "on_header_field": self._field, "on_header_value": self._text,
                "on_header_end": self._header_end, "on_headers_finished": self._open, "on_part_data": self._data,
                "on_part_end": self._end, "on_end": self._all,
            },
            max_header_count=_HEADERS, max_header_size=_HEADER_BYTES,
        )  # fmt: skip

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            Invalid: `bad_request`.
            LimitExceeded: a file, or their number, is beyond what is allowed.
            StorageTrouble: the disk is full or broken.
        """
        try:
            self._parser.write(piece)
        except FormParserError:
            raise Invalid("bad_request") from None

    def finish(self) -> Form:
        """Return all that came.

        Raises:
            Invalid: `bad_request`: the body ended before its end.
        """
        if not self._whole:
            raise Invalid("bad_request")
        return self.form

    def abort(self) -> None:
        """Leave no trace of a file that was not finished; harmless after `finish`."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_FILES + _MOST_FIELDS:
            raise LimitExceeded("limit_files", limit=_MOST_FILES)
        self._name = self._filename = ""
        self._value.clear()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _header_end(self) -> None:
        name, value = (bytes(part) for part in self._header)
        self._header = [bytearray(), bytearray()]
        if name.lower() == b"content-disposition":
            _, options = parse_options_header(value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            self._filename = options.get(b"filename", b"").decode("utf-8", "replace")

    def _open(self) -> None:
        if self._name not in FILES:
            if len(self.form.fields) >= _MOST_FIELDS:
                raise Invalid("bad_request")
            return
        if not self._filename:
            return  # a file input that nobody filled
        if not self.form.files:
            self._before_files(self.form)
        if len(self.form.files) >= _MOST_FILES:
            raise LimitExceeded("limit_files", limit=_MOST_FILES)
        self._writer = self._archive.put_stream()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._writer is not None:
            self._writer.write(data[start:end])
        elif len(self._value) + end - start > _FIELD_BYTES:
            raise Invalid("bad_request")
        else:
            self._value += data[start:end]

    def _end(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with writer:
                self.form.files.append((self._filename, writer.finish()))
        elif self._name not in FILES:
            self.form.fields[self._name] = self._value.decode("utf-8", "replace")

    def _all(self) -> None:
        self._whole = True
