"""genrewise.sklearn: scikit-learn's own checks of estimators, and what they leave open."""

import ast
import inspect
import json
import pathlib
import pickle
import subprocess
import threading
import time

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.6")

import sklearn.discriminant_analysis
import sklearn.ensemble
import sklearn.linear_model
import sklearn.naive_bayes
import sklearn.neighbors
import sklearn.neural_network
import sklearn.svm
import sklearn.tree
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import genrewise.sklearn as ours

CLASSES = [getattr(ours, name) for name in ours.__all__ if name != "FeatureExtractor"]
THEIRS = {
    "GaussianNB": sklearn.naive_bayes.GaussianNB,
    "KNeighborsClassifier": sklearn.neighbors.KNeighborsClassifier,
    "LogisticRegression": sklearn.linear_model.LogisticRegression,
    "SVC": sklearn.svm.SVC,
    "LinearSVC": sklearn.svm.LinearSVC,
    "NearestCentroid": sklearn.neighbors.NearestCentroid,
    "MLPClassifier": sklearn.neural_network.MLPClassifier,
    "LinearDiscriminantAnalysis": sklearn.discriminant_analysis.LinearDiscriminantAnalysis,
    "QuadraticDiscriminantAnalysis": sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis,
    "DecisionTreeClassifier": sklearn.tree.DecisionTreeClassifier,
    "RandomForestClassifier": sklearn.ensemble.RandomForestClassifier,
    "AdaBoostClassifier": sklearn.ensemble.AdaBoostClassifier,
}


@parametrize_with_checks([one() for one in CLASSES])
def test_passes_the_check_of_scikit_learn(estimator, check):
    check(estimator)


def digits():
    X, y = load_digits(return_X_y=True)
    X = X + np.random.default_rng(1).normal(0, 0.5, X.shape)  # no ties, no constants
    X = np.ascontiguousarray(StandardScaler().fit_transform(X), np.float32)
    return X[:1200], y[:1200], X[1200:], y[1200:]


def test_has_a_class_for_every_classical_kind_but_voting(program):
    listed = json.loads(subprocess.run([program, "models", "--json"], check=True, capture_output=True).stdout)["models"]
    can = {one["kind"]: one["capabilities"] for one in listed}
    classical = {kind for kind in can if can[kind]["trainable"] and not can[kind]["neural_program"]}
    assert {one._kind for one in CLASSES} | {"voting"} == classical


@pytest.mark.parametrize("name", THEIRS)
def test_shared_parameters_have_scikit_learns_defaults(name):
    def defaults(one):
        return {p.name: p.default for p in inspect.signature(one).parameters.values()}

    mine, their = defaults(getattr(ours, name)), defaults(THEIRS[name])
    differ = {parameter for parameter in mine.keys() & their.keys() if mine[parameter] != their[parameter]}
    assert differ <= {"cache_size", "probability", "shrink_threshold"}  # docs/sklearn.md
    assert mine.keys() - their.keys() <= {"n_jobs", "probability", "max_depth"}


@pytest.mark.parametrize(
    "name, parameters, atol",
    [
        ("SVC", {}, 2e-3),
        ("SVC", {"kernel": "linear"}, 2e-3),
        ("SVC", {"kernel": "poly", "C": 0.5}, 2e-3),
        ("LogisticRegression", {"tol": 1e-6, "max_iter": 2000, "C": 0.01}, 2e-3),
        ("LinearSVC", {"tol": 1e-8, "max_iter": 20000, "C": 0.001}, 2e-3),
        ("LinearDiscriminantAnalysis", {}, 1e-3),
        ("QuadraticDiscriminantAnalysis", {"reg_param": 0.1}, 1e-2),
    ],
)
@pytest.mark.parametrize("labels", [10, 2])
def test_decision_function_is_scikit_learns(name, parameters, atol, labels):
    X, y, X_test, _ = digits()
    X, y = X[y < labels], y[y < labels]
    mine = getattr(ours, name)(**parameters).fit(X, y)
    their = THEIRS[name](**parameters).fit(X.astype(np.float64), y)

    def expect_close(seen, due):  # a vote that rounding turns changes a score by one
        assert seen.shape == due.shape and np.isclose(seen, due, rtol=2e-3, atol=atol).mean() > 0.995

    expect_close(mine.decision_function(X_test), their.decision_function(X_test.astype(float)))
    if hasattr(mine, "coef_"):
        expect_close(mine.coef_, their.coef_)
        expect_close(mine.intercept_, their.intercept_)


