"""Features of signals. The functions of frames have the names, arguments and shapes of librosa 0.11; an argument that is
not supported is an error. One signal is one row of float32; results are float32 (complex64 for stft)."""

from __future__ import annotations

import functools
from typing import Callable, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._errors import UsageError

Floats = npt.NDArray[np.float32]
WindowLike = Union[str, npt.ArrayLike]
_Scalar = Union[str, float, bool, None]

__all__ = [
    "amplitude_to_db", "chroma_cens", "chroma_cqt", "chroma_stft", "columns", "cqt_magnitude", "delta",
    "estimate_tuning", "extract", "fma518", "melspectrogram", "mfcc", "names", "onset_strength", "power_to_db",
    "resample", "rms", "spectral_bandwidth", "spectral_centroid", "spectral_contrast", "spectral_flatness",
    "spectral_rolloff", "stft", "tempogram", "tonnetz", "zero_crossing_rate",
]


# Feature sets


@functools.lru_cache(maxsize=8)
def _feature_set(name: str) -> _core.FeatureSet:
    return _core.FeatureSet.make(name)


def names() -> dict[str, str]:
    """The feature sets, each with a line about it."""
    return {name: summary for name, summary, _ in _core.feature_sets()}


def columns(features: str = "fma518") -> list[tuple[str, str, str]]:
    """The columns of a feature set: feature, statistic and number, as in the header of FMA's features.csv.

    >>> columns("fma518")[0]
    ('chroma_cens', 'kurtosis', '01')
    """
    return _feature_set(features).columns


def extract(y: npt.ArrayLike, sr: float, features: str = "fma518") -> Floats:
    """A feature set of one signal: a row, described by columns(). The signal is resampled where the set needs another
    rate. Sets of pretrained networks read their weights on first use."""
    return _feature_set(features).extract(_signal("extract", y), _rate("extract", sr))


def fma518(y: npt.ArrayLike, sr: float) -> Floats:
    """The 518 numbers of FMA's features.csv, as its features.py computes them with librosa 0.11; see columns().

    >>> fma518(np.sin(0.1 * np.arange(22050)), sr=22050).shape
    (518,)
    """
    return extract(y, sr, "fma518")


# Arguments


def _wrong(function: str, problem: str, remedy: str) -> UsageError:
    return UsageError(problem, f"genrewise.features.{function}", remedy)


def _only(function: str, **arguments: tuple[object, _Scalar]) -> None:
    """Each argument: the value that was given, and the only one that is supported."""
    for name, (given, supported) in arguments.items():
        if given is not supported and not (np.isscalar(given) and given == supported):
            raise _wrong(function, f"{name}={given!r} is not supported", f"leave it at {supported!r}, or use librosa")


def _signal(function: str, y: Optional[npt.ArrayLike]) -> Floats:
    if y is None:
        raise _wrong(function, "no signal was given", "give y=")
    values = np.asarray(y)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.floating):
        problem = f"y has {values.ndim} dimensions of {values.dtype}, but must be one channel of floats"
        raise _wrong(function, problem, "mix the channels (y.mean(axis=0)) and scale integers to [-1, 1]")
    if values.size == 0 or not np.isfinite(values).all():
        raise _wrong(function, "y is empty or not finite everywhere", "pass finite samples")
    return np.ascontiguousarray(values, dtype=np.float32)


def _rate(function: str, sr: float) -> int:
    if sr != int(sr) or sr <= 0:
        raise _wrong(function, f"sr={sr!r} is not supported", "use a whole number of Hz")
    return int(sr)


def _rows(function: str, values: npt.ArrayLike, name: str = "S") -> Floats:
    """The transpose of a real matrix; no copy where librosa or this module made it."""
    matrix = np.asarray(values)
    if matrix.ndim != 2 or np.iscomplexobj(matrix):
        raise _wrong(function, f"{name} must be a real matrix", "pass one channel; np.abs() of a complex spectrum")
    if matrix.size == 0 or not np.isfinite(matrix).all():
        raise _wrong(function, f"{name} is empty or not finite everywhere", "pass finite numbers")
    return np.ascontiguousarray(matrix.T, dtype=np.float32)


