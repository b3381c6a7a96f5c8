#!/usr/bin/env python3
"""Whether librosa's and genrewise's fma518 are interchangeable in practice.

    bench/interchange.py MANIFEST.csv OURS.csv CACHE.npz [--limit N]

MANIFEST.csv: path,genre,artist,... as read by genrewise; OURS.csv: the output of `genrewise extract --features fma518` for it.
Computes librosa's table of the same clips (about 1.3 s per clip; stored in CACHE.npz, so an interrupted run continues), then
trains an SVM, logistic regression and a nearest-neighbour classifier on each table and tests on each, in five folds grouped by
artist, and prints the accuracies. Needs librosa, scikit-learn and pandas; the versions are printed.
"""

import argparse
import pathlib
import sys

import librosa
import numpy as np
import pandas as pd
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "golden" / "features"))
import fma_reference

MODELS = {
    "SVM rbf C=1": lambda: SVC(C=1.0),
    "LR C=0.01": lambda: LogisticRegression(C=0.01, max_iter=2000),
    "kNN 21": lambda: KNeighborsClassifier(21),
}


def librosa_table(folder, paths, cache):
    rows = dict(np.load(cache)) if cache.exists() else {}
    for i, path in enumerate(paths):
        if path in rows:
            continue
        x, sr = librosa.load(folder / path, sr=None, mono=True)
        rows[path] = fma_reference.compute(x, sr)
        if i % 10 == 9 or i + 1 == len(paths):
            np.savez(cache, **rows)
            print(f"librosa: {i + 1} of {len(paths)} clips", file=sys.stderr, flush=True)
    table = np.stack([rows[path] for path in paths])
    # Constant series have no skew and kurtosis in SciPy, and 0 and -3 in genrewise.
    for j, (_, statistic, _) in enumerate(fma_reference.columns()):
        table[np.isnan(table[:, j]), j] = {"skew": 0.0, "kurtosis": -3.0}.get(statistic, np.nan)
    return table


def interleaved(manifest):
    """The tracks in an order in which every prefix has similar numbers of all genres."""
    order = manifest.sample(frac=1, random_state=1).groupby("genre").cumcount().sort_values(kind="stable").index
    return manifest.loc[order]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("ours", type=pathlib.Path)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=None, help="use only that many tracks, of all genres alike")
    options = parser.parse_args()

    manifest = interleaved(pd.read_csv(options.manifest, dtype=str))[: options.limit]
    table = librosa_table(options.manifest.parent, list(manifest.path), options.cache)
    ours = pd.read_csv(options.ours, header=[0, 1, 2], index_col=0)
    ours.index = ours.index.astype(str)
    tables = {"librosa": table, "genrewise": ours.loc[manifest.track_id].to_numpy()}

    print(f"librosa {librosa.__version__}, scikit-learn {sklearn.__version__}, {len(manifest)} clips")
    folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=42).split(table, manifest.genre, manifest.artist))
    genres = manifest.genre.to_numpy()
    print("| model | trained on | tested on librosa's | tested on genrewise's | equal predictions |\n|---|---|---|---|---|")
    for name, make in MODELS.items():
        for trained in tables:
            predicted = {tested: np.empty(len(genres), dtype=object) for tested in tables}
            for train, test in folds:
                model = make_pipeline(StandardScaler(), make()).fit(tables[trained][train], genres[train])
                for tested in tables:
                    predicted[tested][test] = model.predict(tables[tested][test])
            scores = [f"{100 * np.mean(predicted[tested] == genres):.1f} %" for tested in tables]
            equal = 100 * np.mean(predicted["librosa"] == predicted["genrewise"])
            print(f"| {name} | {trained} | {scores[0]} | {scores[1]} | {equal:.1f} % |")


if __name__ == "__main__":
    main()
