"""The 518 features of FMA's features.py, computed by librosa, in the column order of features.csv.

Written for librosa 0.11.0; the functions' arguments follow features.py of the FMA repository
(https://github.com/mdeff/fma): only the CQT and the mel filters use the true sample rate.
"""

import librosa
import numpy as np
from scipy import stats

SIZES = {
    "chroma_cens": 12, "chroma_cqt": 12, "chroma_stft": 12, "mfcc": 20, "rmse": 1, "spectral_bandwidth": 1,
    "spectral_centroid": 1, "spectral_contrast": 7, "spectral_rolloff": 1, "tonnetz": 6, "zcr": 1,
}
STATISTICS = ("kurtosis", "max", "mean", "median", "min", "skew", "std")


def columns():
    return [(name, statistic, f"{i + 1:02d}")
            for name, size in SIZES.items() for statistic in STATISTICS for i in range(size)]


def frame_features(x, sr):
    """Every feature of features.py over time: name -> array (size, frames)."""
    f = librosa.feature
    cqt = np.abs(librosa.cqt(x, sr=sr, hop_length=512, bins_per_octave=12, n_bins=84, tuning=None))
    cens = f.chroma_cens(C=cqt, n_chroma=12, n_octaves=7)
    stft = np.abs(librosa.stft(x, n_fft=2048, hop_length=512))
    mel = f.melspectrogram(sr=sr, S=stft**2)
    return {
        "chroma_cens": cens,
        "chroma_cqt": f.chroma_cqt(C=cqt, n_chroma=12, n_octaves=7),
        "chroma_stft": f.chroma_stft(S=stft**2, n_chroma=12),
        "mfcc": f.mfcc(S=librosa.power_to_db(mel), n_mfcc=20),
        "rmse": f.rms(S=stft),
        "spectral_bandwidth": f.spectral_bandwidth(S=stft),
        "spectral_centroid": f.spectral_centroid(S=stft),
        "spectral_contrast": f.spectral_contrast(S=stft, n_bands=6),
        "spectral_rolloff": f.spectral_rolloff(S=stft),
        "tonnetz": f.tonnetz(chroma=cens),
        "zcr": f.zero_crossing_rate(x, frame_length=2048, hop_length=512),
    }


def statistics(values):
    """(size, frames) -> (7, size), rows in the order of STATISTICS."""
    return np.stack([
        stats.kurtosis(values, axis=1), values.max(axis=1), values.mean(axis=1), np.median(values, axis=1),
        values.min(axis=1), stats.skew(values, axis=1), values.std(axis=1),
    ])


def compute(x, sr):
    """The row of features.csv, 518 values."""
    series = frame_features(x, sr)
    return np.concatenate([statistics(series[name]).ravel() for name in SIZES]).astype(np.float32)
