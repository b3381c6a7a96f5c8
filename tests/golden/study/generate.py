#!/usr/bin/env python3
"""Golden figures for tests/evaluation/: scikit-learn 1.9.1, scipy and numpy.

Writes metrics.json beside itself: seeded predictions of 60 examples and 5 genres (one of which is never true and one is
neither true nor predicted), and scikit-learn's metrics and curves of them; Wilson intervals and McNemar p-values by scipy.stats.
"""
import json
import pathlib
import sys

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import calibration, metrics

rng = np.random.default_rng(7)
n, labels = 60, 5
truth = rng.integers(0, 3, n)
logits = rng.normal(size=(n, labels)) + 1.2 * np.eye(labels)[truth]
logits[:, 4] -= 8
p = np.exp(logits)
p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
p[0] = [0, 0.9601, 0.02, 0.01, 0.0099]  # truth has probability 0: the clipping of the log loss; no ties
truth[0] = 0
predicted = p.argmax(axis=1)
other = rng.integers(0, 3, n)

everything = list(range(labels))
precision, recall, f1, support = metrics.precision_recall_fscore_support(
    truth, predicted, labels=everything, zero_division=0)
golden = {
    "versions": {"python": sys.version.split()[0], "scikit-learn": sklearn.__version__, "scipy": scipy.__version__,
                 "numpy": np.__version__},
    "truth": truth.tolist(),
    "predicted": predicted.tolist(),
    "other": other.tolist(),
    "probabilities": [[float(x) for x in row] for row in p],
    "accuracy": metrics.accuracy_score(truth, predicted),
    "macro_f1": metrics.f1_score(truth, predicted, average="macro", zero_division=0),
    "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
    "log_loss": metrics.log_loss(truth, p, labels=everything),
    "top_k": [metrics.top_k_accuracy_score(truth, p, k=k, labels=everything) for k in range(1, labels)],
    "precision": precision.tolist(),
    "recall": recall.tolist(),
    "f1": f1.tolist(),
    "support": support.tolist(),
    "confusion": metrics.confusion_matrix(truth, predicted, labels=everything).tolist(),
    "wilson": [],
    "mcnemar": [],
}
for hits, size in [(0, 1), (1, 1), (0, 20), (20, 20), (81, 263), (370, 800), (4999, 5000)]:
    interval = stats.binomtest(hits, size).proportion_ci(0.95, method="wilson")
    golden["wilson"].append({"hits": hits, "n": size, "low": interval.low, "high": interval.high})
for b, c in [(0, 0), (1, 0), (3, 9), (10, 10), (40, 75), (300, 420)]:
    p_value = stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    golden["mcnemar"].append({"only_first": b, "only_second": c, "p_value": p_value})

# Curves on probabilities of one decimal place, so that many are equal.
coarse = p.astype(np.float64).round(1).astype(np.float32)
golden["coarse"] = [[float(x) for x in row] for row in coarse]
golden["curves"] = []
for label in range(labels):
    positive = (truth == label).astype(int)
    if positive.sum() == 0:
        golden["curves"].append(None)
        continue
    fpr, tpr, _ = metrics.roc_curve(positive, coarse[:, label], drop_intermediate=False)
    precision, recall, _ = metrics.precision_recall_curve(positive, coarse[:, label], drop_intermediate=False)
    golden["curves"].append({
        "auc": metrics.roc_auc_score(positive, coarse[:, label]),
        "average_precision": metrics.average_precision_score(positive, coarse[:, label]),
        "roc": np.stack([fpr, tpr], axis=1).tolist(),
        "precision_recall": np.stack([recall, precision], axis=1)[::-1].tolist(),
    })

confidence = p.max(axis=1).astype(np.float64)
correct = (truth == predicted).astype(int)
accuracy, mean_confidence = calibration.calibration_curve(correct, confidence, n_bins=10)
counts = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], confidence), minlength=10)
counts = counts[counts > 0]
golden["calibration"] = {
    "accuracy": accuracy.tolist(),
    "confidence": mean_confidence.tolist(),
    "counts": counts.tolist(),
    "ece": float((counts * np.abs(accuracy - mean_confidence)).sum() / n),
}
order = np.argsort(-confidence, kind="stable")
golden["coverage"] = {
    "threshold": confidence[order].tolist(),
    "accuracy": (np.cumsum(correct[order]) / np.arange(1, n + 1)).tolist(),
}

path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
