#!/usr/bin/env python3
"""Trains a network with 2 and 4 ranks that mpirun starts, and compares the loss of every epoch with that of one process.

    ranks_test.py build/dev/bin/genrewise     needs mpirun (Debian: openmpi-bin); exits with 77 where it is missing

A run of 2 ranks of which one is killed in the middle ends with an error, and with the losses of one process when it is
started again. slurm_test.py does the same with srun.
"""
import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import kill  # noqa: E402  (make_music)

# Ranks add up gradients in another order than one process does: some units in the last place of a float (6e-8) a step.
LARGEST_DIFFERENCE = 1e-5
MODEL = "cnn1d:epochs=3:batch_size=8:dropout=0"


def make_table(program, work):
    """Raw audio of 36 clips, for MODEL."""
    music, table = os.path.join(work, "ranks-music"), os.path.join(work, "raw.npy")
    kill.make_music(music, tracks=12, seconds=1.5)
    subprocess.run([program, "-q", "extract", music, "--features", "raw10k", "-o", table], check=True, stdout=subprocess.DEVNULL)
    return table


def train_command(program, table, run, model=MODEL):
    return [program, "-q", "--threads", "1", "train", table, "--features", "raw10k", "--model", model, "--scheme", "random",
            "--run", run, "-o", run + ".gwm"]


def losses(run):
    """Of training and validation, by epoch."""
    with open(os.path.join(run, "curves.csv"), newline="", encoding="utf-8") as file:
        return [[float(row[name]) for name in row if "loss" in name and row[name]] for row in csv.DictReader(file)]


def compare_losses(alone, together, what):
    one, other = losses(alone), losses(together)
    if len(one) != len(other) or not one or not one[0]:
        raise SystemExit(f"failed: {what}: {len(other)} epochs, not {len(one)}")
    largest = max(abs(a - b) for x, y in zip(one, other) for a, b in zip(x, y))
    print(f"{what}: losses of {len(one)} epochs differ from those of one process by at most {largest:.1e}", flush=True)
    if largest > LARGEST_DIFFERENCE:
        raise SystemExit(f"failed: at most {LARGEST_DIFFERENCE:g} is allowed: {one}, {other}")


def mpirun(ranks):
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]


def ranks_of(run):
    """Processes that train into the folder: (rank, process)."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                command = file.read().split(b"\0")
            with open(f"/proc/{entry}/environ", "rb") as file:
                variables = dict(pair.partition(b"=")[::2] for pair in file.read().split(b"\0"))
        except OSError:
            continue
        if run.encode() in command and command[0].endswith(b"genrewise") and b"OMPI_COMM_WORLD_RANK" in variables:
            found.append((int(variables[b"OMPI_COMM_WORLD_RANK"]), int(entry)))
    return sorted(found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    options = parser.parse_args()
    if shutil.which("mpirun") is None:
        print("skipped: mpirun is not installed (openmpi-bin)")
        sys.exit(77)
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    program = os.path.abspath(options.program)
    with tempfile.TemporaryDirectory(prefix="genrewise-ranks-") as work:
        table, alone = make_table(program, work), os.path.join(work, "alone")
        subprocess.run(train_command(program, table, alone), check=True, stdout=subprocess.DEVNULL)
        for ranks in (2, 4):
            run = os.path.join(work, f"mpirun{ranks}")
            subprocess.run(mpirun(ranks) + train_command(program, table, run), check=True, stdout=subprocess.DEVNULL)
            compare_losses(alone, run, f"mpirun -n {ranks}")

        run, model = os.path.join(work, "killed"), MODEL.replace("epochs=3", "epochs=12")
        command = mpirun(2) + train_command(program, table, run, model)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            curves = os.path.join(run, "curves.csv")
            while process.poll() is None and (not os.path.exists(curves) or len(losses(run)) < 2):
                time.sleep(0.05)
            os.kill(ranks_of(run)[-1][1], signal.SIGKILL)
            if process.wait() == 0:
                raise SystemExit("failed: mpirun ended well although a rank was killed")
        epochs = len(losses(run))
        if not 2 <= epochs < 12:
            raise SystemExit(f"failed: the rank was killed after {epochs} epochs")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(train_command(program, table, alone + "12", model), check=True, stdout=subprocess.DEVNULL)
        compare_losses(alone + "12", run, f"a rank killed after {epochs} epochs, and started again")


if __name__ == "__main__":
    main()
