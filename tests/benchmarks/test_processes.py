import time
from functools import partial

import numpy as np
import pytest

from benchmarks.processes import STEADY_MALLOC, Job, Setting, Side, compare_apart, fastest_seconds

SETTING = Setting(repeats=2, limit_seconds=300.0, limit_mib=400.0)


def doubled(value=3.0, seconds=0.0, mib=0, kept_mib=0, passing_mib=0):
    kept = np.ones(kept_mib << 17)
    np.ones(passing_mib << 17).sum()

    def run():
        time.sleep(seconds)
        np.ones(mib << 17).sum()

    return Job(run, lambda: {"double": np.array([1.0, 2 * value]), "zero": np.zeros(2) * kept.ndim})


def warming_up():
    rests = iter([0.4])
    return Job(lambda: time.sleep(next(rests, 0.0)), doubled().values)


def greedy():
    held = []

    def run():
        while len(held) < 256:  # 1 GiB
            held.append(np.ones(4 << 17))
            time.sleep(0.002)

    return Job(run, dict)


def refused():
    def run():
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 TB")

    return Job(run, dict)


def broken():
    raise KeyError("no such layer")


def surroundings():
    import os

    cores = len(os.sched_getaffinity(0))
    steady = float(all(os.environ.get(name) == value for name, value in STEADY_MALLOC.items()))
    return Job(lambda: None, lambda: {"here": np.array([cores, steady])})


def expected():
    return Job(lambda: None, lambda: {"here": np.array([1.0, 1.0])})


def side(prepare, name="a side"):
    return Side(name, "numpy", prepare)


def compared(ours, *peers, tolerance=1e-6, setting=SETTING, **more):
    sides = [side(peer, f"peer {number}") for number, peer in enumerate(peers)]
    return compare_apart(
        "some work", ours=side(ours), peers=sides, tolerance=tolerance, setting=setting, **more
    )


def test_seconds_ratio_and_memory():
    ours, peer = partial(doubled, seconds=0.05, mib=20), partial(doubled, seconds=0.2, mib=90)
    (line,) = compared(ours, peer, gflop=3.0, facts={"published_seconds": 0.5})
    assert line.seconds_ours >= 0.05
    assert line.seconds_peer >= 0.2
    assert line.ratio == line.seconds_peer / line.seconds_ours
    assert line.peak_mib_ours == pytest.approx(20, abs=8)
    assert line.peak_mib_peer == pytest.approx(90, abs=8)
    assert (line.max_difference, line.peer_outcome, line.repeats) == (0, "finished", 2)
    assert line.facts["gflop_per_second_peer"] == 3.0 / line.seconds_peer
    assert line.facts["published_seconds"] == 0.5
    assert line.facts["first_call_seconds_ours"] >= 0.05


def test_memory_counts_what_was_prepared():
    (line,) = compared(partial(doubled, kept_mib=40), partial(doubled, kept_mib=110, mib=15))
    assert line.peak_mib_ours == pytest.approx(40, abs=8)
    assert line.peak_mib_peer == pytest.approx(125, abs=8)


def test_memory_leaves_out_what_preparing_took():
    (line,) = compared(partial(doubled, mib=20, passing_mib=150), doubled)
    assert line.peak_mib_ours == pytest.approx(20, abs=8)


def test_a_peer_beyond_a_limit_is_in_the_record_without_seconds():
    lines = compared(doubled, greedy, refused, partial(doubled, seconds=0.01))
    outcomes = [line.peer_outcome for line in lines]
    assert outcomes == ["out-of-memory", "out-of-memory", "finished"]
    for line in lines[:2]:
        assert (line.seconds_peer, line.ratio, line.peak_mib_peer) == (None, None, None)
        assert "out-of-memory" in str(line)
        assert line.seconds_ours >= 0


def test_a_slow_peer_is_stopped():
    setting = Setting(repeats=1, limit_seconds=5.0)
    (line,) = compared(doubled, partial(doubled, seconds=1000), setting=setting)
    assert line.peer_outcome == "too-slow"
    assert line.facts["limit_seconds"] == 5.0


def test_a_long_first_call_is_the_only_one():
    setting = Setting(repeats=9, enough_seconds=0.3)
    (line,) = compared(doubled, partial(doubled, seconds=0.4), setting=setting)
    assert line.seconds_peer == line.facts["first_call_seconds_peer"]
    assert line.repeats == 9  # ours, which is quick


def test_a_first_call_that_compiles_never_counts():
    setting = Setting(repeats=9, enough_seconds=0.3)
    slow_at_first = Side("ours", "numpy", warming_up, compiles=True)
    (line,) = compare_apart(
        "some work", ours=slow_at_first, peers=[side(doubled)], tolerance=0, setting=setting
    )
    assert line.facts["first_call_seconds_ours"] >= 0.4
    assert line.repeats == 9


def test_other_values_are_refused():
    with pytest.raises(ValueError, match="peer 0 differs by 0.17 of the largest value"):
        compared(doubled, partial(doubled, value=3.5), tolerance=0.1)
    (line,) = compared(doubled, partial(doubled, value=3.5), tolerance=0.2)
    assert line.max_difference == pytest.approx(1 / 6)


def test_what_has_nothing_in_common_is_refused():
    with pytest.raises(ValueError, match="no value to compare"):
        compared(doubled, expected)


def test_a_failure_is_told():
    with pytest.raises(RuntimeError, match="peer 0 failed: KeyError.*no such layer"):
        compared(doubled, broken)
    with pytest.raises(RuntimeError, match="ours.*out-of-memory"):
        compared(refused, doubled)


def test_malloc_and_cores_reach_the_process():
    setting = Setting(repeats=1, malloc="steady", cores=1)
    (line,) = compared(expected, surroundings, setting=setting)
    assert line.max_difference == 0
    assert line.facts["malloc"] == "steady"


def test_fastest_seconds():
    assert 0.05 <= fastest_seconds(side(partial(doubled, seconds=0.05)), SETTING)
