#!/usr/bin/env python3
"""Writes frame_features.json: what librosa computes from a made-up signal, thinned to 100 values for each call. Needs
librosa 0.11; tests/python/test_features.py makes the same calls."""

import json
import pathlib
import re

import numpy as np

SR, KEPT = 22050, 100
PATH = pathlib.Path(__file__).with_suffix(".json")


def signal(seconds=2.5, sr=SR):
    """Chords of mistuned harmonics with attacks every half second, and noise 40 dB below."""
    t = np.arange(int(seconds * sr)) / sr
    y = np.zeros_like(t)
    for i, midi in enumerate((60, 64.2, 67.1, 71, 48.15)):
        for harmonic in range(1, 6):
            y += np.sin(2 * np.pi * harmonic * 440 * 2 ** ((midi - 69) / 12) * t + i) / harmonic / (i + 2)
    state, noise = 1, np.empty_like(t)
    for i in range(len(t)):  # the same with every version of NumPy
        state = (1103515245 * state + 12345) % 2**31
        noise[i] = state / 2**30 - 1
    return (0.3 * y * np.exp(-6 * (t % 0.5)) + 0.01 * noise).astype(np.float32)


# Function of librosa (librosa.X or librosa.feature.X), arguments, and the name of the first argument ("" if positional).
CALLS = [
    ("stft", {}, ""),
    ("stft", {"n_fft": 512, "hop_length": 100, "win_length": 400, "center": False}, ""),
    ("stft", {"pad_mode": "reflect", "n_fft": 1000}, ""),
    ("melspectrogram", {"sr": SR}, "y"),
    ("melspectrogram", {"sr": SR, "n_mels": 40, "fmin": 100, "fmax": 8000, "power": 1.0, "n_fft": 1024}, "y"),
    ("mfcc", {"sr": SR}, "y"),
    ("mfcc", {"sr": SR, "n_mfcc": 13, "lifter": 22, "hop_length": 256}, "y"),
    ("chroma_stft", {"sr": SR}, "y"),
    ("chroma_stft", {"sr": SR, "norm": 2, "tuning": 0.1, "n_fft": 4096}, "y"),
    ("chroma_cqt", {"sr": SR}, "y"),
    ("chroma_cqt", {"sr": SR, "bins_per_octave": 12, "norm": 1}, "y"),
    ("chroma_cqt", {"sr": SR, "tuning": 0.7, "n_octaves": 5, "hop_length": 256}, "y"),
    ("chroma_cens", {"sr": SR}, "y"),
    ("tonnetz", {"sr": SR}, "y"),
    ("spectral_centroid", {"sr": SR}, "y"),
    ("spectral_bandwidth", {"sr": SR}, "y"),
    ("spectral_rolloff", {"sr": SR}, "y"),
    ("spectral_contrast", {"sr": SR}, "y"),
    ("spectral_flatness", {}, "y"),
    ("rms", {}, "y"),
    ("rms", {"frame_length": 1000, "hop_length": 300, "center": False}, "y"),
    ("zero_crossing_rate", {}, ""),
    ("zero_crossing_rate", {"frame_length": 1024, "hop_length": 256}, ""),
    ("tempogram", {"sr": SR}, "y"),
    ("onset_strength", {"sr": SR}, "y"),
    ("estimate_tuning", {"sr": SR, "bins_per_octave": 36}, "y"),
    ("resample", {"orig_sr": SR, "target_sr": 16000}, ""),
]


def call(modules, name, arguments, first):
    function = next(getattr(module, name) for module in modules if hasattr(module, name))
    y = signal()
    return function(**{first: y}, **arguments) if first else function(y, **arguments)


def thinned(values):
    """Shape, and values spread over the array; of complex numbers their parts."""
    array = np.asarray(values)
    flat = array.reshape(-1, order="C")
    chosen = flat[np.linspace(0, flat.size - 1, min(KEPT, flat.size)).astype(int)]
    return list(array.shape), chosen.view(chosen.real.dtype) if np.iscomplexobj(chosen) else chosen


def main():
    import librosa

    entries = []
    for name, arguments, first in CALLS:
        shape, values = thinned(call((librosa, librosa.feature, librosa.onset), name, arguments, first))
        entries.append({"shape": shape, "values": [float(f"{value:.7g}") for value in values]})
    text = json.dumps({"librosa": librosa.__version__, "calls": entries}, indent=1)
    PATH.write_text(re.sub(r"\n\s+(?=[-\d\]])", " ", text) + "\n")


if __name__ == "__main__":
    main()
