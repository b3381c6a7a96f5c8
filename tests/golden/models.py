#!/usr/bin/env python3
"""Golden figures of scikit-learn for the classical classifiers.

    python3 tests/golden/models.py

writes models_seeded.json and models_wine.json beside this script, data included. Wine: chemical analysis of 178 wines of
three cultivars (S. Aeberhard and M. Forina, UCI Machine Learning Repository, doi.org/10.24432/C5PC7J, CC BY 4.0), as
scikit-learn ships it: columns of very different scales, correlated and with repeated values.
Made with scikit-learn 1.9.1, numpy 2.4.6.
"""
import json
import pathlib
import warnings

import numpy as np
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent

# name, our kind, our parameters (text, scikit-learn's names), scikit-learn's estimator
CASES = [
    ("gnb", "gnb", {}, GaussianNB()),
    ("gnb_smoothed", "gnb", {"var_smoothing": "0.1"}, GaussianNB(var_smoothing=0.1)),
    ("centroid", "centroid", {}, NearestCentroid()),
    ("centroid_shrunken", "centroid", {"shrink_threshold": "2"}, NearestCentroid(shrink_threshold=2)),
    ("knn_5", "knn", {}, KNeighborsClassifier()),
    ("knn_21_distance", "knn", {"n_neighbors": "21", "weights": "distance"},
     KNeighborsClassifier(21, weights="distance")),
    ("knn_manhattan", "knn", {"n_neighbors": "7", "metric": "manhattan"}, KNeighborsClassifier(7, metric="manhattan")),
    ("knn_cosine", "knn", {"n_neighbors": "7", "metric": "cosine"}, KNeighborsClassifier(7, metric="cosine")),
    ("knn_p3", "knn", {"n_neighbors": "7", "p": "3"}, KNeighborsClassifier(7, p=3)),
    ("logreg", "logreg", {"tol": "1e-6", "max_iter": "5000"}, LogisticRegression(tol=1e-9, max_iter=20000)),
    ("logreg_small_c", "logreg", {"C": "0.01", "tol": "1e-6", "max_iter": "5000"},
     LogisticRegression(C=0.01, tol=1e-9, max_iter=20000)),
    ("logreg_balanced", "logreg", {"class_weight": "balanced", "tol": "1e-6", "max_iter": "5000"},
     LogisticRegression(class_weight="balanced", tol=1e-9, max_iter=20000)),
    ("svm_rbf", "svm", {}, SVC()),
    ("svm_rbf_c10", "svm", {"C": "10", "gamma": "0.01"}, SVC(C=10, gamma=0.01)),
    ("svm_linear", "svm", {"kernel": "linear", "C": "0.1"}, SVC(kernel="linear", C=0.1)),
    ("svm_poly", "svm", {"kernel": "poly", "coef0": "1.0"}, SVC(kernel="poly", coef0=1.0)),
    ("svm_sigmoid", "svm", {"kernel": "sigmoid", "gamma": "auto"}, SVC(kernel="sigmoid", gamma="auto")),
    ("linearsvc", "linearsvc", {"C": "0.1"}, LinearSVC(C=0.1, dual=False, tol=1e-8, max_iter=100000)),
    ("lda", "lda", {}, LinearDiscriminantAnalysis()),
    ("lda_shrunken", "lda", {"shrinkage": "0.3"}, LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)),
    ("lda_ledoit_wolf", "lda", {"shrinkage": "auto"}, LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
    ("qda", "qda", {"reg_param": "0.1"}, QuadraticDiscriminantAnalysis(reg_param=0.1)),
    ("svm_balanced", "svm", {"class_weight": "balanced"}, SVC(class_weight="balanced")),
    # Among equally good splits, a tree depends on its seed; these trees are the same for any random_state.
    ("tree", "tree", {"min_samples_leaf": "20"}, DecisionTreeClassifier(min_samples_leaf=20, random_state=0)),
    ("adaboost", "adaboost", {}, AdaBoostClassifier(random_state=0)),
    ("adaboost_slow", "adaboost", {"n_estimators": "20", "learning_rate": "0.5"},
     AdaBoostClassifier(n_estimators=20, learning_rate=0.5, random_state=0)),
]


