"""genrewise.ray without Ray; tests/cluster/ray_test.py is the test on a real cluster."""

import sys

import pytest

import genrewise
import genrewise.ray


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(genrewise.Error, match="ray cannot be imported") as raised:
        genrewise.ray.extract(["a.wav"], output="t.npy")
    assert "pip install" in raised.value.remedy


def test_wrong_arguments_are_refused_before_anything_starts():
    for arguments in ({"errors": "ignore"}, {"cpus": 0}, {"parts": 0}, {"features": "none"}):
        with pytest.raises(genrewise.Error):
            genrewise.ray.extract(["a.wav"], **arguments)