def test_means_and_variances_are_scikit_learns():
    X, y, *_ = digits()
    mine, their = ours.GaussianNB().fit(X, y), sklearn.naive_bayes.GaussianNB().fit(X.astype(float), y)
    for attribute in ("theta_", "var_", "class_prior_"):
        np.testing.assert_allclose(getattr(mine, attribute), getattr(their, attribute), rtol=1e-5, atol=1e-6)
    mine, their = ours.NearestCentroid().fit(X, y), sklearn.neighbors.NearestCentroid().fit(X.astype(float), y)
    np.testing.assert_allclose(mine.centroids_, their.centroids_, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.__name__)
def test_a_pickled_classifier_predicts_the_same(one):
    X, y, X_test, _ = digits()
    model = one(random_state=3) if "random_state" in inspect.signature(one).parameters else one()
    model.fit(X[:900], y[:900])
    again = pickle.loads(pickle.dumps(model))
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            assert np.array_equal(getattr(model, method)(X_test), getattr(again, method)(X_test))


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.__name__)
def test_the_same_seed_gives_the_same_numbers_for_any_number_of_threads(one):
    X, y, X_test, _ = digits()
    seed = {"random_state": 5} if "random_state" in inspect.signature(one).parameters else {}
    alone, both = (one(n_jobs=jobs, **seed).fit(X[:900], y[:900]) for jobs in (1, 2))
    method = "predict_proba" if hasattr(alone, "predict_proba") else "decision_function"
    assert np.array_equal(getattr(alone, method)(X_test), getattr(both, method)(X_test))


def test_seeds_are_integers_generators_or_drawn_from_numpys():
    X, y, X_test, _ = digits()

    def probabilities(state):
        return ours.RandomForestClassifier(5, random_state=state).fit(X[:200], y[:200]).predict_proba(X_test)

    assert not np.array_equal(probabilities(1), probabilities(2))
    generator = np.random.RandomState(7)
    assert not np.array_equal(probabilities(generator), probabilities(generator))
    assert np.array_equal(probabilities(np.random.RandomState(7)), probabilities(np.random.RandomState(7)))
    np.random.seed(4)
    first = probabilities(None)
    np.random.seed(4)
    assert np.array_equal(first, probabilities(None))


@pytest.mark.parametrize(
    "labels", [["b", "a", "c"], [True, False], [7, -2, 5], np.array(["rock", "jazz"], object), [1.0, 2.0]]
)
def test_labels_keep_their_type(labels):
    labels = np.asarray(labels)
    X = np.random.default_rng(0).normal(size=(60, 3)) + np.arange(60)[:, None] % len(labels) * 5
    y = labels[np.arange(60) % len(labels)]
    model = ours.LinearDiscriminantAnalysis().fit(X, y)
    assert model.classes_.dtype == labels.dtype and list(model.classes_) == sorted(set(labels))
    assert model.predict(X).dtype == labels.dtype and model.score(X, y) > 0.95


def test_works_in_a_pipeline_a_search_and_cross_validation():
    X, y = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), ours.SVC(random_state=0))
    assert cross_val_score(model, X, y, cv=5).mean() > 0.95
    search = GridSearchCV(model, {"svc__C": [0.01, 1], "svc__kernel": ["rbf", "linear"]}, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.95 and search.best_estimator_.predict(X).shape == y.shape
    assert clone(search.best_estimator_["svc"]).get_params() == search.best_estimator_["svc"].get_params()


def test_column_names_of_a_data_frame_are_kept_and_compared():
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = ours.KNeighborsClassifier(3).fit(X, y)
    assert list(model.feature_names_in_) == list(X.columns) and model.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X.rename(columns={X.columns[0]: "other"}))
    assert isinstance(model.predict(X), np.ndarray) and isinstance(X, pandas.DataFrame)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: ours.SVC(C=-1), "C.*above 0"),
        (lambda: ours.SVC(kernel="cubic"), "kernel.*one of linear, poly, rbf, sigmoid"),
        (lambda: ours.SVC(class_weight={"no such label": 2}), "class_weight"),
        (lambda: ours.LogisticRegression(class_weight={0: -1.0}), "weight"),
        (lambda: ours.KNeighborsClassifier(1000), "1000"),
        (lambda: ours.RandomForestClassifier(max_features=0.5), "max_features"),
        (lambda: ours.KNeighborsClassifier(n_jobs=0), "n_jobs"),
    ],
)
def test_wrong_arguments_are_value_errors_that_name_them(make, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        make().fit(X, y)


def test_unknown_parameters_and_sample_weights_are_type_errors():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match="gama"):
        ours.SVC(gama=1)
    with pytest.raises(TypeError, match="sample_weight"):
        ours.LogisticRegression().fit(X, y, sample_weight=np.ones(len(y)))


