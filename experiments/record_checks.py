"""What tables and the report ask of a record before they quote it."""

from common.records import Result
from experiments.rows import ROWS

_NEEDED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "data": {"name": str, "sha256": str, "images": int, "people": int},
    "training": {"images": int, "identities": int, "hours": (int, float), "device": str},
    "model": {"parameters": int, "embedding_size": int},
    "speed": {"faces_per_second": (int, float), "device": str},
    "metrics": {"auc": (int, float), "eer": (int, float), "tar_at_far": dict},
}
_TAR_AT = ("0.1", "0.01", "0.001")


class TableError(ValueError):
    """A table cannot be made; the message says which file or record is at fault."""


def check_record(result: Result) -> None:
    """Everything that is quoted of it is there, and of its kind.

    Raises:
      TableError: it is not, or the record is synthetic or of an unknown row.
    """
    name = result.file_name
    if result.synthetic:
        raise TableError(f"{name} was measured on synthetic faces: it has no place here")
    if result.row not in ROWS:
        raise TableError(f"{name} is of the row {result.row!r}; the rows are {', '.join(ROWS)}")
    for block, keys in _NEEDED.items():
        content = getattr(result, block)
        for key, kind in keys.items():
            if not isinstance(content.get(key), kind):
                raise TableError(
                    f"{name}: {block}.{key} is {content.get(key)!r}; measure the row again"
                )
    if not set(_TAR_AT) <= set(result.metrics["tar_at_far"]):
        raise TableError(f"{name}: metrics.tar_at_far lacks one of {', '.join(_TAR_AT)}")
    if "accuracy" not in result.metrics:
        raise TableError(
            f"{name}: metrics lacks accuracy; it is null where no threshold is allowed"
        )
    accuracy = result.metrics["accuracy"]
    if accuracy is not None and not {"mean", "standard_error", "folds"} <= set(accuracy):
        raise TableError(f"{name}: metrics.accuracy lacks mean, standard_error or folds")
