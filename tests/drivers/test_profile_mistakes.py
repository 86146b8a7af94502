"""A profile with a mistake says where it is and what would be right, and never reads anything."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import drivers.profile
from drivers.profile import ProfileInvalid, shipped
from drivers.profile.driver import ProfileDriver
from drivers.profile.inherit import parse_toml
from drivers.profile.loading import NotUsable, compile_profile
from ingestor.driver import Bundle, Member, ParseError
from tests.drivers.samples import REPORT, crlf

GOOD = """\
name = "x"
evidence = "declared"

[file]
delimiter = ";"
stamps = ["yyyy-mm-dd HH:MM:SS"]

[end]
state = "done"

[block.header]
prefix = "# "
serial = "serial"

[block.samples]
time = "t"
plasma_flow = { word = "qp", unit = "mL/min" }
state = { word = "s", values = { load = "run" } }
"""


def problems(text: str) -> list[str]:
    try:
        data, found = parse_toml(text, "x.toml")
        compile_profile(data, {"base": {"name": "base"}}, found)
    except ProfileInvalid as invalid:
        return list(invalid.problems)
    return []


def test_the_profile_before_the_mistakes_is_good():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("plasma_flow", "plasmaflow", "line 17, block.samples.plasmaflow: 'plasmaflow' is no field of samples rows; did you mean 'plasma_flow'?"),
        ('unit = "mL/min"', 'unit = "mL/m"', "line 17, block.samples.plasma_flow: 'mL/m' is no unit of plasma_flow; it can be ml/min, mL/min"),
        (', unit = "mL/min"', "", "block.samples.plasma_flow: 'qp' needs a unit, for example"),
        ("load =", "lode =", "line 18, block.samples.state.values.lode: 'lode' is no state; did you mean 'load'?"),
        ('"yyyy-mm-dd HH:MM:SS"', '"YYYY-MM-DD"', "line 6, file.stamps: 'YYYY-MM-DD': 'Y' is not a token"),
        ("[end]", "[ende]", "ende: unknown key; did you mean 'end'?"),
        ('state = "done"', "", "end: exactly one of line, tag, state, field, document and file"),
        ('delimiter = ";"', 'delimiter = ";;"', "line 5, file.delimiter: one sign such as ';'"),
        ('delimiter = ";"', "", "file.delimiter: say which sign stands between the fields"),
        ('evidence = "declared"', 'evidence = "proven"', "line 2, evidence: 'proven' is not known here"),
        ('time = "t"\n', "", "block.samples: samples rows need the field 'time' or 'elapsed'"),
        ('serial = "serial"', "serial = 5", "expected a word, a list of words"),
        ('prefix = "# "', 'prefix = "# "\nelement = "A/B"', "block.header.element: has no meaning in text"),
        ('time = "t"', 'time = "t"\ntag = "S"', "block.samples: a tagged line has no column row"),
        ('time = "t"', 'time = "t"\nlasts = "until next"', "block.samples.lasts: only phases rows have it"),
        ('unit = "mL/min"', 'unit = "mL/min", from = "t"', "block.samples.plasma_flow.from: only phases and alarms and events rows have it"),
        ('time = "t"', 'time = "qp"', "'qp' already stands for 'time'"),
        ("[end]", '[begin]\nline = "X {number}"\n[end]', "begin.line: 'X {number}': {number} is not known"),
        ('name = "x"', 'name = "x"\nextends = "bas"', "extends: there is no profile 'bas' to extend; did you mean 'base'?"),
        ('name = "x"', 'name = "x"\nextends = ["base"]', "extends: there is no profile"),
        ("[end]", '[alarms]\n5 = "presure"\n[end]', "alarms.5.kind: 'presure' is not known here"),
        ('time = "t"', 'time = "t"\nmember = "alarms"', "block.samples.member: 'alarms' is no part of the bundle"),
        ("[end]", '[bundle]\na = "x.csv"\n[end]', "bundle.a: a name with {stem} in it"),
        ("[end]", "[version]\n1 = 2\n[end]", "version.1: expected a table"),
        ("delimiter =", "delimiter", "this is not TOML"),
        ("[file]", '[file]\nencoding = "ebcdic"', "line 5, file.encoding: 'ebcdic' is not known; known are ascii"),
        ('[block.samples]\ntime = "t"', '[block.samples]\nsection = "[S]"\nfields = ["time", "time"]', "named twice: time"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_place_and_what_would_be_right(old: str, new: str, said: str):
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert any(said in one for one in found), found


def test_all_mistakes_are_said_at_once():
    text = (
        GOOD.replace("plasma_flow", "plasmaflow")
        .replace('"declared"', '"proven"')
        .replace("load =", "lode =")
    )
    assert len(problems(text)) == 3


SHIPPED = sorted((Path(drivers.profile.__file__).parents[1] / "profiles").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_mutilated_profile_is_good_or_says_what_is_wrong(path: Path):
    rng = random.Random(7)
    lines = path.read_text("utf-8").splitlines()
    words = sorted({word for line in lines for word in line.replace("=", " ").replace('"', " ").split()})
    base = {p.stem: parse_toml(p.read_text("utf-8"), p.name)[0] for p in SHIPPED}
    for _ in range(60):
        copy = list(lines)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(copy))
            match rng.randint(0, 3):
                case 0:
                    del copy[at]
                case 1:
                    copy[at] = copy[rng.randrange(len(copy))]
                case 2:
                    copy[at] = copy[at].replace(rng.choice(words), rng.choice(words))
                case _:
                    copy[at] = copy[at].replace('"', rng.choice(("", "[", "5", "true")), rng.randint(1, 2))
        said: tuple[str, ...] = ()
        try:
            data, found = parse_toml("\n".join(copy), path.name)
            compile_profile(data, base, found)
        except ProfileInvalid as invalid:
            said = invalid.problems
        assert all(one.startswith(path.name) for one in said)


def test_a_bad_profile_of_a_site_stops_nobody_and_says_why(tmp_path: Path):
    (tmp_path / "good.toml").write_text(GOOD.replace('"x"', '"good"', 1), "utf-8")
    (tmp_path / "bad.toml").write_text("name = 5 5", "utf-8")
    (tmp_path / "taken.toml").write_text(GOOD.replace('"x"', '"twin-column-report"', 1), "utf-8")
    (tmp_path / "latin.toml").write_bytes("name = 'ä'".encode("latin-1"))
    found = {one.name: one for one in shipped(tmp_path)}
    assert isinstance(found["good"], ProfileDriver)
    for name, why in (("bad", "not TOML"), ("taken", "is taken"), ("latin", "not UTF-8")):
        one = found[name]
        assert isinstance(one, NotUsable)
        claim = one.claim(Bundle((Member("x", b"x"),)))
        assert not claim.claims
        assert why in claim.reason
        with pytest.raises(ParseError):
            one.parse(Bundle((Member("x", b"x"),)))
        assert one.bundle_key("x") is None


def test_a_site_extends_what_ships(tmp_path: Path):
    own = 'name = "ours"\nextends = "twin-column-report"\nmaker = "Ours"\n[begin]\nline = "#OUR {version}"\n'
    (tmp_path / "ours.toml").write_text(own, "utf-8")
    found = {one.name: one for one in shipped(tmp_path)}
    bundle = Bundle((Member("x", crlf(REPORT.replace("#TCR", "#OUR"), "cp1252")),))
    assert [name for name, one in found.items() if one.claim(bundle).claims] == ["ours"]
    (log,) = found["ours"].parse(bundle)
    assert (log.maker, log.end_reached) == ("Ours", True)


def test_a_site_lays_its_alarm_codes_over_what_ships_and_the_version_tells(tmp_path: Path):
    (tmp_path / "codes").mkdir()
    table = '[alarms]\n113 = "tmp_high"\n[alarms."AdsorptionsMonitor TC-2"]\n113 = { kind = "valve", priority = "low" }\n'
    (tmp_path / "codes" / "twin-column-report.toml").write_text(table, "utf-8")
    before = {one.name: one for one in shipped(None)}["twin-column-report"]
    after = {one.name: one for one in shipped(tmp_path)}["twin-column-report"]
    bundle = Bundle((Member("x", crlf(REPORT, "cp1252")),))
    assert [log.alarms[0].kind for log in before.parse(bundle)] == ["column_pressure_high"]
    assert [log.alarms[0].kind for log in after.parse(bundle)] == ["valve"]
    assert before.version != after.version
    (tmp_path / "codes" / "twin-column-report.toml").write_text("[file]\ndelimiter = ','\n", "utf-8")
    one = {one.name: one for one in shipped(tmp_path)}["twin-column-report"]
    assert isinstance(one, NotUsable)
    assert "only [alarms]" in one.claim(bundle).reason