def figures(x_train, y_train, x_test):
    out = []
    for name, kind, parameters, estimator in CASES:
        estimator.fit(x_train, y_train)
        entry = {"name": name, "kind": kind, "parameters": parameters, "predict": estimator.predict(x_test).tolist()}
        if kind == "svm":
            # Platt's folds are random in scikit-learn; five draws show how much the probabilities depend on them.
            draws = []
            for seed in range(5):
                with_probabilities = SVC(**{**estimator.get_params(), "probability": True, "random_state": seed})
                draws.append(with_probabilities.fit(x_train, y_train).predict_proba(x_test))
            entry["probabilities"] = np.mean(draws, axis=0).round(4).tolist()
        elif kind == "centroid":
            pass  # its probabilities scale the columns, its labels do not; ours follow the labels
        elif hasattr(estimator, "predict_proba"):
            entry["probabilities"] = estimator.predict_proba(x_test).round(6).tolist()
        out.append(entry)
    return out


def seeded():
    rng = np.random.default_rng(20240607)
    centres = rng.normal(0, 1.0, (4, 6))
    y = np.repeat(np.arange(4), [30, 45, 60, 25])
    x = (centres[y] + rng.normal(0, 1.0, (len(y), 6))) * [1, 10, 0.1, 3, 1, 5] + [0, 100, -1, 2, 0, 7]
    x = x.round(3).astype(np.float32)
    order = rng.permutation(len(y))
    x, y = x[order], y[order]
    train, test = slice(0, 110), slice(110, None)
    scaler = StandardScaler().fit(x[train].astype(np.float64))
    x_train, x_test = scaler.transform(x[train].astype(np.float64)), scaler.transform(x[test].astype(np.float64))
    pca = PCA(3).fit(x_train)
    two = y[train] < 2
    binary = []
    for name, kind, parameters, estimator in CASES:
        if kind in ("logreg", "svm", "gnb", "linearsvc", "lda", "qda", "adaboost"):
            estimator.fit(x_train[two], y[train][two])
            binary.append({"name": name, "kind": kind, "parameters": parameters,
                           "predict": estimator.predict(x_test).tolist()})
            if kind != "svm" and hasattr(estimator, "predict_proba"):
                binary[-1]["probabilities"] = estimator.predict_proba(x_test).round(6).tolist()
    return {
        "train": x[train].round(3).astype(float).round(3).tolist(), "train_labels": y[train].tolist(),
        "test": x[test].astype(float).round(3).tolist(), "test_labels": y[test].tolist(),
        "scaler": {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()},
        "pca": {"components": pca.components_.tolist(), "explained_variance": pca.explained_variance_.tolist(),
                "explained_variance_ratio": pca.explained_variance_ratio_.tolist(),
                "transformed_test": pca.transform(x_test).tolist()},
        "cases": figures(x_train, y[train], x_test),
        "two_classes": binary,
    }


def wine():
    x, y = load_wine(return_X_y=True)
    x = x.astype(np.float32).astype(np.float64)
    test = np.arange(len(y)) % 3 == 0  # every third row
    scaler = StandardScaler().fit(x[~test])
    x_train, x_test = scaler.transform(x[~test]), scaler.transform(x[test])
    raw = GaussianNB().fit(x[~test], y[~test])
    cases = figures(x_train, y[~test], x_test)
    for case in cases:
        case["accuracy"] = float((np.array(case["predict"]) == y[test]).mean())
        if case["name"] not in ("gnb_smoothed", "knn_21_distance", "logreg", "svm_rbf"):
            case.pop("probabilities", None)
        else:
            case["probabilities"] = np.array(case["probabilities"]).round(4).tolist()
    return {"train": x[~test].round(5).tolist(), "train_labels": y[~test].tolist(),
            "test": x[test].round(5).tolist(), "cases": cases, "raw_gnb_predict": raw.predict(x[test]).tolist()}


def write(name, figures_of):
    text = json.dumps(figures_of, separators=(",", ":")).replace('{"name"', '\n{"name"')
    (HERE / name).write_text(text + "\n")


write("models_seeded.json", seeded())
write("models_wine.json", wine())
