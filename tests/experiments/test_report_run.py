"""Which curves a run's picture shows."""

from experiments.report_run import _curves
from experiments.rows import ROWS
from tests.common.test_records import make_result


def test_one_row_shows_all_its_variants_and_several_rows_their_headlines():
    facenet = [make_result(row="facenet", variant=name) for name in ("mirrored", "aligned")]
    ideas = [make_result(row="ideas", variant=ROWS["ideas"].headline), make_result(row="ideas")]
    assert _curves(facenet) == facenet
    assert _curves([*facenet, *ideas]) == [facenet[1], ideas[0]]
    assert _curves([*facenet, make_result(row="a row without a line")]) == [facenet[1]]
