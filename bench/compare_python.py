#!/usr/bin/env python3
"""genrewise.extract() against librosa in a process pool of the same size and against the program, and the time of imports.

    PYTHONPATH=build/release/python bench/compare_python.py build/release/bin/genrewise FOLDER [--clips 200] [--jobs 2]

FOLDER is searched for audio; the middle 30 s of each file are used, files repeated if there are fewer than --clips. Wall
time; each round runs the three in turn and the least of the rounds counts. librosa decodes the same 30 s and computes FMA's
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
    import fma_reference
    import librosa

    offset, duration = middle(path)
    y, sr = librosa.load(path, sr=None, mono=True, offset=offset, duration=duration)
    return fma_reference.compute(y, sr)


def timed(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def import_s(statement):
    """Least wall and CPU time of five runs."""
    times = []
    for _ in range(5):
        before = os.times()
        wall = timed(subprocess.run, [sys.executable, "-c", statement])
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        times.append((wall, cpu))
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
        wall, cpu = import_s(statement)
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
                librosa = lambda: pool.map(reference, paths, chunksize=1)  # noqa: E731
            except ImportError as error:
                print(f"without librosa: {error}")
                librosa = lambda: None  # noqa: E731
            rounds = [[timed(work) for work in (python, program, librosa)] for _ in range(options.rounds)]
    print("seconds, by round (genrewise.extract, program, librosa):", [[f"{s:.2f}" for s in one] for one in rounds])
    ours, programs, librosas = (min(one) for one in zip(*rounds))
    print(f"{len(paths)} clips, {options.jobs} jobs: genrewise.extract {ours:.2f} s, program {programs:.2f} s "
          f"({100 * (ours / programs - 1):+.1f} %), librosa {librosas:.2f} s ({librosas / ours:.1f} times as long)")
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
