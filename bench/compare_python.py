#!/usr/bin/env python3
"""genrewise.extract() against librosa in a process pool of the same size and against the program, and the time of imports.

    PYTHONPATH=build/release/python bench/compare_python.py build/release/bin/genrewise FOLDER [--clips 200] [--jobs 2]

FOLDER is searched for audio; the middle 30 s of each file are used, files repeated if there are fewer than --clips. Each
round runs the three in turn, and the least wall and CPU time of the rounds count; on a busy machine only the CPU times can
be compared. librosa decodes the same 30 s and computes FMA's
518 numbers (tests/golden/features/fma_reference.py) in a pool of --jobs processes that have imported and compiled
everything before. The program's table is written to a file, which Python does not do.
"""

import argparse
import csv
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
warnings.simplefilter("ignore")
ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests/golden/features"))


def middle(path):
    import librosa

    length = librosa.get_duration(path=path)
    return (0, None) if length <= 31 else ((length - 30) / 2, 30)


def reference(path):
    """Returns its CPU time."""
    start = time.process_time()
    import fma_reference
    import librosa

    offset, duration = middle(path)
    y, sr = librosa.load(path, sr=None, mono=True, offset=offset, duration=duration)
    fma_reference.compute(y, sr)
    return time.process_time() - start


def timed(function, *arguments):
    """Wall time, and CPU time: of the function if it returns it, else of this process and its children."""
    before = os.times()
    own = function(*arguments)
    after = os.times()
    return after.elapsed - before.elapsed, sum(after[:4]) - sum(before[:4]) if own is None else own


def least(times):
    return [min(one) for one in zip(*times)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for statement in ("pass", "import genrewise", "import genrewise; genrewise.load"):
        command = [sys.executable, "-c", statement]
        wall, cpu = least([timed(lambda: subprocess.run(command) and None) for _ in range(5)])
        print(f"{statement}: {wall:.3f} s, CPU time {cpu:.3f} s")
    print(f"load average {os.getloadavg()[0]:.1f}")

    import genrewise

    usable = list(genrewise.extract(options.folder, n_jobs=options.jobs).index)
    paths = (usable * (options.clips // len(usable) + 1))[: options.clips]
    with tempfile.TemporaryDirectory() as folder:
        dataset = pathlib.Path(folder, "clips.csv")
        with open(dataset, "w", newline="") as out:
            csv.writer(out).writerows([("path", "genre", "track_id"), *((path, "music", i) for i, path in enumerate(paths))])

        def program():
            subprocess.run(
                [options.program, "extract", dataset, "--threads", str(options.jobs), "-o", f"{folder}/table.npy"],
                check=True, capture_output=True,
            )
            for left in pathlib.Path(folder).glob("table*"):
                left.unlink()

        def python():
            assert len(genrewise.extract(paths, n_jobs=options.jobs)) == len(paths)

        with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
            try:
                pool.map(reference, paths[: options.jobs] * 2, chunksize=1)
                librosa = lambda: sum(pool.map(reference, paths, chunksize=1))  # noqa: E731
            except ImportError as error:
                print(f"without librosa: {error}")
                librosa = lambda: None  # noqa: E731
            rounds = [[timed(work) for work in (python, program, librosa)] for _ in range(options.rounds)]
    ours, programs, librosas = (least(one) for one in zip(*rounds))
    for i, kind in enumerate(("wall", "CPU")):
        print(f"{kind} time, {len(paths)} clips, {options.jobs} jobs: genrewise.extract {ours[i]:.2f} s, program "
              f"{programs[i]:.2f} s ({100 * (ours[i] / programs[i] - 1):+.1f} %), librosa {librosas[i]:.2f} s "
              f"({librosas[i] / ours[i]:.1f} times as much)")
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
