"""The command line of the benchmarks against PyTorch, and what it says where PyTorch is missing."""

import argparse
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness import RESULTS
from benchmarks.processes import Malloc

QUICK_RESULTS = Path("runs") / "benchmarks"


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    quick: bool
    """Tiny sizes, to see that it runs."""
    folder: Path
    """Where the record goes."""
    malloc: Malloc


def parse(name: str, packages: tuple[str, ...]) -> Options:
    """Read the command line; end with a message where a package is missing.

    Args:
      name: of the benchmark.
      packages: modules of the peers.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"tiny sizes, to see that it runs; the record goes to {QUICK_RESULTS}",
    )
    parser.add_argument("--folder", type=Path, help=f"where to write {name}.json")
    parser.add_argument(
        "--malloc",
        choices=("default", "steady"),
        default="default",
        help="steady: all sides keep freed memory instead of giving it back (glibc)",
    )
    found = parser.parse_args()
    if missing := [package for package in packages if not find_spec(package)]:
        sys.exit(
            f"error: {' and '.join(missing)} cannot be imported, and this benchmark compares with "
            "it. Install the peers with: python -m pip install --editable '.[bench]'"
        )
    return Options(
        quick=found.quick,
        folder=found.folder or (QUICK_RESULTS if found.quick else RESULTS),
        malloc=found.malloc,
    )
