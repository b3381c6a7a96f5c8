#!/usr/bin/env python3
"""The estimators of genrewise.sklearn against scikit-learn and scikit-learn-intelex, fit + predict, in turns in one run.

    PYTHONPATH=build/release/python python3 bench/compare_sklearn_python.py [--rows 6400] [--cols 518] [--case NAME ...]
                                            [--side NAME ...] [--table NAME ...] [--repeats 5] [--threads N]

Every side runs in a process of its own on the same float32 table and makes the same calls on classes of the same names,
one case after the other; the best of the repeats counts. Tables: `clusters`, that of compare_sklearn.py, standardised;
`mixed`, badly conditioned: (centres + noise) @ W, W a square matrix of normal numbers, the centres' deviation 0.12.
Ratio: seconds of the peer / ours; equal: share of test rows with the same label. cpu: processor time
of all threads. Needs scikit-learn, scikit-learn-intelex and xgboost from PyPI.
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile

import numpy as np
from compare_sklearn import best, timed, write_clusters

CASES = {
    "svm rbf": "SVC()",
    "svm poly": "SVC(kernel='poly')",
    "svm linear": "SVC(kernel='linear')",
    "svm linear C=0.01": "SVC(kernel='linear', C=0.01)",
    "logreg": "LogisticRegression(max_iter=1000)",
    "logreg C=0.01": "LogisticRegression(C=0.01, max_iter=1000)",
    "knn k=21": "KNeighborsClassifier(21)",
    "gnb": "GaussianNB()",
    "forest": "RandomForestClassifier(n_jobs=THREADS)",
    "xgboost": "XGBClassifier(n_estimators=20, n_jobs=THREADS)",
}
SKLEARN = """
from xgboost import XGBClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
"""
SIDES = {
    "genrewise": "from genrewise.sklearn import *",
    "sklearn": SKLEARN,
    "intelex": "from sklearnex import patch_sklearn\npatch_sklearn(verbose=False)" + SKLEARN,
}
WORK = """
import json, sys, time, warnings
folder, THREADS, side, cases = sys.argv[1], int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
import numpy as np
warnings.simplefilter("ignore")
def part(name):
    y = np.fromfile(f"{folder}/{name}.i32", np.int32)
    return np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(len(y), -1), y
(x, y), (x_test, y_test) = part("train"), part("test")
times = {}
for case, expression in cases.items():
    time.sleep(0.2)  # threads of BLAS libraries spin after their work
    start, start_cpu = time.perf_counter(), time.process_time()
    try:
        model = eval(expression).fit(x, y)
        fitted = time.perf_counter()
        predicted = model.predict(x_test)
    except Exception as error:
        times[case] = dict(error=f"{type(error).__name__}: {error}".splitlines()[0])
        continue
    done, done_cpu = time.perf_counter(), time.process_time()
    np.save(f"{folder}/{side} {case}.npy", predicted)
    times[case] = dict(fit_s=fitted - start, predict_s=done - fitted, cpu_s=done_cpu - start_cpu,
                       accuracy=float((predicted == y_test).mean()))
print(json.dumps(times))
"""


def write_mixed(folder, rows, cols, classes=8, seed=2):
    rng = np.random.default_rng(seed)
    total = rows + rows // 4
    y = rng.integers(0, classes, total).astype(np.int32)
    centres, mixing = rng.normal(0, 0.12, (classes, cols)), rng.normal(size=(cols, cols)) / 22
    x = ((centres[y] + rng.normal(size=(total, cols))) @ mixing).astype(np.float32)
    for name, part in (("train", slice(None, rows)), ("test", slice(rows, None))):
        x[part].tofile(folder / f"{name}.f32")
        y[part].tofile(folder / f"{name}.i32")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {"clusters": write_clusters, "mixed": write_mixed}
    parser.add_argument("--rows", type=int, default=6400)
    parser.add_argument("--cols", type=int, default=518)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--side", action="append", choices=SIDES, help="genrewise first")
    parser.add_argument("--table", action="append", choices=tables)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        environment.pop(variable, None)
    for table in options.table or tables:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            tables[table](folder, options.rows, options.cols)
            print(f"{table}, {options.rows} x {options.cols}, {options.threads} threads, load {os.getloadavg()[0]:.1f}")
            cases = {name: CASES[name] for name in options.case or CASES}
            results = {side: [] for side in options.side or SIDES}
            for _ in range(options.repeats):
                for side, runs in results.items():
                    runs.append(timed([sys.executable, "-c", SIDES[side] + WORK, folder, str(options.threads), side,
                                       json.dumps(cases)], environment))
                    if "error" in runs[-1]:  # of the whole side: it ran no case
                        runs[-1] = {case: runs[-1] for case in cases}
            for case in cases:
                print(report(case, {side: [run[case] for run in runs] for side, runs in results.items()}, folder), flush=True)


def report(case, runs, folder):
    """One line: of each side the best fit + predict in seconds, the least processor time, and the accuracy."""
    results = {side: best(of_side) for side, of_side in runs.items()}
    row = f"{case:<18}"
    for side, result in results.items():
        if "error" in result:
            row += f"  {side}: {result['error']}"
            continue
        result["cpu_s"] = min(run["cpu_s"] for run in runs[side] if "error" not in run)
        row += "  {}: {:.3f} + {:.3f} s, cpu {:.3f}, {:.3f}".format(
            side, result["fit_s"], result["predict_s"], result["cpu_s"], result["accuracy"])
        if side != "genrewise" and "error" not in results.get("genrewise", {"error": ""}):
            ours = results["genrewise"]
            wall = (result["fit_s"] + result["predict_s"]) / (ours["fit_s"] + ours["predict_s"])
            labels = [np.load(folder / f"{one} {case}.npy") for one in (side, "genrewise")]
            row += f" ({wall:.1f} x, cpu {result['cpu_s'] / ours['cpu_s']:.1f} x, equal {(labels[0] == labels[1]).mean():.4f})"
    return row


if __name__ == "__main__":
    main()