def _frames(
    function: str, y: Optional[npt.ArrayLike], n_fft: int, hop_length: Optional[int], win_length: Optional[int],
    window: WindowLike, center: bool, pad_mode: str,
) -> tuple[Floats, npt.NDArray[np.float64], int]:
    """The padded signal, the window of n_fft samples, and the hop."""
    signal = _signal(function, y)
    length = n_fft if win_length is None else win_length
    hop = length // 4 if hop_length is None else hop_length
    if not 0 < length <= n_fft or hop < 1:
        problem = f"n_fft={n_fft}, win_length={length}, hop_length={hop}"
        raise _wrong(function, problem, "use positive numbers and a window of at most n_fft samples")
    if isinstance(window, str):
        _only(function, window=(window, "hann"))
        weights = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    else:
        weights = np.asarray(window, dtype=np.float64)
        if weights.shape != (length,):
            raise _wrong(function, f"the window has the shape {weights.shape}", f"pass {length} values")
    before = (n_fft - length) // 2
    if center:
        if pad_mode not in ("edge", "reflect", "symmetric"):
            _only(function, pad_mode=(pad_mode, "constant"))
        signal = np.pad(signal, n_fft // 2, mode=pad_mode)  # type: ignore[call-overload]
    return signal, np.pad(weights, (before, n_fft - length - before)), hop


def _spectrogram(
    function: str, y: Optional[npt.ArrayLike], S: Optional[npt.ArrayLike], n_fft: int, hop_length: Optional[int],
    win_length: Optional[int], window: WindowLike, center: bool, pad_mode: str, power: float = 1,
) -> Floats:
    """Frames x bins of S, or |stft(y)| ** power."""
    if S is not None:
        spectra = _rows(function, S)
        if spectra.shape[1] < 3 or spectra.min() < 0:
            raise _wrong(function, "S has negative values or fewer than 3 bins", "pass a magnitude or power spectrogram")
        return spectra
    if n_fft % 2 != 0:
        raise _wrong(function, f"n_fft={n_fft} is odd", "use an even number")
    framed = _frames(function, y, n_fft, hop_length, win_length, window, center, pad_mode)
    if power in (1, 2):
        return _core.spectrogram(*framed, squared=power == 2)
    return _core.spectrogram(*framed, squared=False) ** np.float32(power)


def _normalised(function: str, chroma: Floats, norm: Optional[float]) -> Floats:
    """A chroma whose frames have the maximum 1, with another norm of 1."""
    if norm == np.inf:
        return chroma
    if norm not in (1, 2):
        _only(function, norm=(norm, np.inf))
    length = np.linalg.norm(chroma, ord=norm, axis=0)
    return np.divide(chroma, np.where(length == 0, 1, length), dtype=np.float32)


# Spectra


def stft(
    y: npt.ArrayLike, *, n_fft: int = 2048, hop_length: Optional[int] = None, win_length: Optional[int] = None,
    window: WindowLike = "hann", center: bool = True, dtype: None = None, pad_mode: str = "constant", out: None = None,
) -> npt.NDArray[np.complex64]:
    """The short-time Fourier transform: 1 + n_fft / 2 x frames. `window`: "hann" or win_length numbers.

    >>> stft(np.zeros(22050)).shape
    (1025, 44)
    """
    _only("stft", dtype=(dtype, None), out=(out, None))
    return _core.stft(*_frames("stft", y, n_fft, hop_length, win_length, window, center, pad_mode)).T


def melspectrogram(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, n_fft: int = 2048,
    hop_length: int = 512, win_length: Optional[int] = None, window: WindowLike = "hann", center: bool = True,
    pad_mode: str = "constant", power: float = 2.0, n_mels: int = 128, fmin: float = 0.0,
    fmax: Optional[float] = None, htk: bool = False, norm: Optional[str] = "slaney",
) -> Floats:
    """The mel-spectrogram (n_mels x frames) of a signal or of a power spectrogram.

    >>> melspectrogram(y=np.zeros(22050), n_mels=64).shape
    (64, 44)
    """
    _only("melspectrogram", htk=(htk, False), norm=(norm, "slaney"))
    spectra = _spectrogram("melspectrogram", y, S, n_fft, hop_length, win_length, window, center, pad_mode, power)
    return _core.mel(spectra, _rate("melspectrogram", sr), n_mels, fmin, fmax or 0)


def power_to_db(
    S: npt.ArrayLike, *, ref: Union[float, Callable[[Floats], float]] = 1.0, amin: float = 1e-10,
    top_db: Optional[float] = 80.0,
) -> Floats:
    """10 log10(S / ref), not below amin, and not more than top_db below the maximum.

    >>> power_to_db([1.0, 100.0])
    array([ 0., 20.], dtype=float32)
    """
    if amin <= 0 or (top_db is not None and top_db < 0):
        raise _wrong("power_to_db", f"amin={amin}, top_db={top_db}", "use a positive amin and a top_db of at least 0")
    if np.size(S) == 0:
        raise _wrong("power_to_db", "S is empty", "pass at least one value")
    power = np.abs(np.asarray(S)) if np.iscomplexobj(S) else np.asarray(S)
    reference = ref(power) if callable(ref) else abs(ref)
    scale = 1e-10 / amin  # the extension has 1e-10 as amin
    flat = np.ascontiguousarray(power * scale, dtype=np.float32).reshape(-1)
    level = 10 * np.log10(scale) + 10 * np.log10(max(amin, float(reference)))
    result = _core.power_to_db(flat).reshape(power.shape) - np.float32(level)
    return result if top_db is None else np.maximum(result, result.max() - np.float32(top_db))


def amplitude_to_db(
    S: npt.ArrayLike, *, ref: Union[float, Callable[[Floats], float]] = 1.0, amin: float = 1e-5,
    top_db: Optional[float] = 80.0,
) -> Floats:
    """20 log10(|S| / ref), as power_to_db()."""
    if amin <= 0 or np.size(S) == 0:
        raise _wrong("amplitude_to_db", f"amin={amin}, {np.size(S)} values", "use a positive amin and at least one value")
    magnitude = np.abs(np.asarray(S))
    reference = ref(magnitude) if callable(ref) else abs(ref)
    return power_to_db(magnitude**2, ref=float(reference) ** 2, amin=amin**2, top_db=top_db)


def mfcc(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, n_mfcc: int = 20,
    dct_type: int = 2, norm: Optional[str] = "ortho", lifter: float = 0, mel_norm: Optional[str] = "slaney",
    n_fft: int = 2048, hop_length: int = 512, win_length: Optional[int] = None, window: WindowLike = "hann",
    center: bool = True, pad_mode: str = "constant", power: float = 2.0, n_mels: int = 128, fmin: float = 0.0,
    fmax: Optional[float] = None, htk: bool = False,
) -> Floats:
    """Mel-frequency cepstral coefficients (n_mfcc x frames) of a signal or of a mel-spectrogram in dB.

    >>> mfcc(y=np.zeros(22050), n_mfcc=13).shape
    (13, 44)
    """
    _only("mfcc", dct_type=(dct_type, 2), norm=(norm, "ortho"))
    if S is None:
        S = power_to_db(
            melspectrogram(
                y=y, sr=sr, n_fft=n_fft, hop_length=hop_length, win_length=win_length, window=window, center=center,
                pad_mode=pad_mode, power=power, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=mel_norm,
            )
        )
    coefficients = _core.dct(_rows("mfcc", S), n_mfcc)
    if lifter < 0:
        raise _wrong("mfcc", f"lifter={lifter} is negative", "use 0 (no liftering) or a positive number")
    if lifter > 0:
        lift = 1 + lifter / 2 * np.sin(np.pi * np.arange(1, 1 + n_mfcc) / lifter)
        coefficients *= lift.astype(np.float32)[:, np.newaxis]
    return coefficients


# Pitch


def estimate_tuning(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, n_fft: int = 2048,
    resolution: float = 0.01, bins_per_octave: int = 12,
) -> float:
    """The deviation from A440 in bins, [-0.5, 0.5), of a signal or a magnitude spectrogram."""
    _only("estimate_tuning", resolution=(resolution, 0.01))
    spectra = _spectrogram("estimate_tuning", y, S, n_fft, None, None, "hann", True, "constant")
    return _core.estimate_tuning(spectra, _rate("estimate_tuning", sr), bins_per_octave)


def chroma_stft(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None,
    norm: Optional[float] = np.inf, n_fft: int = 2048, hop_length: int = 512, win_length: Optional[int] = None,
    window: WindowLike = "hann", center: bool = True, pad_mode: str = "constant", tuning: Optional[float] = None,
    n_chroma: int = 12,
) -> Floats:
    """Chroma (12 x frames) of a signal or of a power spectrogram. `norm`: inf, 1 or 2."""
    _only("chroma_stft", n_chroma=(n_chroma, 12))
    spectra = _spectrogram("chroma_stft", y, S, n_fft, hop_length, win_length, window, center, pad_mode, 2)
    if tuning is None:
        tuning = _core.estimate_tuning(spectra, _rate("chroma_stft", sr), 12)
    return _normalised("chroma_stft", _core.chroma_stft(spectra, _rate("chroma_stft", sr), tuning), norm)


def cqt_magnitude(
    y: npt.ArrayLike, *, sr: float = 22050, hop_length: int = 512, fmin: Optional[float] = None, n_bins: int = 84,
    bins_per_octave: int = 12, tuning: Optional[float] = 0.0,
) -> Floats:
    """np.abs(librosa.cqt(...)), n_bins x frames. bins_per_octave: a multiple of 12; n_bins: whole octaves."""
    if bins_per_octave < 1 or n_bins % bins_per_octave != 0 or not 1 <= n_bins // bins_per_octave <= 16:
        problem = f"n_bins={n_bins} with bins_per_octave={bins_per_octave}"
        raise _wrong("cqt_magnitude", problem, "use 1 to 16 whole octaves")
    if tuning is None:
        tuning = estimate_tuning(y=y, sr=sr, bins_per_octave=bins_per_octave)
    lowest_hz = 440 * 2.0 ** (-45 / 12) if fmin is None else fmin
    if not (0 < lowest_hz < np.inf and np.isfinite(tuning)):
        raise _wrong("cqt_magnitude", f"fmin={fmin}, tuning={tuning}", "use positive frequencies and a finite tuning")
    octaves = n_bins // bins_per_octave
    signal, rate = _signal("cqt_magnitude", y), _rate("cqt_magnitude", sr)
    # The extension expects the deviation from the nearest bin.
    shift = np.floor(tuning + 0.5)
    lowest_hz *= 2.0 ** (shift / bins_per_octave)
    return _core.cqt(signal, rate, hop_length, lowest_hz, octaves, bins_per_octave, tuning - shift).T


def _cqt_for_chroma(
    function: str, y: Optional[npt.ArrayLike], sr: float, C: Optional[npt.ArrayLike], hop_length: int,
    fmin: Optional[float], tuning: Optional[float], n_chroma: int, n_octaves: int, window: Optional[npt.ArrayLike],
    bins_per_octave: Optional[int], cqt_mode: str,
) -> tuple[Floats, int]:
    per_octave = 12 if bins_per_octave is None else bins_per_octave
    _only(function, fmin=(fmin, None), n_chroma=(n_chroma, 12), window=(window, None), cqt_mode=(cqt_mode, "full"))
    if C is None:
        C = cqt_magnitude(
            _signal(function, y), sr=sr, hop_length=hop_length, n_bins=n_octaves * per_octave,
            bins_per_octave=per_octave, tuning=tuning,
        )
    return _rows(function, C, "C"), per_octave


def chroma_cqt(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, C: Optional[npt.ArrayLike] = None, hop_length: int = 512,
    fmin: Optional[float] = None, norm: Optional[float] = np.inf, threshold: Optional[float] = 0.0,
    tuning: Optional[float] = None, n_chroma: int = 12, n_octaves: int = 7, window: Optional[npt.ArrayLike] = None,
    bins_per_octave: Optional[int] = 36, cqt_mode: str = "full",
) -> Floats:
    """Chroma (12 x frames) of a signal or of constant-Q magnitudes whose lowest bin is a C. `norm`: inf, 1 or 2."""
    if threshold is not None:
        _only("chroma_cqt", threshold=(threshold, 0.0))
    magnitude, per_octave = _cqt_for_chroma(
        "chroma_cqt", y, sr, C, hop_length, fmin, tuning, n_chroma, n_octaves, window, bins_per_octave, cqt_mode
    )
    return _normalised("chroma_cqt", _core.chroma_cqt(magnitude, per_octave).T, norm)


def chroma_cens(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, C: Optional[npt.ArrayLike] = None, hop_length: int = 512,
    fmin: Optional[float] = None, tuning: Optional[float] = None, n_chroma: int = 12, n_octaves: int = 7,
    bins_per_octave: int = 36, cqt_mode: str = "full", window: Optional[npt.ArrayLike] = None,
    norm: Optional[float] = 2, win_len_smooth: Optional[int] = 41, smoothing_window: WindowLike = "hann",
) -> Floats:
    """Energy-normalised chroma (12 x frames)."""
    _only(
        "chroma_cens", norm=(norm, 2), win_len_smooth=(win_len_smooth, 41), smoothing_window=(smoothing_window, "hann")
    )
    magnitude, per_octave = _cqt_for_chroma(
        "chroma_cens", y, sr, C, hop_length, fmin, tuning, n_chroma, n_octaves, window, bins_per_octave, cqt_mode
    )
    return _core.chroma_cens(magnitude, per_octave).T


def tonnetz(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, chroma: Optional[npt.ArrayLike] = None,
    hop_length: int = 512, tuning: Optional[float] = None, n_octaves: int = 7, bins_per_octave: int = 36,
) -> Floats:
    """Tonal centroids (6 x frames) of a chroma of 12 rows, or of the chroma_cqt() of a signal."""
    if chroma is None:
        chroma = chroma_cqt(
            y=_signal("tonnetz", y), sr=sr, hop_length=hop_length, tuning=tuning, n_octaves=n_octaves,
            bins_per_octave=bins_per_octave,
        )
    return _core.tonnetz(_rows("tonnetz", chroma, "chroma")).T


# Shape of spectra and signals


def _shape(function: str, row: int, sr: float, *spectrogram: object) -> Floats:
    return _core.spectral_shape(_spectrogram(function, *spectrogram), _rate(function, sr))[row : row + 1]  # type: ignore[arg-type]


def spectral_centroid(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, n_fft: int = 2048,
    hop_length: int = 512, freq: None = None, win_length: Optional[int] = None, window: WindowLike = "hann",
    center: bool = True, pad_mode: str = "constant",
) -> Floats:
    """The mean frequency in Hz (1 x frames) of a signal or of a magnitude spectrogram."""
    _only("spectral_centroid", freq=(freq, None))
    return _shape("spectral_centroid", 0, sr, y, S, n_fft, hop_length, win_length, window, center, pad_mode)


def spectral_bandwidth(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, n_fft: int = 2048,
    hop_length: int = 512, win_length: Optional[int] = None, window: WindowLike = "hann", center: bool = True,
    pad_mode: str = "constant", freq: None = None, centroid: None = None, norm: bool = True, p: float = 2,
) -> Floats:
    """The standard deviation in Hz around the centroid (1 x frames)."""
    _only("spectral_bandwidth", freq=(freq, None), centroid=(centroid, None), norm=(norm, True), p=(p, 2))
    return _shape("spectral_bandwidth", 1, sr, y, S, n_fft, hop_length, win_length, window, center, pad_mode)


def spectral_rolloff(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, n_fft: int = 2048,
    hop_length: int = 512, win_length: Optional[int] = None, window: WindowLike = "hann", center: bool = True,
    pad_mode: str = "constant", freq: None = None, roll_percent: float = 0.85,
) -> Floats:
    """The frequency in Hz below which 85 % of a frame's magnitude lie (1 x frames)."""
    _only("spectral_rolloff", freq=(freq, None), roll_percent=(roll_percent, 0.85))
    return _shape("spectral_rolloff", 2, sr, y, S, n_fft, hop_length, win_length, window, center, pad_mode)


def spectral_contrast(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, n_fft: int = 2048,
    hop_length: int = 512, win_length: Optional[int] = None, window: WindowLike = "hann", center: bool = True,
    pad_mode: str = "constant", freq: None = None, fmin: float = 200.0, n_bands: int = 6, quantile: float = 0.02,
    linear: bool = False,
) -> Floats:
    """Peaks over valleys in dB in six octaves from 200 Hz and the range below (7 x frames)."""
    _only(
        "spectral_contrast", freq=(freq, None), fmin=(fmin, 200.0), n_bands=(n_bands, 6), quantile=(quantile, 0.02),
        linear=(linear, False),
    )
    spectra = _spectrogram("spectral_contrast", y, S, n_fft, hop_length, win_length, window, center, pad_mode)
    return _core.spectral_contrast(spectra, _rate("spectral_contrast", sr))


def spectral_flatness(
    *, y: Optional[npt.ArrayLike] = None, S: Optional[npt.ArrayLike] = None, n_fft: int = 2048, hop_length: int = 512,
    win_length: Optional[int] = None, window: WindowLike = "hann", center: bool = True, pad_mode: str = "constant",
    amin: float = 1e-10, power: float = 2.0,
) -> Floats:
    """The geometric mean of a frame's powers over their arithmetic mean (1 x frames). S: magnitudes."""
    _only("spectral_flatness", amin=(amin, 1e-10), power=(power, 2.0))
    spectra = _spectrogram("spectral_flatness", y, S, n_fft, hop_length, win_length, window, center, pad_mode)
    return _core.spectral_flatness(spectra**2)[np.newaxis]


def rms(
    *, y: Optional[npt.ArrayLike] = None, S: Optional[npt.ArrayLike] = None, frame_length: int = 2048,
    hop_length: int = 512, center: bool = True, pad_mode: str = "constant", dtype: npt.DTypeLike = np.float32,
) -> Floats:
    """The root mean square of frames (1 x frames), from a signal or a magnitude spectrogram."""
    _only("rms", dtype=(np.dtype(dtype).name, "float32"))
    if y is None and S is not None:
        spectra = _rows("rms", S)
        if frame_length != 2 * (spectra.shape[1] - 1):
            problem = f"S has {spectra.shape[1]} bins, but frame_length={frame_length}"
            raise _wrong("rms", problem, f"pass frame_length={2 * (spectra.shape[1] - 1)}")
        return _core.spectral_shape(spectra, 1)[3:4]
    signal, _, hop = _frames("rms", y, frame_length, hop_length, None, "hann", center, pad_mode)
    if signal.size < frame_length:
        raise _wrong("rms", f"the signal is shorter than a frame of {frame_length} samples", "use shorter frames")
    frames = np.lib.stride_tricks.sliding_window_view(signal, frame_length)[::hop]
    return np.sqrt(np.mean(frames**2, axis=1, dtype=np.float32))[np.newaxis]


def zero_crossing_rate(
    y: npt.ArrayLike, *, frame_length: int = 2048, hop_length: int = 512, center: bool = True, threshold: float = 1e-10,
    pad: bool = False, zero_pos: bool = True,
) -> Floats:
    """The share of samples of a frame before which the sign changes (1 x frames). frame_length: a multiple of
    hop_length, and even."""
    _only(
        "zero_crossing_rate", center=(center, True), threshold=(threshold, 1e-10), pad=(pad, False),
        zero_pos=(zero_pos, True),
    )
    if hop_length < 1 or frame_length < 2 or frame_length % 2 != 0 or frame_length % hop_length != 0:
        problem = f"frame_length={frame_length} with hop_length={hop_length} is not supported"
        raise _wrong("zero_crossing_rate", problem, "use an even frame_length that is a multiple of hop_length")
    return _core.zero_crossing_rate(_signal("zero_crossing_rate", y), frame_length, hop_length)[np.newaxis]


# Change over time


def delta(data: npt.ArrayLike, *, width: int = 9, order: int = 1, axis: int = -1, mode: str = "interp") -> Floats:
    """The slope of each row (or of one series) over nine frames."""
    _only("delta", width=(width, 9), order=(order, 1), axis=(axis, -1), mode=(mode, "interp"))
    series = np.asarray(data)
    if series.ndim not in (1, 2) or series.shape[-1] < width:
        raise _wrong("delta", f"data of the shape {series.shape}", "pass rows of at least nine frames")
    return _core.delta(np.ascontiguousarray(np.atleast_2d(series), dtype=np.float32)).reshape(series.shape)


def onset_strength(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, S: Optional[npt.ArrayLike] = None, lag: int = 1,
    max_size: int = 1, ref: None = None, detrend: bool = False, center: bool = True, feature: None = None,
    aggregate: None = None, n_fft: int = 2048, hop_length: int = 512,
) -> Floats:
    """The onset envelope (frames) of a signal or of a mel-spectrogram in dB."""
    _only(
        "onset_strength", lag=(lag, 1), max_size=(max_size, 1), ref=(ref, None), detrend=(detrend, False),
        center=(center, True), feature=(feature, None), aggregate=(aggregate, None), n_fft=(n_fft, 2048),
        hop_length=(hop_length, 512),
    )
    if S is None:
        S = power_to_db(melspectrogram(y=_signal("onset_strength", y), sr=sr))
    return _core.onset_strength(np.ascontiguousarray(_rows("onset_strength", S).T))


def tempogram(
    *, y: Optional[npt.ArrayLike] = None, sr: float = 22050, onset_envelope: Optional[npt.ArrayLike] = None,
    hop_length: int = 512, win_length: int = 384, center: bool = True, window: WindowLike = "hann",
    norm: Optional[float] = np.inf,
) -> Floats:
    """The local autocorrelation of the onset envelope (win_length x frames)."""
    _only("tempogram", center=(center, True), window=(window, "hann"), norm=(norm, np.inf))
    if onset_envelope is None:
        onset_envelope = onset_strength(y=_signal("tempogram", y), sr=sr, hop_length=hop_length)
    return _core.tempogram(_signal("tempogram", onset_envelope), win_length).T


def resample(
    y: npt.ArrayLike, *, orig_sr: float, target_sr: float, res_type: str = "soxr_hq", fix: bool = True,
    scale: bool = False, axis: int = -1,
) -> Floats:
    """The signal at another sampling rate.

    >>> resample(np.zeros(44100), orig_sr=44100, target_sr=22050).shape
    (22050,)
    """
    _only("resample", res_type=(res_type, "soxr_hq"), fix=(fix, True), scale=(scale, False), axis=(axis, -1))
    return _core.resample(_signal("resample", y), _rate("resample", orig_sr), _rate("resample", target_sr))
