"""Classifiers and feature extraction as scikit-learn estimators.

    >>> from genrewise.sklearn import SVC
    >>> classifier = SVC(C=3).fit([[0, 0], [0, 1], [4, 4], [5, 4]], ["calm", "calm", "loud", "loud"])
    >>> classifier.predict([[5, 5]])
    array(['loud'], dtype='<U4')

The classes have the names, parameters and attributes of scikit-learn's (XGBClassifier: of XGBoost's) as far as genrewise
has them; docs/sklearn.md lists the differences. All compute in float32: C-ordered float32 arrays are read without a copy,
others are converted. `n_jobs` is the number of threads of a fit or prediction.
"""

import numbers
import os
import warnings
from contextlib import contextmanager
from inspect import Parameter, Signature

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _core
from ._errors import Error, UsageError
from ._extract import extract
from .features import columns

__all__ = [
    "AdaBoostClassifier", "DecisionTreeClassifier", "FeatureExtractor", "GaussianNB", "KNeighborsClassifier",
    "LinearDiscriminantAnalysis", "LinearSVC", "LogisticRegression", "MLPClassifier", "NearestCentroid",
    "QuadraticDiscriminantAnalysis", "RandomForestClassifier", "SVC", "XGBClassifier",
]  # fmt: skip

_NO_VALUE = ("none", "all")  # words for which scikit-learn has None


def _from_text(parameter):
    """The default of a parameter's description, which is a text."""
    text, kind = parameter["default"], parameter["type"]
    if text in _NO_VALUE:
        return None
    if kind == "boolean":
        return text == "true"
    if kind == "list of integers":
        return tuple(int(part) for part in text.split(","))
    if kind in ("choice", "text") or text in parameter["words"]:
        return text
    return float(text) if kind == "number" else int(text)


def _to_text(value, words):
    if value is None:
        return next((word for word in _NO_VALUE if word in words), "None")
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        return repr(float(value))
    if isinstance(value, (tuple, list, np.ndarray)):
        return ",".join(str(item) for item in value)
    return str(value)


def _threads(n_jobs):
    """None: as many as OMP_NUM_THREADS, which joblib sets in its worker processes, else (0) all processors."""
    if n_jobs is not None:
        return effective_n_jobs(n_jobs)
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(text) if text.isdigit() else 0


def _seed(random_state):
    """An integer as it is (the program's --seed); else drawn as scikit-learn does."""
    if isinstance(random_state, numbers.Integral) and random_state >= 0:
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


@contextmanager
def _value_errors():
    """Errors about arguments and data are ValueErrors in scikit-learn."""
    try:
        yield
    except UsageError:
        raise
    except Error as error:
        raise UsageError(error.what, error.where, error.remedy) from None


def _has_scores(self):
    return self._description["scores"]


def _has_probabilities(self):
    return getattr(self, "probability", True)


