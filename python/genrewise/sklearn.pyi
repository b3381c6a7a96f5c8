"""Written by tools/sklearn_stub.py."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Optional, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from typing_extensions import Self

_ClassWeight = Optional[Union[Literal["balanced"], Mapping[Any, float]]]
_RandomState = Optional[Union[int, np.random.RandomState]]

class _Classifier(ClassifierMixin, BaseEstimator):
    classes_: NDArray[Any]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self: ...
    def predict(self, X: ArrayLike) -> NDArray[Any]: ...
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]: ...
    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]: ...

class AdaBoostClassifier(_Classifier):
    n_estimators: int
    learning_rate: float
    max_depth: int
    n_jobs: Optional[int]
    random_state: _RandomState
    def __init__(
        self,
        n_estimators: int = 50,
        *,
        learning_rate: float = 1.0,
        max_depth: int = 1,
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]: ...

class DecisionTreeClassifier(_Classifier):
    max_features: Optional[Union[int, Literal["sqrt", "log2"]]]
    max_depth: Optional[int]
    min_samples_split: int
    min_samples_leaf: int
    n_jobs: Optional[int]
    random_state: _RandomState
    def __init__(
        self,
        max_features: Optional[Union[int, Literal["sqrt", "log2"]]] = None,
        *,
        max_depth: Optional[int] = None,
        min_samples_split: int = 2,
        min_samples_leaf: int = 1,
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...

class GaussianNB(_Classifier):
    var_smoothing: float
    n_jobs: Optional[int]
    def __init__(
        self,
        var_smoothing: float = 1e-09,
        *,
        n_jobs: Optional[int] = None,
    ) -> None: ...
    @property
    def class_prior_(self) -> NDArray[np.float64]: ...
    @property
    def theta_(self) -> NDArray[np.float64]: ...
    @property
    def var_(self) -> NDArray[np.float64]: ...

class KNeighborsClassifier(_Classifier):
    n_neighbors: int
    weights: Literal["uniform", "distance"]
    metric: Literal["minkowski", "euclidean", "manhattan", "cosine"]
    p: float
    n_jobs: Optional[int]
    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Literal["uniform", "distance"] = "uniform",
        metric: Literal["minkowski", "euclidean", "manhattan", "cosine"] = "minkowski",
        p: float = 2.0,
        n_jobs: Optional[int] = None,
    ) -> None: ...

class LinearDiscriminantAnalysis(_Classifier):
    shrinkage: Optional[Union[float, Literal["auto"]]]
    tol: float
    n_jobs: Optional[int]
    def __init__(
        self,
        shrinkage: Optional[Union[float, Literal["auto"]]] = None,
        *,
        tol: float = 0.0001,
        n_jobs: Optional[int] = None,
    ) -> None: ...
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]: ...
    @property
    def coef_(self) -> NDArray[np.float64]: ...
    @property
    def intercept_(self) -> NDArray[np.float64]: ...

class LinearSVC(_Classifier):
    C: float
    tol: float
    max_iter: int
    fit_intercept: bool
    class_weight: _ClassWeight
    probability: bool
    n_jobs: Optional[int]
    random_state: _RandomState
    n_iter_: Union[int, NDArray[np.intc]]
    def __init__(
        self,
        C: float = 1.0,
        *,
        tol: float = 0.0001,
        max_iter: int = 1000,
        fit_intercept: bool = True,
        class_weight: _ClassWeight = None,
        probability: bool = False,
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]: ...
    @property
    def coef_(self) -> NDArray[np.float64]: ...
    @property
    def intercept_(self) -> NDArray[np.float64]: ...

class LogisticRegression(_Classifier):
    C: float
    tol: float
    max_iter: int
    fit_intercept: bool
    class_weight: _ClassWeight
    solver: Literal["lbfgs", "liblinear"]
    n_jobs: Optional[int]
    random_state: _RandomState
    n_iter_: Union[int, NDArray[np.intc]]
    def __init__(
        self,
        C: float = 1.0,
        *,
        tol: float = 0.0001,
        max_iter: int = 100,
        fit_intercept: bool = True,
        class_weight: _ClassWeight = None,
        solver: Literal["lbfgs", "liblinear"] = "lbfgs",
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]: ...
    @property
    def coef_(self) -> NDArray[np.float64]: ...
    @property
    def intercept_(self) -> NDArray[np.float64]: ...

class MLPClassifier(_Classifier):
    hidden_layer_sizes: Union[int, Sequence[int]]
    activation: Literal["relu", "tanh", "logistic", "identity"]
    alpha: float
    batch_size: Union[int, Literal["auto"]]
    learning_rate_init: float
    max_iter: int
    tol: float
    n_iter_no_change: int
    n_jobs: Optional[int]
    random_state: _RandomState
    n_iter_: Union[int, NDArray[np.intc]]
    def __init__(
        self,
        hidden_layer_sizes: Union[int, Sequence[int]] = (100,),
        *,
        activation: Literal["relu", "tanh", "logistic", "identity"] = "relu",
        alpha: float = 0.0001,
        batch_size: Union[int, Literal["auto"]] = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        tol: float = 0.0001,
        n_iter_no_change: int = 10,
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...

class NearestCentroid(_Classifier):
    shrink_threshold: float
    n_jobs: Optional[int]
    def __init__(
        self,
        shrink_threshold: float = 0.0,
        *,
        n_jobs: Optional[int] = None,
    ) -> None: ...
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]: ...
    @property
    def centroids_(self) -> NDArray[np.float64]: ...

class QuadraticDiscriminantAnalysis(_Classifier):
    reg_param: float
    tol: float
    n_jobs: Optional[int]
    def __init__(
        self,
        reg_param: float = 0.0,
        *,
        tol: float = 0.0001,
        n_jobs: Optional[int] = None,
    ) -> None: ...
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]: ...

class RandomForestClassifier(_Classifier):
    n_estimators: int
    max_features: Optional[Union[int, Literal["sqrt", "log2"]]]
    max_depth: Optional[int]
    min_samples_split: int
    min_samples_leaf: int
    bootstrap: bool
    n_jobs: Optional[int]
    random_state: _RandomState
    def __init__(
        self,
        n_estimators: int = 100,
        *,
        max_features: Optional[Union[int, Literal["sqrt", "log2"]]] = "sqrt",
        max_depth: Optional[int] = None,
        min_samples_split: int = 2,
        min_samples_leaf: int = 1,
        bootstrap: bool = True,
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...

class SVC(_Classifier):
    C: float
    kernel: Literal["linear", "poly", "rbf", "sigmoid"]
    degree: int
    gamma: Union[float, Literal["scale", "auto"]]
    coef0: float
    tol: float
    max_iter: int
    class_weight: _ClassWeight
    probability: bool
    cache_size: float
    n_jobs: Optional[int]
    random_state: _RandomState
    n_iter_: Union[int, NDArray[np.intc]]
    def __init__(
        self,
        C: float = 1.0,
        *,
        kernel: Literal["linear", "poly", "rbf", "sigmoid"] = "rbf",
        degree: int = 3,
        gamma: Union[float, Literal["scale", "auto"]] = "scale",
        coef0: float = 0.0,
        tol: float = 0.001,
        max_iter: int = -1,
        class_weight: _ClassWeight = None,
        probability: bool = False,
        cache_size: float = 4000.0,
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]: ...

class XGBClassifier(_Classifier):
    n_estimators: int
    max_depth: int
    learning_rate: float
    subsample: float
    colsample_bytree: float
    min_child_weight: float
    gamma: float
    reg_lambda: float
    reg_alpha: float
    n_jobs: Optional[int]
    random_state: _RandomState
    def __init__(
        self,
        n_estimators: int = 100,
        *,
        max_depth: int = 6,
        learning_rate: float = 0.3,
        subsample: float = 1.0,
        colsample_bytree: float = 1.0,
        min_child_weight: float = 1.0,
        gamma: float = 0.0,
        reg_lambda: float = 1.0,
        reg_alpha: float = 0.0,
        n_jobs: Optional[int] = None,
        random_state: _RandomState = None,
    ) -> None: ...

class FeatureExtractor(TransformerMixin, BaseEstimator):
    features: str
    n_jobs: Optional[int]
    def __init__(self, features: str = "fma518", n_jobs: Optional[int] = None) -> None: ...
    def fit(self, X: Iterable[str], y: object = None) -> Self: ...
    def transform(self, X: Iterable[str]) -> NDArray[np.float32]: ...
    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]: ...
