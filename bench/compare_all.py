#!/usr/bin/env python3
"""Runs every bench/compare_*.py that this machine has the peers for, and writes one page of all results.

    bench/compare_all.py build/release [-o PAGE.md] [--only NAME...] [--python PYTHON] [--clips FILE...] [--weights FOLDER]
                         [--server versitygw|s3rver|moto [--server-program PROGRAM]] [--by wall|cpu] [--rounds N] [--quick]

The page begins with lscpu and names the compiler; each comparison follows with its command, the load when it began and
ended, and what it printed. One that cannot run, fails, or takes more than --limit minutes is listed with the reason, and
the others go on; the page is written after each. PYTHON (default: this one) is where the peers are looked for. --clips:
audio files for features and the Python package. --by cpu compares training steps by processor time, for a machine that is
not idle. --rounds: of every comparison, instead of its own number. --quick: one round of tiny sizes, to see that everything runs; their figures mean nothing.
"""
import argparse
import datetime
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def comparisons(options):
    """(name, peers as Python modules, files that must exist, arguments) of each script; bin: the programs of the build."""
    bin, clips = options.build / "bin", options.clips
    folder = clips[0].parent if clips else pathlib.Path("CLIPS")
    weights, server = options.weights or pathlib.Path("WEIGHTS"), options.server_program
    quick = lambda *arguments: arguments if options.quick else ()  # noqa: E731
    rounds = lambda name: (name, options.rounds) if options.rounds else ()  # noqa: E731
    return [
        ("onnxruntime", ["onnx", "onnxruntime"], [bin / "bench_neural", weights],
         [weights, "--bench", bin / "bench_neural", *rounds("--rounds"), *quick("--seconds", "0.05")]),
        ("tensorflow", ["tensorflow", "torch", "torchvision"], [bin / "bench_neural_training", weights],
         [bin / "bench_neural_training", "--by", options.by, *rounds("--rounds"), *quick("--steps", "1")]),
        ("pytorch", ["torch"], [bin / "bench_neural_training", weights, "/dev/nvidia0"],
         [bin / "bench_neural_training", *rounds("--rounds")]),
        ("sklearn_python", ["sklearn", "sklearnex", "xgboost", "genrewise"], [],
         [*rounds("--repeats"), *quick("--rows", "800", "--cols", "40")]),
        ("sklearn", ["sklearn", "xgboost"], [bin / "bench_models"],
         [bin / "bench_models", *rounds("--repeats"), *quick("--rows", "800", "--cols", "40")]),
        ("start", [], [bin / "genrewise"], [bin / "genrewise", *quick("--runs", "2")]),
        ("librosa", ["librosa"], [bin / "genrewise", *(clips or [folder])],
         [bin / "genrewise", *clips, *rounds("--rounds"), *quick("--copies", "2")]),
        ("python", ["librosa", "pandas", "genrewise"], [bin / "genrewise", folder],
         [bin / "genrewise", folder, *rounds("--rounds"), *quick("--clips", "4")]),
        ("tfdata", ["tensorflow"], [bin / "bench_records"], [bin / "bench_records", *rounds("--rounds")]),
        ("s3", [], [bin / "bench_object_storage", server],
         [options.server, server, bin / "bench_object_storage", options.rounds or 5, *(("2", "8") if options.quick else ("8", "160"))]),
    ]


def what_is_missing(script, peers, files, python, environment):
    if not script.exists():
        return f"{script.name} does not exist"
    for peer in peers:
        tried = subprocess.run([python, "-c", f"import {peer}"], capture_output=True, text=True, env=environment)
        if tried.returncode != 0:
            return f"no Python package {peer}: " + last_line(tried.stderr)
    for file in files:
        if not pathlib.Path(file).exists():
            return f"no {file}"
    return None


def last_line(text):
    return (text.strip().splitlines() or ["no message"])[-1]


def output_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout.strip()
    except OSError:
        return f"{command[0]}: not found"


def run(command, environment, limit_s):
    """Exit code and output; 124 when the comparison was ended because it took longer."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True) as process:
        try:
            return process.communicate(timeout=limit_s)[0], process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the programs that it started
            return process.communicate()[0], 124


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default="comparisons.md")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--clips", nargs="+", type=pathlib.Path, default=[], metavar="FILE")
    parser.add_argument("--weights", type=pathlib.Path, default=os.environ.get("GENREWISE_WEIGHTS"))
    parser.add_argument("--server", default="versitygw", choices=["versitygw", "s3rver", "moto"])
    parser.add_argument("--server-program", default=None)
    parser.add_argument("--by", default="wall", choices=["wall", "cpu"])
    parser.add_argument("--limit", type=float, default=60, metavar="MINUTES")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else None)
    program = options.server_program or {"moto": "moto_server"}.get(options.server, options.server)
    options.server_program = shutil.which(program) or program
    known = comparisons(options)
    unknown = set(options.only) - {name for name, *_ in known}
    if unknown:
        parser.error(f"unknown comparison {', '.join(sorted(unknown))}: {', '.join(name for name, *_ in known)}")

    environment = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    environment["PYTHONPATH"] = str(options.build / "python")
    if options.weights:
        environment["GENREWISE_WEIGHTS"] = str(options.weights)
    versions = [last_line(output_of(command)) if at else output_of(command).splitlines()[0]
                for at, command in enumerate((["c++", "--version"], [options.build / "bin/genrewise", "--version"]))]
    hardware = "\n".join(line for line in output_of(["lscpu"]).splitlines() if not line.startswith("Vulnerability"))
    overview, sections, failed = [], [], False

    def write_page():
        options.output.write_text("\n\n".join([
            f"# Comparisons of {datetime.date.today()}", f"```\n{hardware}\n```",
            f"{'; '.join(versions)}. Variables that choose OpenBLAS's kernels are unset.",
            "\n".join(["| comparison | run |", "|---|---|", *overview]), *sections]) + "\n")

    for name, peers, files, arguments in known:
        if options.only and name not in options.only:
            continue
        script = HERE / f"compare_{name}.py"
        missing = what_is_missing(script, peers, files, options.python, environment)
        if missing:
            overview.append(f"| {name} | not run: {missing} |")
        else:
            print(f"{name} ...", file=sys.stderr, flush=True)
            started, load = time.monotonic(), os.getloadavg()[0]
            text, code = run([options.python, script, *map(str, arguments)], environment, 60 * options.limit)
            failed |= code != 0
            outcome = "" if code == 0 else f"ended after the limit of {options.limit:g} minutes, " if code == 124 else \
                f"failed with exit code {code} ({last_line(text)}), "
            overview.append(f"| {name} | {outcome}{time.monotonic() - started:.0f} s |")
            command = " ".join(["bench/" + script.name, *map(str, arguments)])
            sections.append(f"## {name}\n`{command}`, load {load:.1f} to {os.getloadavg()[0]:.1f}:\n\n```\n{text.rstrip()}\n```")
        write_page()
    print(options.output)
    return 1 if failed else 0


sys.exit(main())
