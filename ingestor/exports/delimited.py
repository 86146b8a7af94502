"""Columns as lines of text, without an object for each cell: CSV, and CSV as a German spreadsheet opens it.

A cell is quoted where it must be and nowhere else, whatever stands in other rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy.typing as npt

EOL = "\r\n"
# A cell that begins like this is run as a formula by spreadsheet programs.
# Source: OWASP ASVS 5.0, 1.2.10; the full-width forms are taken for the plain ones by some programs.
FORMULA = "^[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]"
# The first byte of every sign above.
_SUSPECTS = np.zeros(256, bool)
_SUSPECTS[[*b"=+-@\t\r\n\0", "\uff1d".encode()[0]]] = True


def csv(batch: pa.RecordBatch) -> bytes:
    """Return rows with commas: instants with Z, lists joined by a bar, texts safe to open."""
    return _joined([_cell(a, ",") for a in batch.columns], ",")


def german(batch: pa.RecordBatch) -> bytes:
    """Return rows with semicolons, decimal commas and WAHR or FALSCH."""
    return _joined([_german(a) for a in batch.columns], ";")


def stamps(array: pa.Array, between: str, zone: str) -> pa.Array:
    """Return instants or wall clocks as ISO 8601 up to the year 9999, with a fraction only where there is one."""
    seconds = array.cast(pa.timestamp("s", array.type.tz), safe=False)
    whole = pc.equal(seconds.cast(array.type), array)
    if pc.all(whole, min_count=0).as_py():
        return _ended(_dated(seconds, between), zone)
    thousandths = pc.utf8_lpad(pc.millisecond(array).cast(pa.string()), 3, "0")
    fraction = pc.if_else(whole, "", pc.binary_join_element_wise("", thousandths, "."))
    # A cast cuts towards 1970.
    dated = _dated(pc.floor_temporal(array, unit="second").cast(seconds.type), between)
    return _ended(pc.binary_join_element_wise(dated, fraction, ""), zone)


def _dated(seconds: pa.Array, between: str) -> pa.Array:
    text = pc.utf8_slice_codeunits(seconds.cast(pa.string()), 0, 19)
    return pc.utf8_replace_slice(text, 10, 11, between)


def _ended(text: pa.Array, zone: str) -> pa.Array:
    return pc.binary_join_element_wise(text, zone, "") if zone else text


def _cell(array: pa.Array, delimiter: str) -> pa.Array:
    kind = array.type
    if pa.types.is_list(kind):
        return _plain(pc.binary_join(array, "|"), delimiter)
    if pa.types.is_timestamp(kind):
        return stamps(array, "T", "Z" if kind.tz else "")
    return _plain(array, delimiter) if pa.types.is_string(kind) else array.cast(pa.string())


def _german(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_timestamp(kind):
        return stamps(array, " ", "")
    if pa.types.is_floating(kind):
        return pc.replace_substring(array.cast(pa.string()), ".", ",")
    if pa.types.is_boolean(kind):
        return pc.if_else(array, "WAHR", "FALSCH")
    return _cell(array, ";")


def _plain(array: pa.Array, delimiter: str) -> pa.Array:
    """Return texts that are no formulas, those with signs of the format between quotes."""
    starts, data = _bytes(array)
    if len(data) and _SUSPECTS[data[starts[starts < len(data)]]].any():
        risky = pc.match_substring_regex(array, pattern=FORMULA)
        array = pc.if_else(risky, pc.binary_join_element_wise("'", array, ""), array)
    content = data.tobytes()
    if not any(sign in content for sign in (b'"', b"\r", b"\n", delimiter.encode())):
        return array
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(array, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(array, pattern=f'["\r\n{delimiter}]'), quoted, array)


def _bytes(array: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Return where each text starts, and the bytes of all of them."""
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    first, last = (int(places[0]), int(places[-1])) if len(places) else (0, 0)
    return places[:-1] - first, content[first:last]


def _joined(cells: list[pa.Array], delimiter: str) -> bytes:
    """Return one line a row."""
    if not len(cells[0]):
        return b""
    lines = pc.binary_join_element_wise(*cells, delimiter, null_handling="replace", null_replacement="")
    _, content = _bytes(pc.binary_join_element_wise(lines, EOL, ""))
    return content.tobytes()