class _Classifier(ClassifierMixin, BaseEstimator):
    """A kind of genrewise's classifiers. Its descriptor gives the signature and the documentation; `defaults` differ
    from the descriptor's where scikit-learn's do. `seeded`: whether scikit-learn's class has random_state."""

    def __init_subclass__(cls, kind, seeded=False, **defaults):
        cls._kind, cls._description = kind, _core.describe_classifier(kind)
        described = cls._description["parameters"]
        cls._words = {parameter["name"]: parameter["words"] for parameter in described}
        values = {parameter["name"]: _from_text(parameter) for parameter in described} | defaults
        values |= {"n_jobs": None} | ({"random_state": None} if seeded else {})
        # As in scikit-learn, parameters are named in calls; the first need not be.
        signature = Signature(
            [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)]
            + [
                Parameter(name, Parameter.KEYWORD_ONLY if i else Parameter.POSITIONAL_OR_KEYWORD, default=value)
                for i, (name, value) in enumerate(values.items())
            ]
        )

        def __init__(self, *args, **kwargs):
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            for name, value in list(bound.arguments.items())[1:]:
                setattr(self, name, value)

        __init__.__signature__, __init__.__qualname__ = signature, f"{cls.__qualname__}.__init__"
        cls.__init__ = __init__
        cls.__doc__ = _documentation(cls._description, values)

    def fit(self, X, y):
        """Fits to examples `X` (rows x columns) with one label of any type for each row. Returns self."""
        X, y = validate_data(self, X, y, dtype=np.float32, order="C")
        X = np.require(X, requirements="A")  # aligned
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the training examples have one class ({self.classes_[0]!r}); at least two are needed")
        parameters = {name: getattr(self, name) for name in self._words}
        weights = []
        if isinstance(parameters.get("class_weight"), dict):
            weights = compute_class_weight(parameters["class_weight"], classes=self.classes_, y=y).tolist()
            parameters["class_weight"] = None
        texts = {name: _to_text(value, self._words[name]) for name, value in parameters.items()}
        seed = _seed(getattr(self, "random_state", 0))
        with _value_errors():
            self._fitted = _core.Classifier(self._kind, texts, seed)
            self._fitted.fit(X, labels.astype(np.intc), len(self.classes_), weights, _threads(self.n_jobs))
        self._note_iterations(self._fitted.iterations())
        return self

    def _note_iterations(self, iterations):
        if not iterations:
            return
        self.n_iter_ = np.array(iterations, np.intc) if len(iterations) > 1 else iterations[0]
        if 0 < self.max_iter <= max(iterations):
            warnings.warn(
                f"{type(self).__name__} stopped at max_iter={self.max_iter} iterations; raise max_iter or scale the columns",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _rows(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        return np.require(X, requirements="A"), _threads(self.n_jobs)

    def predict(self, X):
        """The label of each row of `X`."""
        rows, threads = self._rows(X)
        return self.classes_[self._fitted.predict(rows, threads)]

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """The probability of each label of classes_ for each row of `X`: rows x labels, float64."""
        rows, threads = self._rows(X)
        probabilities = self._fitted.probabilities(rows, threads).astype(np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """The logarithm of predict_proba(X)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_has_scores)
    def decision_function(self, X):
        """A score of each label for each row of `X`, the largest for the predicted one: rows x labels, float64; for two
        labels one score for each row, above 0 for the second label."""
        rows, threads = self._rows(X)
        scores = self._fitted.scores(rows, threads).astype(np.float64)
        return scores.ravel() if len(self.classes_) == 2 else scores

    def _stored(self, name):
        check_is_fitted(self)
        return self._fitted.values(name)


def _documentation(description, values):
    lines = [f"{description['title']}: {description['summary']}.", "", "Parameters", "----------"]
    own = {
        "class_weight": "None, 'balanced', or a dict of weights by label",
        "n_jobs": "number of threads; None: OMP_NUM_THREADS, else all processors; -1: all processors",
        "random_state": "None, an integer (same numbers again), or a numpy RandomState",
    }
    described = {parameter["name"]: parameter for parameter in description["parameters"]}
    for name, value in values.items():
        about = described.get(name)
        text = own.get(name) or f"{about['help']}; {about['allowed']}"
        lines += [f"{name} : default={value!r}", f"    {text}"]
    return "\n".join(lines) + "\n"


class _LinearMixin:
    """Of classifiers whose scores are linear in the columns."""

    @property
    def _weights(self):
        weights = self._stored("weights")
        return weights[1:] - weights[:1] if len(weights) == len(self.classes_) == 2 else weights

    @property
    def coef_(self):
        """Weights of decision_function(): labels x columns, or one row for two labels."""
        return self._weights[:, :-1]

    @property
    def intercept_(self):
        """Intercepts of decision_function(), one for each row of coef_."""
        return self._weights[:, -1]


class GaussianNB(_Classifier, kind="gnb"):
    @property
    def theta_(self):
        """Mean of each column for each label."""
        return self._stored("mean")

    @property
    def var_(self):
        """Variance of each column for each label, smoothed."""
        return self._stored("variance")

    @property
    def class_prior_(self):
        """Share of each label in the training examples."""
        return self._stored("prior")


class KNeighborsClassifier(_Classifier, kind="knn"):
    pass


class LogisticRegression(_LinearMixin, _Classifier, kind="logreg", seeded=True):
    pass


class SVC(_Classifier, kind="svm", seeded=True, probability=False):
    pass


class LinearSVC(_LinearMixin, _Classifier, kind="linearsvc", seeded=True, probability=False):
    pass


class NearestCentroid(_Classifier, kind="centroid"):
    @property
    def centroids_(self):
        """Mean of each column for each label."""
        return self._stored("centroids")


class MLPClassifier(_Classifier, kind="mlp", seeded=True):
    pass


class LinearDiscriminantAnalysis(_LinearMixin, _Classifier, kind="lda"):
    pass


class QuadraticDiscriminantAnalysis(_Classifier, kind="qda"):
    pass


class DecisionTreeClassifier(_Classifier, kind="tree", seeded=True):
    pass


class RandomForestClassifier(_Classifier, kind="forest", seeded=True):
    pass


class AdaBoostClassifier(_Classifier, kind="adaboost", seeded=True):
    pass


class XGBClassifier(_Classifier, kind="xgboost", seeded=True):
    pass


class FeatureExtractor(TransformerMixin, BaseEstimator):
    """Audio files to rows of a feature set: the first step of a pipeline whose X is a list of paths (or of s3:// and
    gs:// URIs). The middle 30 s of each file are used, as by the program.

    Parameters
    ----------
    features : default='fma518'
        name of a feature set; genrewise.features.names() lists them
    n_jobs : default=None
        number of threads, as in the classifiers
    """

    def __init__(self, features="fma518", n_jobs=None):
        self.features = features
        self.n_jobs = n_jobs

    def fit(self, X, y=None):
        """Does nothing, as there is nothing to fit. Returns self."""
        return self

    def transform(self, X):
        """The features of each file: files x columns, float32. A file that cannot be used is a ValueError."""
        paths = [os.fspath(path) for path in np.asarray(X, dtype=object).ravel()]
        with _value_errors():
            table = extract(paths, features=self.features, errors="raise", n_jobs=_threads(self.n_jobs) or None, progress=False)
        if len(table) != len(paths):
            raise UsageError(f"{len(paths)} locations have {len(table)} files", "X", "give files instead of folders")
        return table.to_numpy()

    def get_feature_names_out(self, input_features=None):
        """The name of each column: "mfcc_mean_01"."""
        return np.array(["_".join(column) for column in columns(self.features)], dtype=object)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = False, True, True
        return tags
