#!/usr/bin/env python3
"""Runs every bench/compare_*.py that this machine has the peers for, and writes one page of all results.

    bench/compare_all.py build/release [-o PAGE.md] [--only NAME...] [--python PYTHON] [--clips FILE...] [--weights FOLDER]
                         [--s3 versitygw|s3rver|moto] [--quick]

The page names the processor, its load and the compiler; each comparison follows with its command and what it printed. One
that cannot run is listed with what it lacks. PYTHON (default: this one) is where the peers are looked for. --clips: audio
files for features and the Python package. --quick: fewer rounds, to see that everything runs.
"""
import argparse
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def comparisons(options):
    """(name, peers as Python modules, files that must exist, arguments) of each script; bin: the programs of the build."""
    bin, quick = options.build / "bin", options.quick
    clips, rounds = options.clips, ["--rounds", "1"] if quick else []
    repeats = ["--repeats", "1"] if quick else []
    folder = clips[0].parent if clips else pathlib.Path("CLIPS")
    weights, server = options.weights or pathlib.Path("WEIGHTS"), shutil.which(options.s3) or options.s3
    return [
        ("librosa", ["librosa"], [bin / "genrewise", *(clips or [folder])], [bin / "genrewise", *clips, *rounds]),
        ("onnxruntime", ["onnx", "onnxruntime"], [bin / "bench_neural", weights],
         [weights, "--bench", bin / "bench_neural", *rounds]),
        ("python", ["librosa", "pandas"], [bin / "genrewise", folder], [bin / "genrewise", folder, *rounds]),
        ("pytorch", ["torch"], [bin / "bench_neural_training"], [bin / "bench_neural_training", *rounds]),
        ("tensorflow", ["tensorflow"], [bin / "bench_neural_training"], [bin / "bench_neural_training", *rounds]),
        ("tfdata", ["tensorflow"], [bin / "bench_records"], [bin / "bench_records"]),
        ("sklearn", ["sklearn", "xgboost"], [bin / "bench_models"], [bin / "bench_models", *repeats]),
        ("sklearn_python", ["sklearn", "sklearnex"], [], repeats),
        ("s3", [], [bin / "bench_object_storage", server], [options.s3, server, bin / "bench_object_storage", *(["1"] if quick else [])]),
    ]


def what_is_missing(name, script, peers, files, python):
    if not script.exists():
        return f"{script.name} does not exist"
    for peer in peers:
        if subprocess.run([python, "-c", f"import {peer}"], capture_output=True).returncode != 0:
            return f"no Python package {peer}"
    for file in files:
        if not pathlib.Path(file).exists():
            return f"no {file}"
    return None


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "unknown"


def processor():
    found = subprocess.run(["lscpu"], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    facts = dict((part.strip() for part in line.split(":", 1)) for line in found.splitlines() if ":" in line)
    vectors = [name for name in ("avx512f", "avx2", "sse4_1", "asimd") if name in facts.get("Flags", "").split()][:1]
    return (f"{facts.get('Model name', 'unknown')} (family {facts.get('CPU family', '?')}, model {facts.get('Model', '?')}, "
            f"{', '.join(vectors) or 'no vectors known'}), {os.cpu_count()} processors")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default="comparisons.md")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--clips", nargs="+", type=pathlib.Path, default=[], metavar="FILE")
    parser.add_argument("--weights", type=pathlib.Path, default=os.environ.get("GENREWISE_WEIGHTS"))
    parser.add_argument("--s3", default="versitygw", choices=["versitygw", "s3rver", "moto"])
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    known = comparisons(options)
    unknown = set(options.only) - {name for name, *_ in known}
    if unknown:
        parser.error(f"unknown comparison {', '.join(sorted(unknown))}: {', '.join(name for name, *_ in known)}")

    environment = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    environment["PYTHONPATH"] = str(options.build / "python")
    overview, sections, failed = [], [], False
    for name, peers, files, arguments in known:
        if options.only and name not in options.only:
            continue
        script = HERE / f"compare_{name}.py"
        command = " ".join(["bench/" + script.name, *map(str, arguments)])
        missing = what_is_missing(name, script, peers, files, options.python)
        if missing:
            overview.append(f"| {name} | not run: {missing} |")
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        done = subprocess.run([options.python, script, *map(str, arguments)], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        failed |= done.returncode != 0
        outcome = "" if done.returncode == 0 else f"failed with exit code {done.returncode}, "
        overview.append(f"| {name} | {outcome}{time.monotonic() - started:.0f} s |")
        sections.append(f"## {name}\n`{command}`, load {os.getloadavg()[0]:.1f}:\n\n```\n{done.stdout.rstrip()}\n```\n")

    page = [f"# Comparisons of {datetime.date.today()}", f"Processor: {processor()}; {first_line(['c++', '--version'])}; "
            f"{first_line([options.build / 'bin/genrewise', '--version'])}. Variables that choose OpenBLAS's kernels are unset.",
            "\n".join(["| comparison | run |", "|---|---|", *overview]), *sections]
    options.output.write_text("\n\n".join(page))
    print(options.output)
    return 1 if failed else 0


sys.exit(main())
