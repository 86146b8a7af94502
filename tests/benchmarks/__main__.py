"""`make bench`: every `bench_*.py` of this folder, one table each."""

from __future__ import annotations

import importlib
import platform
import sys
from importlib.metadata import version
from pathlib import Path


def main() -> None:
    """Print the versions, then every table."""
    names = ("numpy", "pyarrow", "sqlalchemy", "fastapi", "pysqlite3")
    print(f"Python {platform.python_version()}, " + ", ".join(f"{n} {version(n)}" for n in names))
    wanted = sys.argv[1:]
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        if not wanted or any(w in file.stem for w in wanted):
            print(f"\n== {file.stem.removeprefix('bench_')} ==", flush=True)
            importlib.import_module(f"tests.benchmarks.{file.stem}").main()


main()
