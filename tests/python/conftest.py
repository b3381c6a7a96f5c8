"""What the tests share: made-up music and the program."""

import os
import pathlib
import wave

import numpy as np
import pytest

os.environ.setdefault("GENREWISE_CACHE", "off")  # the user's features are neither used nor changed

ROOT = pathlib.Path(__file__).resolve().parents[2]
SR = 22050


def tune(seed, seconds=4.0):
    """A melody whose timbre and tempo depend on seed % 2."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * SR)) / SR
    kind = seed % 2
    notes = rng.integers(48, 72, size=int(seconds * (8 if kind else 3)) + 1)
    pitch = 440 * 2 ** ((notes[(t * (8 if kind else 3)).astype(int)] - 69) / 12)
    phase = 2 * np.pi * np.cumsum(pitch) / SR
    y = np.sign(np.sin(phase)) if kind else np.sin(phase) + 0.2 * np.sin(2 * phase)
    return (0.3 * y + 0.01 * rng.standard_normal(t.size)).astype(np.float32)


def write_wav(path, y):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SR)
        file.writeframes((np.clip(y, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="session")
def music(tmp_path_factory):
    """A folder with two genres of ten tracks of 4 s."""
    root = tmp_path_factory.mktemp("music")
    for seed in range(20):
        folder = root / ("square" if seed % 2 else "sine")
        folder.mkdir(exist_ok=True)
        write_wav(folder / f"{seed:02}.wav", tune(seed))
    return root


@pytest.fixture(scope="session")
def study_run(music, tmp_path_factory):
    """A study of that folder."""
    import genrewise

    output = tmp_path_factory.mktemp("runs") / "run"
    return genrewise.study(music, output, models=["knn:n_neighbors=1,3", "gnb"], n_jobs=2)


@pytest.fixture(scope="session")
def program():
    """The command-line program."""
    path = pathlib.Path(os.environ.get("GENREWISE_PROGRAM", ROOT / "build/dev/bin/genrewise"))
    if not path.exists():
        pytest.skip(f"the program was not built ({path}; GENREWISE_PROGRAM names another)")
    return path
