"""Makes every small error in the modules on which a dose or a link depends, and sees whether a test notices.

    python -m tests.mutation            all modules, report in docs/mutation.md
    python -m tests.mutation dose pairs some modules, report on the screen only

The tests are collected once; each error lives in a forked child of its own, for some seconds at most. No file of the
source is touched.
"""

from __future__ import annotations

import ast
import contextlib
import os
import resource
import sys
import time
from dataclasses import dataclass
from enum import EnumType
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mutation.mutants import Mutant, mutants_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "ingestor" / "meaning"
SECONDS = 20
WORKERS = 2

# Module -> tests that should notice, the nearest first.
_DOSE = ("test_dose", "test_agreement", "test_removal", "test_laws")
MODULES: dict[str, tuple[str, ...]] = {
    "agreement": ("test_agreement", "test_dose", "test_laws"),
    "anticoagulant": ("test_removal",),
    "detail": (*_DOSE, "test_columns"),
    "dose": _DOSE,
    "duration": ("test_dose", "test_laws"),
    "figures": ("test_figures", "test_laws"),
    "counted": ("test_figures", "test_laws"),
    "inputs": _DOSE,
    "judgement": (*_DOSE, "test_columns"),
    "measured": ("test_figures",),
    "plasma_volume": ("test_plasma_volume", "test_dose"),
    "processed": ("test_agreement", "test_dose", "test_laws"),
    "readings": ("test_readings", "test_figures", "test_laws"),
    "removal": ("test_removal",),
    "strength": _DOSE,
    "linking": ("test_linking", "test_sessions"),
    "pairs": ("test_sessions",),
    "sessions": ("test_sessions",),
    "courses": ("test_courses",),
    "gaps": ("test_courses",),
    "columns": ("test_columns",),
    "revisions": ("test_revisions",),
    "differences": ("test_revisions",),
    "containment": ("test_containment",),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one error."""

    module: str
    mutant: Mutant
    killed: bool


def _plant(module: str, tree: ast.Module) -> None:
    """Let the error stand in place of the sound module, wherever something of it is used."""
    sound = sys.modules[f"ingestor.meaning.{module}"]
    before = dict(vars(sound))
    exec(compile(tree, str(ROOM / f"{module}.py"), "exec"), vars(sound))
    # Tests hold members of an enumeration in their parameters: its name keeps what it stood for.
    vars(sound).update(
        {n: o for n, o in before.items() if isinstance(o, EnumType) and o.__module__ == sound.__name__}
    )
    swapped = {id(old): vars(sound)[name] for name, old in before.items() if vars(sound).get(name) is not old}
    for name, user in list(sys.modules.items()):
        if name.startswith(("ingestor.", "tests.")) and user is not sound:
            for key, value in list(vars(user).items()):
                if id(value) in swapped:
                    setattr(user, key, swapped[id(value)])


def _notices(session: pytest.Session, module: str, mutant: Mutant) -> bool:
    """Run the tests against one error, in a child process: does any of them fail?"""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    terminal._tw._file = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the child lives
    try:
        _plant(module, mutant.tree)
    except Exception:  # noqa: BLE001 - a module that cannot even be loaded is noticed
        return True
    nearest = MODULES[module]
    items = [item for item in session.items if item.path.stem in nearest]
    for item in sorted(items, key=lambda item: nearest.index(item.path.stem)):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if session.testsfailed:
            return True
    return False


def _outcomes(session: pytest.Session, work: Sequence[tuple[str, Mutant]]) -> Iterator[Outcome]:
    """Try all errors, some at a time."""
    waiting, running = list(work), dict[int, tuple[str, Mutant]]()
    while waiting or running:
        while waiting and len(running) < WORKERS:
            one = waiting.pop(0)
            child = os.fork()
            if child == 0:
                status = 1
                with contextlib.suppress(BaseException):
                    status = int(_notices(session, *one))
                os._exit(status)
            running[child] = one
        child, status = os.wait()
        module, mutant = running.pop(child)
        yield Outcome(module, mutant, killed=status != 0)


class _Loop:
    """Takes the place of the test run: the tests are collected, then run once for every error."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.outcomes: list[Outcome] = []
        self.sound = True

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        trees = {name: (ROOM / f"{name}.py").read_text("utf-8") for name in self.names}
        control = [(name, Mutant(0, "nothing", ast.parse(text))) for name, text in trees.items()]
        for outcome in _outcomes(session, control):
            if outcome.killed:
                self.sound = False
                print(f"the tests of {outcome.module} fail without any error", flush=True)
        work = [(name, mutant) for name, text in trees.items() for mutant in mutants_of(text)]
        for done, outcome in enumerate(_outcomes(session, work if self.sound else ()), start=1):
            self.outcomes.append(outcome)
            if not outcome.killed:
                print(f"{outcome.module}.py:{outcome.mutant.line}: {outcome.mutant.what}", flush=True)
            if done % 200 == 0:
                print(f"... {done} of {len(work)}", file=sys.stderr, flush=True)
        order = {id(mutant): i for i, (_, mutant) in enumerate(work)}
        self.outcomes.sort(key=lambda o: order[id(o.mutant)])
        return True


def _report(outcomes: Sequence[Outcome], seconds: float) -> str:
    lines = [
        "# How sharp are the tests?",
        "",
        "`make mutation` makes one small error at a time in the modules on which a dose, a session or a link depends,",
        "and runs their tests: a comparison turned, a sign changed, a number off by one, a text changed, a branch always",
        "or never taken. An error is *noticed* if a test fails. What stays unnoticed is listed.",
        "",
        "| module | errors | noticed | share |",
        "|---|---|---|---|",
    ]
    for module in dict.fromkeys(o.module for o in outcomes):
        mine = [o.killed for o in outcomes if o.module == module]
        lines.append(f"| `{module}` | {len(mine)} | {sum(mine)} | {sum(mine) / len(mine):.0%} |")
    killed = sum(o.killed for o in outcomes)
    lines.append(f"| **all** | {len(outcomes)} | {killed} | {killed / len(outcomes):.1%} |")
    lines += ["", f"Measured in {seconds / 60:.0f} minutes on {WORKERS} processes.", "", "## Unnoticed", ""]
    alive = [o for o in outcomes if not o.killed]
    lines += [f"- `{o.module}.py` line {o.mutant.line}: {o.mutant.what}" for o in alive] or ["None."]
    return "\n".join(lines) + "\n"


def main(names: Sequence[str]) -> int:
    """Try the errors of some modules, or of all."""
    import hypothesis

    # Plain examples in a fixed order: an error is noticed or not, whoever asks; shrinking would only cost time.
    hypothesis.settings.register_profile(
        "mutation", max_examples=12, derandomize=True, database=None, deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )  # fmt: skip
    loop = _Loop(names or list(MODULES))
    files = sorted({str(ROOT / "tests/meaning" / f"{t}.py") for n in loop.names for t in MODULES[n]})
    begun = time.monotonic()
    plain = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-profile=mutation"]
    pytest.main([*plain, "-W", "ignore::pytest.PytestAssertRewriteWarning", *files], plugins=[loop])
    if not loop.outcomes:
        return 1
    report = _report(loop.outcomes, time.monotonic() - begun)
    if names:
        print(report)
    else:
        (ROOT / "docs" / "mutation.md").write_text(report, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
