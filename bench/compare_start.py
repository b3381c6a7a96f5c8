#!/usr/bin/env python3
"""Wall and processor time of short runs of genrewise, beside those of Python and the libraries that peers import.

    bench/compare_start.py build/release/bin/genrewise [--runs 40]

The least of the runs counts; the commands take turns.
A table of 400 rows is the input of `list` and `split`.
"""
import argparse
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time


def timed(command):
    """Wall and processor time, or nothing if the command failed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (wall, cpu) if done.returncode == 0 else None


def write_table(path):
    generator = random.Random(1)
    with open(path, "w") as out:
        print("track_id,genre,a,b", file=out)
        for i in range(400):
            print(f"{i},{'rock' if i % 2 else 'jazz'},{generator.gauss(i % 2, 1):.4f},{generator.gauss(0, 1):.4f}", file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        table = pathlib.Path(temporary, "table.csv")
        write_table(table)
        program = [options.program, "-q"]
        commands = {"genrewise --version": [options.program, "--version"], "genrewise --help": [options.program, "--help"],
                    "genrewise models": [*program, "models"], "genrewise list TABLE": [*program, "list", table],
                    "genrewise split TABLE": [*program, "split", table, "--scheme", "random", "-o", pathlib.Path(temporary, "split.csv")]}
        commands |= {f"python -c 'import {name}'": [sys.executable, "-c", f"import {name}"]
                     for name in ("sys", "numpy", "sklearn", "librosa.core", "torch", "tensorflow")}
        found = {name: [] for name in commands}
        for i in range(options.runs):
            for name, command in commands.items():
                if i < (3 if name.startswith("python") else options.runs) and (one := timed(command)):
                    found[name].append(one)
        print(f"{'command':32} {'wall ms':>9} {'cpu ms':>8}")
        for name, times in found.items():
            figures = [1000 * min(column) for column in zip(*times)]
            print(f"{name:32} {figures[0]:9.1f} {figures[1]:8.1f}" if figures else f"{name:32} failed")


if __name__ == "__main__":
    main()
