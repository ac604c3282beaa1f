"""Differences of accuracies fold by fold, as the tables and pictures of several networks say them.

What is measured on the same ten folds is compared on each of them: what makes a fold easy or hard
for both then cancels. The standard error is that of the ten differences.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from common.records import Result
from common.verification import mean_and_standard_error

NOT_MEASURED = "not measured"
Folds: TypeAlias = Float[np.ndarray, " folds"]
"""Accuracy on each fold of View 2, or a difference of two."""


def folds(results: Sequence[Result], row: str) -> dict[str, Folds]:
    """Accuracies of a row's variants that were measured, by name."""
    return {
        r.variant: np.array(r.metrics["accuracy"]["folds"], np.float64)
        for r in results
        if r.row == row
    }


def less(minuend: Folds | None, subtrahend: Folds | None) -> Folds | None:
    """The difference on every fold; None where one of the two was not measured."""
    return None if minuend is None or subtrahend is None else minuend - subtrahend


def accuracy(cell: Folds | None) -> str:
    """Mean and standard error, as a cell of a table."""
    if cell is None:
        return NOT_MEASURED
    return "{:.4f} ± {:.4f}".format(*mean_and_standard_error(cell))


def difference(cell: Folds | None) -> str:
    """Mean and standard error with a sign, as a cell of a table."""
    if cell is None:
        return NOT_MEASURED
    return "{:+.4f} ± {:.4f}".format(*mean_and_standard_error(cell))
