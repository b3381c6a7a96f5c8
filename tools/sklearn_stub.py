#!/usr/bin/env python3
"""Prints python/genrewise/sklearn.pyi, the types of the estimators, from the classes that the classifiers' descriptors
make: PYTHONPATH=build/dev/python python3 tools/sklearn_stub.py > python/genrewise/sklearn.pyi"""
import inspect

import genrewise.sklearn as module

HEAD = '''"""Written by tools/sklearn_stub.py."""

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
'''
TAIL = '''
class FeatureExtractor(TransformerMixin, BaseEstimator):
    features: str
    n_jobs: Optional[int]
    def __init__(self, features: str = "fma518", n_jobs: Optional[int] = None) -> None: ...
    def fit(self, X: Iterable[str], y: object = None) -> Self: ...
    def transform(self, X: Iterable[str]) -> NDArray[np.float32]: ...
    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]: ...
'''
ARRAY = "NDArray[np.float64]"
NAMED = {"class_weight": "_ClassWeight", "random_state": "_RandomState", "n_jobs": "Optional[int]"}
TYPES = {"boolean": "bool", "integer": "int", "number": "float", "text": "str", "choice": "",
         "list of integers": "Union[int, Sequence[int]]"}


def type_of(parameter):
    if parameter["name"] in NAMED:
        return NAMED[parameter["name"]]
    words = [word for word in parameter["words"] if word not in ("none", "all")]
    kinds = [TYPES[parameter["type"]]] if TYPES[parameter["type"]] else []
    if words:
        kinds.append("Literal[" + ", ".join(f'"{word}"' for word in words) + "]")
    united = kinds[0] if len(kinds) == 1 else f"Union[{', '.join(kinds)}]"
    return united if len(words) == len(parameter["words"]) else f"Optional[{united}]"


def stub_of(one):
    types = {parameter["name"]: type_of(parameter) for parameter in one._description["parameters"]}
    lines = [f"class {one.__name__}(_Classifier):"]
    parameters = []
    for i, (name, parameter) in enumerate(inspect.signature(one).parameters.items()):
        kind = types.get(name) or NAMED[name]
        lines.append(f"    {name}: {kind}")
        default = f'"{parameter.default}"' if isinstance(parameter.default, str) else repr(parameter.default)
        parameters += ["*"] * (i == 1) + [f"{name}: {kind} = {default}"]
    if "max_iter" in types:
        lines.append("    n_iter_: Union[int, NDArray[np.intc]]")
    lines.append("    def __init__(")
    lines += [f"        {text}," for text in ["self", *parameters]] + ["    ) -> None: ..."]
    if one._description["scores"]:
        lines.append(f"    def decision_function(self, X: ArrayLike) -> {ARRAY}: ...")
    for name, value in inspect.getmembers(one, lambda value: isinstance(value, property)):
        if not name.startswith("_"):
            lines += ["    @property", f"    def {name}(self) -> {ARRAY}: ..."]
    return "\n".join(lines) + "\n"


def stub():
    classes = [getattr(module, name) for name in module.__all__ if name != "FeatureExtractor"]
    return HEAD + "".join("\n" + stub_of(one) for one in classes) + TAIL


if __name__ == "__main__":
    print(stub(), end="")
