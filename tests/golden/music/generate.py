"""Writes music.txt: librosa's onset strength, tempogram, tempo, delta, flatness and harmonic mask of noise.

    pip install librosa==0.11.0 numpy==2.4.6 scipy==1.17.1
    python generate.py

Each line is a name and its values. The tests compute the inputs with the same linear congruential generator.
"""
import pathlib
import sys

import librosa
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cqt"))
from generate import noise  # noqa: E402  (tests/golden/cqt)


def main():
    out = {}
    mel_db = (40 * noise(128 * 60)).astype(np.float32).reshape(128, 60)
    out["onset"] = librosa.onset.onset_strength(S=np.maximum(mel_db, -30))

    envelope = ((noise(500) + 1) ** 2).astype(np.float32)
    envelope[::43] += 6
    tempogram = librosa.feature.tempogram(onset_envelope=envelope)
    for t in (0, 17, 250, 499):
        out[f"tempogram_{t}"] = tempogram[::9, t]
    long_windows = librosa.feature.tempogram(onset_envelope=envelope, win_length=345)
    rate = 43 * 512 * 100 / 60  # a pulse of 43 frames is 100 beats per minute
    out["tempo"] = librosa.feature.tempo(tg=long_windows, sr=rate, hop_length=512)
    out["tempogram_345"] = long_windows.mean(axis=1)[::9]

    out["delta"] = librosa.feature.delta(noise(40))

    magnitudes = (np.abs(noise(40 * 70)) ** 3).astype(np.float32).reshape(70, 40)  # frames x bands
    mask = librosa.decompose.hpss(magnitudes.T, mask=True)[0]
    for t in (0, 14, 40, 69):
        out[f"harmonic_{t}"] = mask[:, t]
    short = librosa.decompose.hpss(magnitudes[:7].T, mask=True)[0]
    out["harmonic_of_seven_frames"] = short[:, 3]

    power = (np.abs(noise(1025)) ** 8).astype(np.float32)
    out["flatness"] = librosa.feature.spectral_flatness(S=power[:, np.newaxis], power=1.0).ravel()

    with open(pathlib.Path(__file__).parent / "music.txt", "w", encoding="ascii") as file:
        for name, values in out.items():
            file.write(name + " " + " ".join(f"{v:.7g}" for v in np.ravel(values)) + "\n")


if __name__ == "__main__":
    main()
