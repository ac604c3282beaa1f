"""Records: what was measured, on what, with what; one JSON file per row, variant and seed.

Nobody types a measured number: a `Result` is made by the run that measured it, and tables, plots
and pages are made from the files.
"""

import dataclasses
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.protocol import Category

THRESHOLD_RULES = ("nine-folds", "view1", "model", "none")


class RecordError(ValueError):
    """A record is not what it should be; the message names the file and the field."""


@dataclass(frozen=True)
class Result:
    """One measured row. Fields are the fixed keys that any tool can read."""

    row: str
    variant: str
    benchmark: str
    """`lfw-view2`, or `synthetic`."""
    category: str
    """One of `common.protocol.Category`, by label."""
    paper_protocol: str
    """The paper's own word for the protocol (as DeepFace's `restricted`)."""
    threshold_rule: str
    """`nine-folds`, `view1`, `model` (a classifier's own decision), or `none`."""
    metrics: dict[str, Any]
    """As `common.verification.summarize` returns it."""
    published: dict[str, Any]
    """`accuracy` and `source`; empty when nothing was published."""
    lfw_variant: str
    alignment: str
    """`none`, or how faces were aligned before they were represented."""
    test_time: str
    """Flip or mean tricks at test time; `none`."""
    fallbacks: int
    """Faces that were not detected or aligned; their pairs count with the fallback."""
    data: dict[str, Any]
    """`name`, `sha256`, `images`, `people` of the benchmark; `pairs_sha256` of the images that
    pairs name."""
    training: dict[str, Any]
    """`data`, `images`, `identities`, `sha256`, `lfw_overlap`, `hours`, `device`."""
    model: dict[str, Any]
    """`parameters`, `embedding_size`."""
    speed: dict[str, Any]
    """`faces_per_second`, `device`."""
    config: dict[str, Any]
    pairs: int
    seed: int
    seconds: float
    tolerance: float
    """A rerun agrees when its mean accuracy (or AUC) is this near."""
    command: str
    synthetic: bool = False
    row_seconds: float = 0.0
    """Of the whole run of the row, with its choosing and all its variants, and with its aligning
    unless that was in the cache; 0 where a training was part of it."""
    roc: dict[str, list[float]] = field(default_factory=dict)
    """`far` and `tar`: the curve, thinned for plotting."""
    commit: str = ""
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Category.of(self.category)
        if self.threshold_rule not in THRESHOLD_RULES:
            raise ValueError(
                f"threshold_rule is {self.threshold_rule!r}, wanted one of {THRESHOLD_RULES}"
            )
        if not math.isfinite(self.tolerance) or self.tolerance < 0:
            raise ValueError(f"tolerance is {self.tolerance}, wanted a finite number >= 0")

    @property
    def file_name(self) -> str:
        """Where the record stands: `<row>_<variant>_seed<seed>.json`."""
        return f"{self.row}_{self.variant}_seed{self.seed}.json"

    @property
    def figure(self) -> float:
        """The number that a rerun is compared by: mean accuracy, or AUC without a threshold."""
        accuracy = self.metrics.get("accuracy")
        return float(self.metrics["auc"] if accuracy is None else accuracy["mean"])


def write(result: Result, folder: Path) -> Path:
    """Write a record; the file is whole or not there at all."""
    return write_json(dataclasses.asdict(result), folder / result.file_name)


def write_json(content: Mapping[str, Any], path: Path) -> Path:
    """Write what JSON can hold; the file is whole or not there at all, its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    partial = path.with_suffix(f".{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def read(path: Path) -> Result:
    """Read a record.

    Raises:
      RecordError: not JSON, a field missing, unknown, or of another type.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(f"{path.name} cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise RecordError(f"{path.name} holds a {type(content).__name__}, wanted an object")
    fields = {f.name: f for f in dataclasses.fields(Result)}
    missing = sorted(
        name
        for name, f in fields.items()
        if name not in content
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    )
    if missing:
        raise RecordError(f"{path.name} lacks {', '.join(missing)}; measure the row again")
    unknown = sorted(set(content) - set(fields))
    if unknown:
        raise RecordError(f"{path.name} has unknown fields: {', '.join(unknown)}")
    kinds = {
        "row": str,
        "variant": str,
        "metrics": dict,
        "config": dict,
        "training": dict,
        "model": dict,
        "published": dict,
        "seed": int,
        "synthetic": bool,
    }
    for name, kind in kinds.items():
        if name in content and not isinstance(content[name], kind):
            raise RecordError(f"{path.name}: {name} is {content[name]!r}, wanted {kind.__name__}")
    try:
        result = Result(**content)
        _ = result.figure  # a metrics block without a figure is no record
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{path.name}: {error}") from None
    if result.file_name != path.name:
        raise RecordError(f"{path.name} says it is {result.file_name}: two records for one row?")
    return result


def read_all(folder: Path) -> list[Result]:
    """All records of a folder, in the order of their names.

    Raises:
      RecordError: one of them is not what it should be.
    """
    return [read(path) for path in sorted(folder.glob("*.json"))]


def same_images(one: Result, other: Result) -> bool:
    """Whether two results were measured on the same images.

    Copies of LFW may lack the images that no pair names. Only a method that learns from the names
    of LFW's own people sees those.
    """
    if one.data.get("sha256") == other.data.get("sha256"):
        return True
    learns_names = any(
        Category.of(result.category).identities
        and result.training.get("sha256") == result.data.get("sha256")
        for result in (one, other)
    )
    paired = one.data.get("pairs_sha256")
    return not learns_names and bool(paired) and paired == other.data.get("pairs_sha256")


def commit() -> str:
    """The commit of the code that runs, with `+changes` if files differ from it; "" without git."""
    root = Path(__file__).resolve().parent.parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        # Records and generated pages change with every measurement: they are not the code.
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "*.py", "*.toml")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+changes" if changed else "")


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    from importlib.metadata import version

    names = (
        "jax",
        "jaxlib",
        "numpy",
        "scipy",
        "scikit-learn",
        "scikit-image",
        "opencv-python-headless",
        "pillow",
    )
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def device() -> str:
    """What JAX computes on, as `1 x NVIDIA A100` or `2-core CPU` (cores this process may use)."""
    import jax

    found = jax.devices()
    if found[0].platform == "cpu":
        everywhere = range(os.cpu_count() or 1)
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else everywhere
        return f"{len(allowed)}-core CPU"
    return f"{len(found)} x {found[0].device_kind}"
