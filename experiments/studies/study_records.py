"""Studies: one thing is varied and everything else stays; one JSON file a study.

They stand beside the records of rows, in `experiments/results/studies/`, and are no rows: they are
measured on held-out training people, not on LFW, and never enter the comparison table.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.records import RecordError, write_json

NOTHING = 1e-6
"""A spread below it is rounding."""


@dataclass(frozen=True)
class Study:
    """One thing that was varied, and what came of it."""

    study: str
    """Names the file: `<study>.json`."""
    varied: str
    """What the points differ in, with its unit."""
    points: list[dict[str, Any]]
    """In their order: `setting`, and what was measured there, under `val` (`mean` and
    `standard_error`) or `error` where it can be compared with the published figures; `f` of
    clusters; `first_spread`, `spread` and `collapsed_at_step` of trainings that may collapse."""
    data: dict[str, Any]
    """Whom it was measured on: `name`, `sha256`, `images`, `identities`, `alignment`."""
    training: dict[str, Any]
    """What the network, or the networks, were trained on: `data`, `images`, `identities`, `sha256`,
    `lfw_overlap`."""
    model: dict[str, Any]
    config: dict[str, Any]
    """Everything else that was chosen."""
    published: dict[str, Any]
    """`source`, and `points`: setting to VAL; empty where the paper gives no numbers."""
    seed: int
    seconds: float
    tolerance: float
    """A rerun agrees when its `difference` is at most this."""
    command: str
    commit: str
    device: str
    versions: dict[str, str]
    synthetic: bool

    @property
    def file_name(self) -> str:
        """Where the record stands."""
        return f"{self.study}.json"

    def figures(self) -> dict[str, float]:
        """By setting, what a rerun is compared by."""
        return {str(p["setting"]): _figure(p) for p in self.points}


def _figure(point: Mapping[str, Any]) -> float:
    if "spread" in point:
        return float(point["spread"])
    if "val" in point:
        return float(point["val"]["mean"])
    return float(point["error"] if "error" in point else point["f"])


def write(study: Study, folder: Path) -> Path:
    """Write a record; the file is whole or not there at all."""
    return write_json(dataclasses.asdict(study), folder / study.file_name)


def read(path: Path) -> Study:
    """Read a record.

    Raises:
      RecordError: not JSON, a field missing or unknown, or a point without a figure.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        wanted = {field.name for field in dataclasses.fields(Study)}
        if not isinstance(content, dict) or set(content) != wanted:
            raise ValueError(f"wanted an object with {', '.join(sorted(wanted))}, and no more")
        study = Study(**content)
        if not study.points or not all(map(math.isfinite, study.figures().values())):
            raise ValueError("points without a figure")
        if study.file_name != path.name:
            raise ValueError(f"it says that it is {study.file_name}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordError(f"{path.name} is no study ({error!r}); measure it again") from None
    return study


def read_all(folder: Path) -> dict[str, Study]:
    """All studies of a folder, by name; none where there is no folder.

    Raises:
      RecordError: one of them is not what it should be.
    """
    return {path.stem: read(path) for path in sorted(folder.glob("*.json"))}


def not_comparable(new: Study, old: Study) -> str:
    """What two measurements of a study differ in besides their figures; empty if in nothing."""
    parts: dict[str, Callable[[Study], Any]] = {
        "held-out faces": lambda study: study.data["sha256"],
        "training faces": lambda study: study.training.get("sha256"),
        "network": lambda study: study.model,
        "settings": lambda study: study.config,
        "seed": lambda study: study.seed,
        "points": lambda study: sorted(study.figures()),
    }

    def known(study: Study, name: str) -> str:
        # As JSON has it, or tuples would not be the lists that were read.
        return json.dumps(parts[name](study), sort_keys=True)

    return ", ".join(name for name in parts if known(new, name) != known(old, name))


def difference(new: Study, old: Study) -> float:
    """How far apart two measurements are at most, if they are comparable.

    Rates are compared by their difference. Spreads, which lie far below any tolerance of a rate,
    and the steps of collapses are compared by the logarithm of their ratio; where one training
    collapsed and the other did not, the difference is infinite.
    """
    theirs = {str(point["setting"]): point for point in old.points}
    return max(_apart(point, theirs[str(point["setting"])]) for point in new.points)


def _apart(new: Mapping[str, Any], old: Mapping[str, Any]) -> float:
    if "spread" not in new:
        return abs(_figure(new) - _figure(old))
    steps = new["collapsed_at_step"], old["collapsed_at_step"]
    if steps == (None, None):
        return _ratio(new["spread"], old["spread"])
    return math.inf if None in steps else _ratio(*steps)


def _ratio(one: float | int, other: float | int) -> float:
    """The logarithm of the larger over the smaller; what is next to nothing counts as equal."""
    return abs(math.log(max(one, NOTHING) / max(other, NOTHING)))
