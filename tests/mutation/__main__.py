"""Makes every small error in the modules on which a dose or a link depends, and sees whether a test notices.

    python -m tests.mutation            all modules, report in docs/mutation.md
    python -m tests.mutation dose pairs some modules, report on the screen only

Each error lives in a child process of its own, for a minute at most; no file of the source is touched.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutation.mutants import Mutant, mutants_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "ingestor" / "meaning"
SECONDS = 60
WORKERS = 2

# Module -> tests that should notice, the nearest first.
_DOSE = ("test_dose", "test_agreement", "test_removal", "test_laws")
MODULES: dict[str, tuple[str, ...]] = {
    "agreement": ("test_agreement", "test_dose", "test_laws"),
    "anticoagulant": ("test_removal",),
    "detail": _DOSE,
    "dose": _DOSE,
    "duration": ("test_dose", "test_laws"),
    "figures": ("test_figures", "test_laws"),
    "inputs": _DOSE,
    "judgement": _DOSE,
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
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one error."""

    module: str
    mutant: Mutant
    killed: bool


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Hands out one module with an error in it."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:  # noqa: ARG002
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)


def _try(module: str, mutant: Mutant) -> int:
    """Run the tests against one error, in this process, which ends here: 0 where no test noticed."""
    signal.alarm(SECONDS)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, _Mutated(f"ingestor.meaning.{module}", ROOM / f"{module}.py", mutant.tree))
    import pytest

    files = [str(ROOT / "tests" / "meaning" / f"{name}.py") for name in MODULES[module]]
    plain = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-profile=mutation"]
    plain += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*plain, *files]))


def _outcomes(work: Sequence[tuple[str, Mutant]]) -> Iterator[Outcome]:
    """Try all errors, some at a time."""
    waiting, running = list(work), dict[int, tuple[str, Mutant]]()
    while waiting or running:
        while waiting and len(running) < WORKERS:
            one = waiting.pop(0)
            child = os.fork()
            if child == 0:
                os._exit(_try(*one) and 1)
            running[child] = one
        child, status = os.wait()
        module, mutant = running.pop(child)
        yield Outcome(module, mutant, killed=status != 0)


def _prepare() -> None:
    """Load once what every child needs, without the room that is changed."""
    import hypothesis
    import pyarrow as pa
    import pytest  # noqa: F401
    import sqlalchemy  # noqa: F401

    import ingestor.phrases
    import ingestor.store.tables
    import ingestor.trace

    assert pa
    # Plain examples in a fixed order: an error is noticed or not, whoever asks; shrinking would only cost time.
    hypothesis.settings.register_profile(
        "mutation", max_examples=12, derandomize=True, database=None, deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )  # fmt: skip
    ingestor.phrases.catalogue()
    loaded = [name for name in sys.modules if name.startswith("ingestor.meaning.")]
    assert not loaded, loaded


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


def main(names: Sequence[str]) -> None:
    """Try the errors of some modules, or of all."""
    work = [
        (module, mutant)
        for module in (names or MODULES)
        for mutant in mutants_of((ROOM / f"{module}.py").read_text("utf-8"))
    ]
    _prepare()
    whole = [
        (module, Mutant(0, "nothing", ast.parse((ROOM / f"{module}.py").read_text("utf-8"))))
        for module in names or MODULES
    ]
    if noticed := [o.module for o in _outcomes(whole) if o.killed]:
        sys.exit(f"the tests of {', '.join(noticed)} fail without any error")
    begun = time.monotonic()
    outcomes = []
    for done, outcome in enumerate(_outcomes(work), start=1):
        outcomes.append(outcome)
        if not outcome.killed:
            print(f"{outcome.module}.py:{outcome.mutant.line}: {outcome.mutant.what}", flush=True)
        if done % 100 == 0:
            print(f"... {done} of {len(work)}", file=sys.stderr, flush=True)
    order = {id(mutant): i for i, (_, mutant) in enumerate(work)}
    outcomes.sort(key=lambda o: order[id(o.mutant)])
    report = _report(outcomes, time.monotonic() - begun)
    if names:
        print(report)
    else:
        (ROOT / "docs" / "mutation.md").write_text(report, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