@pytest.mark.parametrize("one", [ours.LogisticRegression, ours.SVC, ours.LinearSVC])
def test_weights_of_labels_equal_repeated_examples(one):
    X, y = make_classification(80, 4, n_informative=3, n_redundant=0, class_sep=0.5, random_state=2)
    # The objectives of weights and of repetitions are the same: C times the sum of the losses.
    arguments = {"tol": 1e-7} | ({"kernel": "linear"} if one is ours.SVC else {"max_iter": 5000})
    weighted = one(class_weight={1: 3}, **arguments).fit(X, y)
    repeated = one(**arguments).fit(np.vstack([X, X[y == 1], X[y == 1]]), np.r_[y, y[y == 1], y[y == 1]])
    np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), rtol=1e-3, atol=1e-3)
    assert np.abs(weighted.decision_function(X) - one(**arguments).fit(X, y).decision_function(X)).max() > 0.05


def test_probabilities_of_an_svm_are_there_on_request_as_in_scikit_learn():
    X, y = load_iris(return_X_y=True)
    assert not hasattr(ours.SVC(), "predict_proba") and hasattr(ours.SVC(probability=True), "predict_proba")
    probabilities = ours.SVC(probability=True, random_state=0).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == y).mean() > 0.9


def test_reaching_max_iter_is_a_warning():
    X, y, *_ = digits()
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model = ours.LogisticRegression(max_iter=2).fit(X, y)
    assert model.n_iter_ == 2
    assert ours.SVC().fit(X, y).n_iter_.shape == (45,)


def test_other_threads_run_during_a_fit():
    X, y = make_classification(4000, 200, n_informative=20, n_classes=4, random_state=0)
    turns, done = [0], threading.Event()

    def count():
        while not done.is_set():
            turns[0] += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    began, before = time.monotonic(), turns[0]
    ours.RandomForestClassifier(20, random_state=0, n_jobs=1).fit(X, y)
    during, took_s = turns[0] - before, time.monotonic() - began
    done.set()
    counter.join()
    assert during > 20 * took_s  # of 1,000 turns a second


def peak_bytes():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def test_rows_of_float32_are_not_copied():
    X = np.zeros((50_000, 1000), np.float32)
    X[:, 0] = np.arange(len(X)) % 2
    y = X[:, 0].astype(int)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
    before = peak_bytes()
    assert np.array_equal(ours.GaussianNB().fit(X, y).predict(X), y)
    assert peak_bytes() - before < X.nbytes / 2


def test_arrays_that_are_read_only_or_not_aligned_are_read():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    expected = ours.KNeighborsClassifier().fit(X, y).predict(X)
    X.flags.writeable = False
    shifted = np.frombuffer(b"-" + X.tobytes(), np.float32, offset=1).reshape(X.shape)
    assert not shifted.flags.aligned
    for one in (X, shifted):
        model = ours.KNeighborsClassifier().fit(one, y)
        assert np.array_equal(model.predict(one), expected)


def test_documentation_lists_every_parameter():
    for one in CLASSES:
        for name in inspect.signature(one).parameters:
            assert f"\n{name} : " in one.__doc__


def test_the_types_have_every_class_and_parameter():
    stub = ast.parse(pathlib.Path(ours.__file__).with_name("sklearn.pyi").read_text())
    typed = {}
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            functions = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
            typed[node.name] = functions
    for one in CLASSES:
        arguments = typed[one.__name__]["__init__"].args
        names = [argument.arg for argument in arguments.args + arguments.kwonlyargs]
        assert names == ["self", *inspect.signature(one).parameters]
        for name, value in inspect.getmembers(one, lambda value: isinstance(value, property)):
            assert name.startswith("_") or name in typed[one.__name__]


def test_feature_extraction_is_the_first_step_of_a_pipeline(music):
    import genrewise

    paths = sorted(music.rglob("*.wav"))
    genres = [path.parent.name for path in paths]
    extractor = ours.FeatureExtractor("mfcc", n_jobs=2)
    rows = clone(extractor).fit_transform(paths)
    assert rows.dtype == np.float32 and np.array_equal(rows, genrewise.extract(paths, features="mfcc").to_numpy())
    names = extractor.get_feature_names_out()
    assert len(names) == rows.shape[1] and names[0].startswith("mfcc_")
    model = make_pipeline(extractor, StandardScaler(), ours.GaussianNB()).fit(paths[::2] + paths[1::4], genres[::2] + genres[1::4])
    assert model.predict([str(path) for path in paths[3::4]]).tolist() == genres[3::4]
    assert np.array_equal(pickle.loads(pickle.dumps(extractor)).transform(paths[:1]), rows[:1])


def test_files_that_cannot_be_used_are_value_errors(music, tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(ValueError, match="text.wav"):
        ours.FeatureExtractor().transform([tmp_path / "text.wav", *sorted(music.rglob("*.wav"))[:1]])
    with pytest.raises(ValueError, match="files instead of folders"):
        ours.FeatureExtractor().transform([music])
    with pytest.raises(ValueError, match="mfccs"):
        ours.FeatureExtractor("mfccs").transform(sorted(music.rglob("*.wav"))[:1])
