"""Music-genre classification: decoding, features, classifiers, models, studies and records."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._errors import Error, UsageError

if TYPE_CHECKING:
    from . import features as features
    from ._audio import load as load

__all__ = ["Error", "UsageError", "features", "load"]

# Where the names come from that are imported when they are first used: the extension, NumPy and pandas take longer to
# load than many a script runs.
_FROM = {"load": "_audio"}
_SUBMODULES = {"features", "records", "sklearn"}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _FROM:
        value = getattr(importlib.import_module(f".{_FROM[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_FROM, *_SUBMODULES})
