#!/usr/bin/env python3
"""The classical classifiers against scikit-learn, fit + predict, in one run on one machine.

    python3 bench/compare_sklearn.py build/release/bin/bench_models [--rows 6400] [--cols 518] [--case NAME ...]
                                     [--only-ours] [--repeats 3] [--threads N] [--dir DIR]

Both use the same standardised float32 table of seeded, overlapping clusters in 8 classes (plus a fifth as many test rows),
run in turn, and the best of the repeats counts. scikit-learn is timed in a separate process. Prints a table; ratio =
scikit-learn's seconds / ours, equal = share of test rows with the same label. Needs numpy and scikit-learn (and xgboost)
from PyPI. Variables that select another CPU for OpenBLAS (OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE) are not passed to
scikit-learn, which has its own OpenBLAS.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap

import numpy as np

# name: (our kind, our parameters, the expression of scikit-learn or XGBoost)
CASES = {
    "svm rbf": ("svm", "kernel=rbf probability=false", "SVC()"),
    "svm poly": ("svm", "kernel=poly probability=false", "SVC(kernel='poly')"),
    "svm linear": ("svm", "kernel=linear probability=false", "SVC(kernel='linear')"),
    "svm linear C=0.01": ("svm", "kernel=linear C=0.01 probability=false", "SVC(kernel='linear', C=0.01)"),
    "svm rbf, probabilities": ("svm", "kernel=rbf", "SVC(probability=True)"),
    "knn k=21": ("knn", "n_neighbors=21", "KNeighborsClassifier(21)"),
    "logreg": ("logreg", "max_iter=1000", "LogisticRegression(max_iter=1000)"),
    "logreg C=0.01": ("logreg", "C=0.01 max_iter=1000", "LogisticRegression(C=0.01, max_iter=1000)"),
    "gnb": ("gnb", "", "GaussianNB()"),
    "linearsvc C=0.01": ("linearsvc", "C=0.01 probability=false", "LinearSVC(C=0.01, max_iter=20000)"),
    "lda": ("lda", "", "LinearDiscriminantAnalysis()"),
    "qda": ("qda", "reg_param=0.1", "QuadraticDiscriminantAnalysis(reg_param=0.1)"),
    "forest": ("forest", "", "RandomForestClassifier(n_jobs=THREADS)"),
    "tree": ("tree", "", "DecisionTreeClassifier()"),
    "adaboost": ("adaboost", "", "AdaBoostClassifier()"),
    "mlp": ("mlp", "max_iter=20", "MLPClassifier(max_iter=20)"),
    "xgboost": ("xgboost", "n_estimators=20", "XGBClassifier(n_estimators=20, n_jobs=THREADS)"),
}

THEIRS = textwrap.dedent("""
    import json, os, resource, sys, time, warnings
    folder, expression, THREADS, labels = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    import numpy as np
    from sklearn.svm import SVC, LinearSVC
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier
    from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
    if expression.startswith("XGB"):
        from xgboost import XGBClassifier
    warnings.simplefilter("ignore")
    def part(name):
        y = np.fromfile(f"{folder}/{name}.i32", np.int32)
        return np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(len(y), -1), y
    (x, y), (x_test, y_test) = part("train"), part("test")
    model = eval(expression)
    start = time.perf_counter(); model.fit(x, y); fitted = time.perf_counter()
    predicted = model.predict(x_test); done = time.perf_counter()
    out = dict(fit_s=fitted - start, predict_s=done - fitted, accuracy=float((predicted == y_test).mean()),
               peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    predicted.astype(np.int32).tofile(labels)
    if isinstance(model, LogisticRegression):
        p = np.maximum(model.predict_proba(x)[np.arange(len(y)), y], 1e-15)
        out["objective"] = float(-np.log(p).mean() + (model.coef_.astype(float) ** 2).sum() / (2 * model.C * len(y)))
    print(json.dumps(out))
""")


def write_clusters(folder, rows, cols, classes=8, latent=40, seed=1):
    """Classes differ in a low-dimensional part of correlated features, as genres do in statistics of spectra."""
    rng = np.random.default_rng(seed)
    latent = min(latent, cols)
    mixing = rng.normal(size=(latent, cols)).astype(np.float32)
    centres = rng.normal(size=(classes, latent)).astype(np.float32) * 0.25
    total = rows + rows // 4
    y = rng.integers(0, classes, total).astype(np.int32)
    with open(folder / "train.f32", "wb") as train, open(folder / "test.f32", "wb") as test:
        mean = scale = None
        for first in range(0, total, 4096):
            part = slice(first, min(first + 4096, total))
            z = centres[y[part]] + rng.standard_normal((part.stop - first, latent), np.float32)
            x = z @ mixing + 3 * rng.standard_normal((part.stop - first, cols), np.float32)
            if mean is None:
                mean, scale = x.mean(0), x.std(0)
            x = (x - mean) / scale
            cut = max(0, min(len(x), rows - first))
            x[:cut].tofile(train)
            x[cut:].tofile(test)
    y[:rows].tofile(folder / "train.i32")
    y[rows:].tofile(folder / "test.i32")


def timed(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        return {"error": (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def best(results):
    sound = [r for r in results if "error" not in r]
    return min(sound, key=lambda r: r["fit_s"] + r["predict_s"]) if sound else results[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=6400)
    parser.add_argument("--cols", type=int, default=518)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--dir", help="keep the data here")
    options = parser.parse_args()
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "OPENBLAS_NUM_THREADS": str(options.threads)}
    peer = {k: v for k, v in environment.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.dir or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "test.i32").exists():
            write_clusters(folder, options.rows, options.cols)
        print(f"{options.rows} x {options.cols}, {options.threads} threads, load {os.getloadavg()[0]:.1f} at the start")
        print(f"{'case':<24}{'ours fit':>10}{'predict':>9}{'MiB':>7}{'acc':>7}{'theirs fit':>12}{'predict':>9}{'MiB':>7}"
              f"{'acc':>7}{'ratio':>8}{'equal':>8}")
        for name in options.case or CASES:
            kind, parameters, expression = CASES[name]
            ours, theirs = [], []
            for _ in range(options.repeats):
                ours.append(timed([options.program, folder, kind, f"threads={options.threads}",
                                   f"labels={folder}/ours.i32", *parameters.split()], environment))
                if not options.only_ours:
                    theirs.append(timed([sys.executable, "-c", THEIRS, folder, expression, str(options.threads),
                                         f"{folder}/theirs.i32"], peer))
            row = f"{name:<24}"
            for result in [best(r) for r in (ours, theirs) if r]:
                if "error" in result:
                    row += " " + result["error"]
                else:
                    row += "{fit_s:>10.3f}{predict_s:>9.3f}{peak_mib:>7}{accuracy:>7.3f}  ".format(**result)
            if theirs and "error" not in best(ours) and "error" not in best(theirs):
                total = [best(r)["fit_s"] + best(r)["predict_s"] for r in (theirs, ours)]
                same = [np.fromfile(folder / name, np.int32) for name in ("ours.i32", "theirs.i32")]
                row += f"{total[0] / total[1]:>7.1f}x{(same[0] == same[1]).mean():>8.4f}"
                if "objective" in best(ours):
                    row += f"   objective {best(ours)['objective']:.6f} against {best(theirs)['objective']:.6f}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
