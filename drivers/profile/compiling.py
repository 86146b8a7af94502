"""From the keys of a profile to a frozen layout; what a profile says wrongly is collected, all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from drivers._stamps import check_format
from drivers._text import Grammar
from drivers.profile.about import check_told
from drivers.profile.blocks import read_blocks
from drivers.profile.checks import check_layout
from drivers.profile.marks import glob, literal, pattern
from drivers.profile.problems import Keys, Problems
from drivers.profile.spec import AlarmKind, Begin, End, Frames, Layout, SerialLine
from drivers.profile.vocabulary import HEADER, KINDS, VALUES
from ingestor.model import Evidence, Priority, Role

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

_T = TypeVar("_T")
FORMS = ("text", "xml")
_CODECS = ("ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp850", "cp437", "latin-1",
    "cp1250", "iso-8859-2", "iso-8859-15", "mac-roman", "shift_jis", "euc_jp",
)  # fmt: skip


def compile_layout(data: dict[str, Any], problems: Problems, variant: str = "", version: str = "") -> Layout:
    """Return the layout that the merged keys of a profile describe.

    Args:
        data: keys of the profile, with what it extends and the overlay of one version merged in.
        problems: where complaints go; the layout means nothing if there are any.
        variant: name of the overlay.
        version: pattern of the printed version that this layout reads, empty for any.
    """
    keys = Keys(data, "", problems)
    file = keys.below("file") or Keys({}, "file", problems)
    number = _number(file)
    layout = Layout(
        name=keys.text("name"),
        variant=variant,
        version=glob(version) if version else None,
        evidence=Evidence(keys.choice("evidence", Evidence, "declared") or "declared"),
        role=Role(keys.choice("role", Role, "adsorber") or "adsorber"),
        maker=keys.text("maker", "-").removeprefix("-"),
        regenerable={"regenerable": True, "single-use": False}.get(
            keys.choice("columns", ("regenerable", "single-use", "unknown"), "unknown")
        ),
        cycle_definition=keys.choice("cycles", ("load", "pair"), "load"),
        begin=_begin(keys),
        end=_end(keys),
        blocks=read_blocks(keys, number),
        kinds=_kinds(keys.below("alarms")),
        kinds_of_model=_kinds_of_models(keys.below("alarms")),
        bundle=_bundle(keys),
        frames=_frames(keys),
        line=_line(keys),
        **_file(file),
    )
    check_layout(keys, layout)
    for key in ("title", "source"):
        check_told(keys, key)
    for key in ("extends", "template", "version", "variant"):
        keys.raw(key)
    keys.done()
    return layout


def _number(file: Keys) -> Grammar:
    decimal = file.choice("decimal", (".", ","), ".")
    thousands = file.text("thousands", "-").removeprefix("-")
    if thousands and (len(thousands) != 1 or thousands == decimal or thousands.isalnum()):
        file.complain(
            "thousands", "the sign between thousands is one character, another than the decimal sign"
        )
    return Grammar(decimal or ".", thousands)


def _file(file: Keys) -> dict[str, Any]:
    delimiter = file.text("delimiter", "-").removeprefix("-")
    if delimiter != "spaces" and (len(delimiter) > 1 or delimiter.isalnum() or not delimiter.isascii()):
        file.complain("delimiter", f"one sign such as ';', or 'spaces' for runs of them, got {delimiter!r}")
    encodings = {key: file.words(key) for key in ("encoding", "encoding_proved_by_words")}
    for key, names in encodings.items():
        for name in names:
            if name not in _CODECS:
                file.complain(key, f"{name!r} is not known; known are {', '.join(_CODECS)}")
    stamps = file.words("stamps")
    for declared in stamps:
        _attempt(file, "stamps", check_format, declared)
    heading = file.text("heading", "-").removeprefix("-")
    form = file.choice("form", FORMS, "text")
    if form == "xml":
        for key in (
            "encoding",
            "delimiter",
            "quote",
            "heading",
            "tag_field",
            "ignore_tags",
            "ignore_lines",
            "unknown_columns",
            "workbook",
        ):
            if key in file.data:
                file.complain(key, "has no meaning in XML")
        delimiter = "\x1f"  # between cells of samples, once they are lines
    out = {
        "form": form,
        "encodings": encodings["encoding"] or ("utf-8",),
        "other_encodings": encodings["encoding_proved_by_words"],
        "workbook": file.flag("workbook"),
        "delimiter": delimiter,
        "decimal": file.text("decimal", "."),
        "quote": file.choice("quote", ('"', "'", "-"), "-").removeprefix("-"),
        "empty": file.words("empty"),
        "stamps": stamps,
        "heading": glob(heading) if heading else None,
        "tag_field": max(file.count("tag_field", 1), 1),
        "tags_ignored": file.words("ignore_tags"),
        "lines_ignored": file.words("ignore_lines"),
        "unknown_columns": file.choice("unknown_columns", ("keep", "refuse"), "refuse") == "keep",
    }
    file.done()
    return out


def _attempt(keys: Keys, key: str, read: Callable[[str], _T], text: str) -> _T | None:
    try:
        return read(text)
    except ValueError as error:
        keys.complain(key, str(error))
        return None


def _patterns(keys: Keys, key: str) -> tuple[re.Pattern[str], ...]:
    compiled = [_attempt(keys, key, pattern, text) for text in keys.words(key)]
    return tuple(one for one in compiled if one is not None)


def _begin(keys: Keys) -> Begin:
    begin = keys.below("begin")
    if begin is None:
        return Begin()
    namespace = begin.text("namespace", "-").removeprefix("-")
    out = Begin(
        lines=_patterns(begin, "line"),
        literal=tuple(literal(text) for text in begin.words("line")),
        tag=begin.text("tag", "-").removeprefix("-"),
        path=begin.text("element", "-").removeprefix("-"),
        goes_on=begin.flag("goes_on"),
        namespace=_attempt(begin, "namespace", pattern, namespace) if namespace else None,
    )
    begin.done()
    return out


def _end(keys: Keys) -> End:
    end = keys.below("end")
    if end is None:
        keys.complain(
            "end", "say what proves that a file is whole: line, tag, state, field, document or file"
        )
        return End()
    out = End(
        lines=_patterns(end, "line"),
        literal=tuple(literal(text) for text in end.words("line")),
        tag=end.text("tag", "-").removeprefix("-"),
        order=end.words("fields"),
        state=end.text("state", "-").removeprefix("-"),
        field=end.choice("field", (*HEADER, "-"), "-").removeprefix("-"),
        document=end.flag("document"),
        file=end.flag("file"),
    )
    if sum(map(bool, (out.lines, out.tag, out.state, out.field, out.document, out.file))) != 1:
        end.complain("", "exactly one of line, tag, state, field, document and file proves the end")
    end.done()
    return out


def _kind(keys: Keys, code: str, value: object) -> AlarmKind:
    said = value if isinstance(value, dict) else {"kind": value}
    inside = Keys(said, keys.path(code), keys.problems)
    kind = inside.choice("kind", KINDS, "other")
    priority = inside.choice("priority", (*VALUES["priority"], "-"), "-").removeprefix("-")
    inside.done()
    return AlarmKind(kind, Priority(priority) if priority in VALUES["priority"] else None)


def _is_model(value: object) -> bool:
    return isinstance(value, dict) and not set(value) <= {"kind", "priority"}


def _kinds(keys: Keys | None) -> dict[str, AlarmKind]:
    return {c: _kind(keys, c, v) for c, v in keys.data.items() if not _is_model(v)} if keys else {}


def _kinds_of_models(keys: Keys | None) -> dict[str, dict[str, AlarmKind]]:
    if keys is None:
        return {}
    models = {model: Keys(table, keys.path(model), keys.problems) for model, table in keys.data.items()
              if _is_model(table)}  # fmt: skip
    return {model: _kinds(below) for model, below in models.items()}


def _bundle(keys: Keys) -> dict[str, str]:
    below = keys.below("bundle")
    if below is None:
        return {}
    parts = {part: below.text(part) for part in below.data}
    for part, name in parts.items():
        if name.count("{stem}") != 1:
            below.complain(part, f"a name with {{stem}} in it, such as '{{stem}}.csv'; got {name!r}")
    return parts


def _frames(keys: Keys) -> Frames | None:
    below = keys.below("frames")
    if below is None:
        return None
    out = Frames(
        start=below.count("start"), end=below.count("end"),
        check=below.choice("check", ("xor8", "sum8", "-"), "-").removeprefix("-"),
        sequence=below.count("sequence_field"), modulo=below.count("sequence_numbers"),
    )  # fmt: skip
    below.done()
    return out


def _line(keys: Keys) -> SerialLine | None:
    below = keys.below("line")
    if below is None:
        return None
    bits = [f"{data}{parity}{stop}" for data in (7, 8) for parity in "NEO" for stop in (1, 2)]
    out = SerialLine(below.count("speed", 9600), below.choice("bits", bits, "8N1"))
    below.done()
    return out
