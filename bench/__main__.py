"""`python -m bench [NAME…]`: run benchmarks, print one table, write bench/results.json and the table in docs/benchmarks.md."""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import page
from bench.rows import Row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
NOT_BENCHMARKS = {"rows", "__main__", "__init__"}


def benchmarks() -> list[str]:
    """Every module here that has a `measure`, in the order of the names."""
    return sorted(
        path.stem
        for path in HERE.glob("*.py")
        if path.stem not in NOT_BENCHMARKS and "def measure(" in path.read_text()
    )


def table(rows: list[Row]) -> Table:
    shown = Table(title=f"Touchline on {os.cpu_count()} cores, Python {platform.python_version()}")
    for heading in ("figure", "median", "± spread", "unit", "ratio", "to", "bar", ""):
        shown.add_column(heading, justify="right" if heading in {"median", "± spread", "ratio"} else "left")
    for row in rows:
        mark = {True: "[green]holds[/]", False: "[red]fails[/]", None: ""}[row["holds"]]
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        shown.add_row(
            row["name"],
            f"{row['median']:,.3f}",
            f"{row['spread']:,.3f}",
            row["unit"],
            ratio,
            row["reference"],
            row["bar"],
            mark,
        )
    return shown


def merge(old: list[Row], new: list[Row]) -> list[Row]:
    """New figures replace those of the same name; a run of one benchmark keeps the others."""
    by_name = {row["name"]: row for row in old} | {row["name"]: row for row in new}
    return [by_name[name] for name in sorted(by_name)]


def keep(rows: list[Row]) -> None:
    """Write the figures of one benchmark at once: what has been measured stays, whatever comes of the next."""
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    kept = merge(old, rows)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    page.PAGE.write_text(page.with_table(page.PAGE.read_text(), kept))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of: {', '.join(benchmarks())}; default: all but peers"
    )
    parser.add_argument("--peers", action="store_true", help="only the comparison with Centrifugo (needs Go)")
    arguments = parser.parse_args()
    names = arguments.names or (["peers"] if arguments.peers else [name for name in benchmarks() if name != "peers"])
    unknown = [name for name in names if name not in benchmarks()]
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(benchmarks())}")
    rows: list[Row] = []
    for name in names:
        began = time.monotonic()
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        new = importlib.import_module(f"bench.{name}").measure()
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
        keep(new)
        rows += new
    Console(width=160).print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
