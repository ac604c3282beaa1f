"""A lock that another holds: waited for, or gone without."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from common.data.locking import locked


def test_without_waiting_it_is_said_whether_the_lock_is_held(tmp_path):
    path = tmp_path / "file"
    with locked(path, wait=False) as first:
        assert first
        for _ in range(2):  # going without it takes nothing from its owner
            with locked(path, wait=False) as second:
                assert not second
        with locked(tmp_path / "other", wait=False) as other:
            assert other
    with pytest.raises(KeyError), locked(path, wait=False):
        raise KeyError
    with locked(path) as again:
        assert again


def test_waiting_ends_when_the_owner_lets_go(tmp_path):
    waits, order = Event(), []

    def second():
        waits.set()
        with locked(tmp_path / "file") as held:
            order.append(("second", held))

    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path / "file"):
            waiting = pool.submit(second)
            assert waits.wait(10)
            order.append(("first", True))
        waiting.result(10)
    assert order == [("first", True), ("second", True)]
