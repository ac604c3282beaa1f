import pytest

from common.data import cache
from common.data.cache import CacheError


def test_cache_places(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "own"))
    assert cache.cache_dir("a", "b") == tmp_path / "own" / "a" / "b"
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_root() == tmp_path / "xdg" / "classic-faces"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_root() == tmp_path / ".cache" / "classic-faces"


def test_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(CacheError, match="cannot be written .*set CLASSIC_FACES_CACHE"):
        cache.cache_dir("lfw")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(cache.os, "access", lambda *args: False)
    with pytest.raises(CacheError, match="cannot be written; set CLASSIC_FACES_CACHE"):
        cache.cache_dir("lfw")
