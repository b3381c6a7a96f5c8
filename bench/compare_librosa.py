#!/usr/bin/env python3
"""CPU time of fma518 for the same files: librosa (warm), `mpg123 -t`, and genrewise, in turn.

    bench/compare_librosa.py path/to/genrewise FILE.mp3... [--rounds 5]

Every round runs all three on all files, so that other work on the machine affects them alike; the least CPU time (user +
system) of the rounds counts, and only ratios are meaningful. genrewise is run as `genrewise extract` with one thread on a
dataset that contains each file --copies times; its time per clip is the difference between that and a dataset of one clip,
divided by the difference in clips: it includes decoding and everything else except starting the program.
"""

import argparse
import csv
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import warnings

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import librosa
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "golden" / "features"))
import fma_reference


def cpu_of_child(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_dataset(path, files):
    with open(path, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["path", "genre", "track_id"])
        for i, name in enumerate(files):
            writer.writerow([name, "music", i])


def genrewise_per_clip(program, files, copies, folder):
    times = []
    for name, chosen in (("one", files[:1]), ("many", files * copies)):
        dataset = folder / f"{name}.csv"
        write_dataset(dataset, chosen)
        times.append(cpu_of_child([program, "extract", dataset, "--features", "fma518", "--threads", "1", "-o",
                                   folder / f"{name}_table.npy"]))
        for left in folder.glob(f"{name}_table*"):
            left.unlink()
    return (times[1] - times[0]) / (len(files) * copies - 1)


def librosa_per_clip(files):
    load = compute = 0.0
    for name in files:
        start = time.process_time()
        x, sr = librosa.load(name, sr=None, mono=True)
        load += time.process_time() - start
        start = time.process_time()
        fma_reference.compute(x, sr)
        compute += time.process_time() - start
    return load / len(files), compute / len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("genrewise")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=10)
    options = parser.parse_args()
    files = [os.path.abspath(name) for name in options.files]
    warnings.simplefilter("ignore")

    librosa_per_clip(files[:1])  # compiles numba functions, fills caches
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            load, compute = librosa_per_clip(files)
            figures = {
                "librosa, loading": load,
                "librosa, total": load + compute,
                "mpg123 -t": sum(cpu_of_child(["mpg123", "-q", "-t", name]) for name in files) / len(files),
                "genrewise, total": genrewise_per_clip(options.genrewise, files, options.copies, pathlib.Path(folder)),
            }
            for name, seconds in figures.items():
                best[name] = min(seconds, best.get(name, seconds))

    print(f"librosa {librosa.__version__}, numpy {numpy.__version__}; {len(files)} files, best of {options.rounds} rounds, "
          f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("| what | CPU ms per clip | in units of mpg123 -t |\n|---|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {1000 * seconds:.1f} | {seconds / best['mpg123 -t']:.2f} |")
    print(f"genrewise is {best['librosa, total'] / best['genrewise, total']:.1f} times as fast as librosa")


if __name__ == "__main__":
    main()
