import json

from benchmarks.harness import Comparison, write

LINE = Comparison("w", "o", "p", "1.0", 1 / 3, None, None, 12.3456, None, float("nan"), 3,
                  "too-slow", {"gflop_per_second_ours": 2 / 3, "gflop_per_second_peer": None,
                               "malloc": "steady"})  # fmt: skip


def test_a_record_has_four_digits_and_no_nan(tmp_path):
    (line,) = json.loads(write("toy", [LINE], tmp_path).read_text())
    assert line["seconds_ours"] == 0.3333
    assert line["max_difference"] is None
    assert line["seconds_peer"] is None
    assert line["peer_outcome"] == "too-slow"
    assert line["facts"] == {
        "gflop_per_second_ours": 0.6667, "gflop_per_second_peer": None, "malloc": "steady",
    }  # fmt: skip
