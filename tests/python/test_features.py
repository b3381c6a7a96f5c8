"""The functions of frames against librosa's figures (tests/golden/python), and their arguments."""

import importlib.util
import inspect
import json

import numpy as np
import pytest
from conftest import ROOT

import genrewise
from genrewise import features

SCRIPT = ROOT / "tests/golden/python/frame_features.py"
golden = importlib.util.module_from_spec(importlib.util.spec_from_file_location("frame_features", SCRIPT))
golden.__spec__.loader.exec_module(golden)
EXPECTED = json.loads(SCRIPT.with_suffix(".json").read_text())["calls"]

# The largest difference from librosa, relative to the largest value of the result; docs/python.md states them. The
# constant-Q transform halves rates with shorter filters (dsp/cqt.hpp); CENS quantises what comes from it.
TOLERANCES = {"chroma_cqt": 2e-3, "tonnetz": 2e-3, "chroma_cens": 2e-2}
TOLERANCE = 2e-6  # rounding in float32


def tolerance(name):
    return TOLERANCES.get(name, TOLERANCE)


@pytest.mark.parametrize("i", range(len(golden.CALLS)), ids=lambda i: f"{golden.CALLS[i][0]}-{i}")
def test_a_call_gives_librosas_figures(i):
    name, arguments, first = golden.CALLS[i]
    shape, values = golden.thinned(golden.call([features], name, arguments, first))
    expected = np.array(EXPECTED[i]["values"])
    assert shape == EXPECTED[i]["shape"]
    assert np.abs(values - expected).max() <= tolerance(name) * np.abs(expected).max()


def test_every_call_gives_what_the_librosa_installed_here_gives():
    librosa = pytest.importorskip("librosa")
    modules = (librosa, librosa.feature, librosa.onset)
    for name, arguments, first in golden.CALLS:
        ours = golden.call([features], name, arguments, first)
        theirs = golden.call(modules, name, arguments, first)
        assert np.shape(ours) == np.shape(theirs), name
        assert np.abs(ours - theirs).max() <= tolerance(name) * np.abs(theirs).max(), (name, arguments)
        parameters = inspect.signature(next(getattr(m, name) for m in modules if hasattr(m, name))).parameters
        mine = inspect.signature(getattr(features, name)).parameters
        assert [p for p in parameters if p not in mine and p != "kwargs"] == [], name
        assert {p: q.default for p, q in mine.items() if p in parameters and q.default != parameters[p].default} == {}, name


