"""Fixtures and rules for all tests."""

import os
import shutil
import tempfile
from importlib.util import find_spec

_COMPILED = "JAX_COMPILATION_CACHE_DIR"


def pytest_configure(config):
    """Let all workers, and the commands that tests start, share what they compile."""
    if _COMPILED not in os.environ:
        folder = tempfile.mkdtemp(prefix="compiled-")
        os.environ[_COMPILED] = folder  # before JAX is imported, here and in every worker
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(config, items):
    """Deselect tests of the real LFW, or of the benchmarks' peers, where these are not there."""
    missing = set() if os.environ.get("LFW_DIR") else {"lfw"}
    if find_spec("torch") is None or find_spec("pytorch_metric_learning") is None:
        missing.add("torch")
    left_out = [item for item in items if missing & set(item.keywords)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not missing & set(item.keywords)]
