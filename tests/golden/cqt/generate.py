"""Writes cqt.txt: librosa's results for a few signals, for tests/dsp/cqt_test.cpp and related tests.

    pip install librosa==0.11.0 numpy==2.4.6 scipy==1.17.1 soxr==1.1.0 soundfile==0.14.0
    python generate.py [folder of the test music]

Analytic signals are computed by the same formulas in tests/dsp/cqt_golden.cpp. With the folder that
tools/fetch_test_music.sh writes (build/test_music) real.txt is written as well.

A file is a sequence of
    signal NAME RATE SAMPLES TUNING_OF_MAGNITUDES TUNING_OF_POWERS FRAMES LARGEST
    frame T, then 84 constant-Q magnitudes, 12 chroma_cqt, 12 chroma_cens, 6 tonnetz (all three as FMA's features.py calls
    them: without bins_per_octave, which is 36 then) and 12 chroma_cqt with bins_per_octave=12
where TUNING_OF_MAGNITUDES is the tuning used by the constant-Q transform.
"""
import pathlib
import sys

import librosa
import numpy as np
import soundfile


def noise(count, seed=1):
    """x' = 1664525 x + 1013904223 (mod 2^32); x' / 2^31 - 1."""
    values, x = np.empty(count), seed
    for i in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        values[i] = x / 2**31 - 1
    return values


def sines(rate, count, frequencies_hz):
    t = np.arange(count) / rate
    return sum(np.sin(2 * np.pi * f * t) for f in frequencies_hz) / len(frequencies_hz)


def chirp(rate, count, first_hz, last_hz):
    """Exponential: the phase is 2 pi first (r^t - 1) / ln r, with r such that the last sample has last_hz."""
    t = np.arange(count) / count
    r = last_hz / first_hz
    return 0.5 * np.sin(2 * np.pi * first_hz * (count / rate) * (r**t - 1) / np.log(r))


A_MINOR_30_CENTS_SHARP = [f * 2 ** (0.3 / 12) for f in (220.0, 261.6255653, 329.6275569)]
SIGNALS = [
    ("sine_at_a_bin", 44100, sines(44100, 66150, [440.0])),
    ("sine_between_bins", 44100, sines(44100, 66150, [452.8929841])),
    ("chord_30_cents_sharp", 44100, sines(44100, 66150, A_MINOR_30_CENTS_SHARP)),
    ("chord_at_48_khz", 48000, sines(48000, 72000, A_MINOR_30_CENTS_SHARP)),
    ("chirp", 44100, chirp(44100, 88200, 30.0, 16000.0)),
    ("chirp_at_22_khz", 22050, chirp(22050, 44100, 30.0, 10000.0)),
    ("noise", 44100, noise(66150)),
    ("noise_at_32_khz", 32000, noise(48000)),
    ("noise_at_11_khz", 11025, noise(22050)),
    ("noise_at_96_khz", 96000, noise(144000)),
    ("clicks", 44100, (np.arange(66150) % 7919 == 100).astype(float)),
    ("silence", 44100, np.zeros(30000)),
    ("short", 44100, noise(300)),
    ("one_frame_and_a_sample", 44100, noise(2049)),
]
CLIPS = [("gr0.ogg", 44100), ("gr1.ogg", 48000), ("gr2.ogg", 22050), ("gr3.ogg", 44100)]


def write(out, name, rate, samples, picked):
    x = np.asarray(samples, np.float32)
    stft = np.abs(librosa.stft(x, n_fft=2048, hop_length=512))
    tuning = librosa.estimate_tuning(y=x, sr=rate)
    power_tuning = librosa.estimate_tuning(S=stft**2, sr=22050)
    cqt = np.abs(librosa.cqt(x, sr=rate, hop_length=512, bins_per_octave=12, n_bins=84, tuning=None))
    cens = librosa.feature.chroma_cens(C=cqt, n_chroma=12, n_octaves=7)
    rows = np.concatenate(
        [
            cqt,
            librosa.feature.chroma_cqt(C=cqt, n_chroma=12, n_octaves=7),
            cens,
            librosa.feature.tonnetz(chroma=cens),
            librosa.feature.chroma_cqt(C=cqt, n_chroma=12, n_octaves=7, bins_per_octave=12),
        ]
    )
    frames = cqt.shape[1]
    out.write(f"signal {name} {rate} {len(x)} {tuning:.2f} {power_tuning:.2f} {frames} {cqt.max():.6g}\n")
    for t in sorted({int(round(p * (frames - 1))) for p in picked}):
        out.write(f"frame {t} " + " ".join(f"{v:.5g}" for v in rows[:, t]) + "\n")


def main():
    here = pathlib.Path(__file__).parent
    with open(here / "cqt.txt", "w", encoding="ascii") as out:
        for name, rate, samples in SIGNALS:
            write(out, name, rate, samples, (0, 0.01, 0.4, 0.75, 1))
    if len(sys.argv) > 1:
        with open(here / "real.txt", "w", encoding="ascii") as out:
            for name, rate in CLIPS:
                x, native_hz = soundfile.read(pathlib.Path(sys.argv[1]) / name, dtype="float32", always_2d=True)
                # Ten seconds; other sample rates are only declared, so no resampler is involved.
                write(out, name, rate, x.mean(axis=1)[5 * native_hz : 15 * native_hz], (0, 0.1, 0.33, 0.6, 0.9, 1))


if __name__ == "__main__":
    main()