def test_spectrograms_can_be_passed_instead_of_the_signal():
    y = golden.signal()
    magnitude = np.abs(features.stft(y))
    for name in ("spectral_centroid", "spectral_bandwidth", "spectral_rolloff", "spectral_contrast", "spectral_flatness"):
        function = getattr(features, name)
        np.testing.assert_allclose(function(S=magnitude), function(y=y), rtol=1e-4, atol=1e-3)
    mel = features.melspectrogram(S=magnitude**2)
    np.testing.assert_allclose(mel, features.melspectrogram(y=y), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(features.mfcc(S=features.power_to_db(mel)), features.mfcc(y=y), atol=1e-3)
    np.testing.assert_allclose(features.chroma_stft(S=magnitude**2), features.chroma_stft(y=y), atol=1e-4)
    cqt = features.cqt_magnitude(y, tuning=None)
    np.testing.assert_array_equal(
        features.chroma_cqt(C=cqt, bins_per_octave=12), features.chroma_cqt(y=y, bins_per_octave=12)
    )
    np.testing.assert_array_equal(features.tonnetz(chroma=features.chroma_cqt(y=y)), features.tonnetz(y=y))
    # Parseval's theorem for a Hann window holds on average only.
    np.testing.assert_allclose(features.rms(S=magnitude).mean(), features.rms(y=y).mean() * np.sqrt(3 / 8), rtol=0.1)


def test_decibels_follow_reference_floor_and_range():
    power = np.array([[1e-12, 1e-3], [1.0, 50.0]])
    np.testing.assert_allclose(features.power_to_db(power, top_db=None), [[-100, -30], [0, 16.9897]], atol=1e-4)
    np.testing.assert_allclose(features.power_to_db(power, ref=np.max), [[-80, -46.9897], [-16.9897, 0]], atol=1e-4)
    np.testing.assert_allclose(features.power_to_db(power, amin=1e-5), [[-50, -30], [0, 16.9897]], atol=1e-4)
    np.testing.assert_allclose(features.amplitude_to_db(np.sqrt(power)), [[-63.0103, -30], [0, 16.9897]], atol=1e-4)
    assert features.power_to_db(2.0).shape == ()


def test_silence_gives_finite_values():
    y = np.zeros(22050, dtype=np.float32)
    for name, arguments, first in golden.CALLS:
        function = getattr(features, name)
        result = function(**{first: y}, **arguments) if first else function(y, **arguments)
        assert np.isfinite(result).all(), name


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("stft", {"window": "hamming"}),
        ("stft", {"dtype": np.complex128}),
        ("stft", {"pad_mode": "wrap"}),
        ("melspectrogram", {"htk": True}),
        ("melspectrogram", {"norm": None}),
        ("mfcc", {"dct_type": 3}),
        ("mfcc", {"lifter": -1}),
        ("mfcc", {"n_mfcc": 129}),
        ("cqt_magnitude", {"fmin": 0}),
        ("cqt_magnitude", {"n_bins": 840}),
        ("chroma_stft", {"n_chroma": 24}),
        ("chroma_stft", {"norm": None}),
        ("chroma_cqt", {"cqt_mode": "hybrid"}),
        ("chroma_cqt", {"bins_per_octave": 18}),
        ("chroma_cqt", {"hop_length": 100}),
        ("chroma_cens", {"win_len_smooth": 21}),
        ("spectral_contrast", {"n_bands": 4}),
        ("spectral_rolloff", {"roll_percent": 0.5}),
        ("spectral_bandwidth", {"p": 3}),
        ("spectral_centroid", {"n_fft": 2047}),
        ("zero_crossing_rate", {"center": False}),
        ("onset_strength", {"lag": 2}),
        ("tempogram", {"norm": None}),
        ("melspectrogram", {"sr": 22050.5}),
        ("melspectrogram", {"fmin": 9000, "fmax": 100}),
    ],
)
def test_an_argument_that_is_not_supported_is_an_error(name, arguments):
    function = getattr(features, name)
    y = golden.signal()
    keyword = "y" if inspect.signature(function).parameters["y"].kind is inspect.Parameter.KEYWORD_ONLY else None
    with pytest.raises(genrewise.Error) as raised:
        function(**{keyword: y}, **arguments) if keyword else function(y, **arguments)
    assert raised.value.where and raised.value.remedy


@pytest.mark.parametrize(
    "y", [None, np.zeros((2, 100), np.float32), np.arange(100), np.zeros(0), np.array([0.0, np.nan] * 2000)], ids=str
)
def test_a_signal_of_another_form_is_an_error(y):
    with pytest.raises(genrewise.UsageError, match="genrewise.features"):
        features.rms(y=y)


@pytest.mark.parametrize("S", [np.zeros((0, 5)), np.zeros((2, 5)), -np.ones((9, 5)), np.full((9, 5), np.nan)], ids=str)
def test_a_spectrogram_of_another_form_is_an_error(S):
    with pytest.raises(genrewise.UsageError, match="S "):
        features.spectral_centroid(S=S)


def test_decibels_of_nothing_are_an_error():
    for function in (features.power_to_db, features.amplitude_to_db):
        with pytest.raises(genrewise.UsageError):
            function([])
        with pytest.raises(genrewise.UsageError, match="amin"):
            function([1.0], amin=-1)


def test_a_stranger_argument_is_refused_by_python():
    with pytest.raises(TypeError):
        features.mfcc(y=golden.signal(), no_such_argument=1)


def test_fma518_gives_named_numbers():
    row = features.fma518(golden.signal(), 22050)
    names = features.columns("fma518")
    assert row.shape == (518,) and row.dtype == np.float32 and len(names) == 518
    mfcc = features.mfcc(y=golden.signal())
    np.testing.assert_allclose(row[names.index(("mfcc", "mean", "03"))], mfcc[2].mean(), rtol=1e-4)
    centroid = features.spectral_centroid(y=golden.signal())
    np.testing.assert_allclose(row[names.index(("spectral_centroid", "max", "01"))], centroid.max(), rtol=1e-5)


def test_feature_sets_are_found_by_name():
    assert {"fma518", "mel224", "raw10k"} <= set(features.names())
    assert features.extract(golden.signal(), 22050, "raw10k").shape == (10000,)
    with pytest.raises(genrewise.UsageError, match="fma518"):
        features.extract(golden.signal(), 22050, "no such set")
    with pytest.raises(genrewise.Error, match="too short"):
        features.extract(golden.signal()[:100], 22050, "raw10k")
