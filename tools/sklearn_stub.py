#!/usr/bin/env python3
"""Writes genrewise/sklearn.pyi, the types of the estimators. The build runs it:

    python3 tools/sklearn_stub.py FOLDER OUTPUT

FOLDER has the built extension _core, whose descriptors determine the parameters. The classes are read from
python/genrewise/sklearn.py without importing it, so scikit-learn need not be installed."""
import ast
import pathlib
import sys

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


def properties(node):
    return [item.name for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
            and any(isinstance(one, ast.Name) and one.id == "property" for one in item.decorator_list)]


def stub_of(node, classes, describe):
    keywords = {keyword.arg: keyword.value.value for keyword in node.keywords}
    description = describe(keywords["kind"])
    types = {parameter["name"]: type_of(parameter) for parameter in description["parameters"]}
    types |= {name: NAMED[name] for name in ["n_jobs"] + ["random_state"] * keywords.get("seeded", False)}
    lines = [f"class {node.name}(_Classifier):"] + [f"    {name}: {kind}" for name, kind in types.items()]
    if "max_iter" in types:
        lines.append("    n_iter_: Union[int, NDArray[np.intc]]")
    parameters = [f"{name}: {kind} = ..." for name, kind in types.items()]
    lines += ["    def __init__("] + [f"        {text}," for text in ["self", parameters[0], "*", *parameters[1:]]]
    lines.append("    ) -> None: ...")
    if description["scores"]:
        lines.append(f"    def decision_function(self, X: ArrayLike) -> {ARRAY}: ...")
    for name in [one for base in node.bases for one in properties(classes[base.id])] + properties(node):
        lines += ["    @property", f"    def {name}(self) -> {ARRAY}: ..."]
    return "\n" + "\n".join(lines) + "\n"


def main():
    folder, output = sys.argv[1], pathlib.Path(sys.argv[2])
    sys.path.insert(0, folder)
    from _core import describe_classifier

    source = pathlib.Path(__file__).parents[1] / "python/genrewise/sklearn.py"
    classes = {node.name: node for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef)}
    stubs = [stub_of(node, classes, describe_classifier) for node in classes.values()
             if any(keyword.arg == "kind" for keyword in node.keywords)]
    output.unlink(missing_ok=True)  # a link to a file of the source tree in build folders of older versions
    output.write_text(HEAD + "".join(stubs) + TAIL)


if __name__ == "__main__":
    main()
