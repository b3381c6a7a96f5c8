#!/usr/bin/env python3
"""Writes analytic.csv and real_clips.csv: golden figures of the feature sets, computed by librosa.

    pip install librosa==0.11.0 numpy==2.4.6 scipy==1.17.1 soundfile==0.14.0 soxr==1.1.0
    ./generate.py [MUSIC_FOLDER]

The analytic signals use the same formulas as tests/features/golden_test.cpp. The real clips are seconds 10 to 40 of the
test music (tools/fetch_test_music.sh writes it to build/test_music), read by soundfile, with weak noise; without the
folder only analytic.csv is written.

Rows: kind, signal, what, numbers...
  fma518  signal  -                      the row of features.csv (NaN where a series is constant)
  frame   signal  feature:frame          that feature's values in that frame
  mel224  signal  frame                  the 224 bands of that frame
  frames / frames_by_coefficient  signal  frame   the 35 standardised values of that frame
"""

import csv
import pathlib
import sys

import librosa
import numpy as np

import fma_reference

HERE = pathlib.Path(__file__).parent
PINNED = {"librosa": "0.11.0"}


def lcg(count):
    """Uniform noise in [-1, 1): Knuth's MMIX generator, its upper 24 bits."""
    values = np.empty(count)
    state = 42
    for i in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values[i] = (state >> 40) / 2**23 - 1
    return values


def analytic():
    """name -> (samples, sample rate)"""
    two_pi = 2 * np.pi

    def time(seconds, sr):
        return np.arange(int(seconds * sr)) / sr

    signals = {}
    t = time(2, 44100)
    signals["sine"] = 0.5 * np.sin(two_pi * 440 * t), 44100
    signals["chirp"] = 0.4 * np.sin(two_pi * (100 * t + 2000 * t * t)), 44100
    signals["chord"] = sum(0.2 * np.sin(two_pi * f * 2 ** (0.3 / 12) * t) for f in (261.6256, 329.6276, 391.9954)), 44100
    n = np.arange(44100) % 5000
    signals["clicks"] = 0.9 * np.exp(-n / 400) * np.cos(0.3 * n), 22050
    signals["noise"] = 0.1 * lcg(72000), 48000
    signals["quiet"] = 1e-5 * lcg(44100) + 0.02, 44100
    t = time(1.5, 44100)
    signals["half_silence"] = np.where(t < 0.75, 0.0, 0.3 * np.sin(two_pi * 1000 * t)), 44100
    signals["short"] = 0.3 * lcg(1500), 44100
    return {name: (x.astype(np.float32), sr) for name, (x, sr) in signals.items()}


def real(music):
    """name -> (samples, sample rate): the name is file@rate, rate 0 for the file's own."""
    clips = {}
    for name, rate in (("gr0", 0), ("gr1", 0), ("gr2", 0), ("gr3", 0), ("gr0", 48000), ("gr1", 22050), ("gr2", 22050)):
        x, sr = librosa.load(music / f"{name}.ogg", sr=None, mono=True, offset=10, duration=30)
        if rate:
            length = -(-len(x) * rate // sr)  # librosa's own ceil() in floats is one too long now and then
            x, sr = librosa.resample(x, orig_sr=sr, target_sr=rate)[:length], rate
        # Decoders of Vorbis agree within 6e-7, which is all that is left in frequencies that the encoder removed.
        clips[f"{name}.ogg@{rate}"] = x + (0.01 * lcg(len(x))).astype(np.float32), sr
    return clips


def fma_rows(name, x, sr, frames):
    series = fma_reference.frame_features(x, sr)
    yield "fma518", name, "-", fma_reference.compute(x, sr)
    for frame in frames:
        for feature, values in series.items():
            if frame < values.shape[1]:
                yield "frame", name, f"{feature}:{frame}", values[:, frame]


def mel_rows(name, x, frames):
    mel = librosa.feature.melspectrogram(y=x, sr=22050, n_fft=4096, hop_length=2960, n_mels=224)
    db = librosa.power_to_db(mel, ref=np.max)
    for frame in frames:
        if frame < db.shape[1]:
            yield "mel224", name, frame, db[:, frame]


def standardised(values, axis):
    deviation = values.std(axis=axis, keepdims=True)
    return (values - values.mean(axis=axis, keepdims=True)) / np.where(deviation > 0, deviation, 1)


def frames_rows(name, x, sr, frames):
    f = librosa.feature
    parts = [f.mfcc(y=x, sr=sr, n_mfcc=20), f.chroma_stft(y=x, sr=sr), f.zero_crossing_rate(x),
             f.spectral_centroid(y=x, sr=sr), f.spectral_rolloff(y=x + np.float32(0.01), sr=sr)]
    parts = [p[:, :2582].astype(float) for p in parts]
    for kind, axes in (("frames", (0, 0, 1, 1, 1)), ("frames_by_coefficient", (1, 1, 1, 1, 1))):
        rows = np.vstack([standardised(p, axis) for p, axis in zip(parts, axes)])
        for frame in frames:
            yield kind, name, frame, rows[:, frame]


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for kind, name, what, values in rows:
            writer.writerow([kind, name, what, *(f"{v:.7g}" for v in values)])
    print(path, path.stat().st_size, "bytes")


def main():
    if librosa.__version__ != PINNED["librosa"]:
        sys.exit(f"needs librosa {PINNED['librosa']}, and this is {librosa.__version__}")
    rows = []
    for name, (x, sr) in analytic().items():
        rows += fma_rows(name, x, sr, (0, 1, 60, 100))
        rows += mel_rows(name, x, (0, 5, 30))
    write(HERE / "analytic.csv", rows)
    if len(sys.argv) < 2:
        return
    rows = []
    for i, (name, (x, sr)) in enumerate(real(pathlib.Path(sys.argv[1])).items()):
        rows += fma_rows(name, x, sr, (1000,) if i % 3 == 0 else ())
        if name.endswith("@22050"):
            rows += mel_rows(name, x, (100,))
        if i < 2:
            rows += frames_rows(name, x, sr, (0, 1500, 2581))
    write(HERE / "real_clips.csv", rows)


if __name__ == "__main__":
    main()
