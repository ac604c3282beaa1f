"""The lectures, from their sources: notebooks/<n>_*.py become .ipynb, and are run if you like.

python -m notebooks.build              write the notebooks, without outputs
python -m notebooks.build --execute    and run them, outputs kept; a broken cell is an error
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

FOLDER = Path(__file__).resolve().parent
SECONDS = 900
"""That a cell may take; far more than it does on a quiet machine."""


class NotebookError(RuntimeError):
    """A notebook cannot be built or run; the message names it and says why."""


def sources() -> dict[str, Path]:
    """The lectures by name, in order."""
    return {path.stem: path for path in sorted(FOLDER.glob("[0-9]_*.py"))}


def read(source: Path) -> Any:
    """A source in the percent format, as a notebook."""
    import jupytext

    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    return notebook


def execute(notebook: Any, name: str, *, environment: dict[str, str] | None = None) -> None:
    """Run all cells in the folder of the sources; their outputs are put into the notebook.

    Args:
      notebook: from `read`.
      name: for the error.
      environment: variables of the kernel; this process's own when None.

    Raises:
      NotebookError: a cell raised an error or took too long.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError
    from traitlets.config import Config

    kernel = dict(os.environ if environment is None else environment)
    # The kernel starts in notebooks/, and finds the packages whether they are installed or not.
    path = [str(FOLDER.parent), *filter(None, [kernel.get("PYTHONPATH")])]
    kernel["PYTHONPATH"] = os.pathsep.join(path)
    # XLA reports on its compilation cache as if that were an error; debugpy on frozen modules.
    kernel.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kernel.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    config = Config()
    # No kernel folders: this very Python is the kernel, whatever else is installed for the user.
    config.KernelSpecManager.kernel_dirs = []
    with tempfile.TemporaryDirectory() as sockets:
        if os.name == "posix":
            config.KernelManager.transport = "ipc"  # no open ports
            config.KernelManager.ip = f"{sockets}/kernel"
        client = NotebookClient(
            notebook, timeout=SECONDS, startup_timeout=SECONDS, kernel_name="python3",
            config=config, resources={"metadata": {"path": str(FOLDER)}},
        )  # fmt: skip
        try:
            client.execute(env=kernel)
        except (CellExecutionError, CellTimeoutError) as error:
            raise NotebookError(f"{name}: {error}") from None
        except (RuntimeError, AssertionError) as error:  # nbclient trips over a dead kernel
            raise NotebookError(f"{name}: the kernel did not start, or died ({error!r})") from None


def write(notebook: Any, path: Path) -> None:
    """Write a notebook; the file is whole or not there at all."""
    import nbformat

    partial = path.with_suffix(f".{os.getpid()}.part")
    try:
        partial.write_text(nbformat.writes(notebook), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(frozen=True)
class Build:
    """Build the notebooks."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Which lectures, by name or number; by default all."""
    execute: bool = False
    """Run them, and keep what they show."""
    out: Path = FOLDER
    """Folder to write to."""


def main(options: Build) -> int:
    """Build, and run if asked to; returns the exit code."""
    known = sources()
    chosen = {n: p for n, p in known.items() if not options.names or _named(n, options.names)}
    for wanted in options.names:
        if not any(_named(name, (wanted,)) for name in known):
            print(f"error: no lecture {wanted!r}; there are {', '.join(known)}", file=sys.stderr)
            return 1
    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, source in chosen.items():
        notebook, start = read(source), time.monotonic()
        if options.execute:
            try:
                execute(notebook, name)
            except NotebookError as error:
                failed += 1
                print(f"error: {error}", file=sys.stderr)
            print(f"{name}: ran in {time.monotonic() - start:.0f} seconds", flush=True)
        write(notebook, options.out / f"{name}.ipynb")
    return 1 if failed else 0


def _named(name: str, wanted: tuple[str, ...]) -> bool:
    return name in wanted or name.split("_")[0] in wanted


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Build, description=__doc__)))
