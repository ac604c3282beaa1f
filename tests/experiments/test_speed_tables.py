"""DeepFace's speed: what the table says of the goals."""

import pytest

from experiments.speed_tables import features, training

STEP, FEATURES = "DeepFace, training step, 9 parameters", "DeepFace, features up to F7"


def comparison(work, product, seconds, peer_seconds, **changes):
    ratio = None if peer_seconds is None else peer_seconds / seconds
    return {
        "work": work, "peer": f"torch F.unfold, {product}", "seconds_ours": seconds,
        "seconds_peer": peer_seconds, "ratio": ratio, "peak_mib_ours": 600.0,
        "peak_mib_peer": 1100.0, "peer_outcome": "finished",
        "facts": {"published_seconds_per_face": 0.18}, **changes,
    }  # fmt: skip


def cells(text):
    return [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()[2:]]


@pytest.mark.parametrize(
    ("batch", "product", "peer_seconds", "said"),
    [
        (128, "einsum", 9.98, ["4.99", "5: not reached"]),
        (128, "einsum", 10.0, ["5.00", "5: reached"]),
        (128, "bmm", 4.9, ["2.45", "2.5: not reached"]),
        (128, "bmm", 5.1, ["2.55", "2.5: reached"]),
        (32, "bmm", 1.9, ["0.95", "1: not reached"]),
        (32, "einsum", 2.1, ["1.05", "1: reached"]),
    ],
)
def test_a_step_beside_its_goal(batch, product, peer_seconds, said):
    one = comparison(f"{STEP}, batch {batch}, all cores", product, 2.0, peer_seconds)
    other = comparison(f"{FEATURES}, batch 1, one core", product, 2.0, 3.0)
    ((*found,),) = cells(training([other, one]))
    name = f"torch F.unfold, {product}"
    assert found == [
        str(batch), name, "2", f"{peer_seconds:.3g}", *said, "600", "1,100", "0.55",
        "0.5: not reached",
    ]  # fmt: skip
    ((*found,),) = cells(training([{**one, "peak_mib_ours": 550.0}]))
    assert found[-2:] == ["0.50", "0.5: reached"]


def test_a_peer_that_did_not_finish_is_named():
    changes = {"peak_mib_peer": None, "peer_outcome": "out-of-memory"}
    one = comparison(f"{STEP}, batch 128, all cores", "bmm", 2.0, None, **changes)
    ((*found,),) = cells(training([one]))
    assert found[3:6] == ["-", "out-of-memory", "2.5: reached"]
    assert found[7:] == ["-", "-", "0.5: -"]


def test_features_are_by_the_face():
    one = comparison(f"{FEATURES}, batch 64, one core", "bmm", 1.6, 4.8)
    step = comparison(f"{STEP}, batch 128, all cores", "bmm", 2.0, 5.0)
    assert cells(features([step, one])) == [
        ["64", "torch F.unfold, bmm", "0.025", "0.075", "3.00", "0.18", "600", "1,100"]
    ]
