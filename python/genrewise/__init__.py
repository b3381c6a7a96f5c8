"""Music-genre classification: decoding, features, classifiers, models, studies and records."""

from __future__ import annotations

import importlib

from ._errors import Error, SkippedWarning, UsageError

TYPE_CHECKING = False  # for type checkers, without the import of typing, which takes as long as all else here
if TYPE_CHECKING:
    from typing import Any

    from . import features as features
    from . import records as records
    from ._audio import AudioInfo as AudioInfo
    from ._audio import info as info
    from ._audio import isolate_decoding as isolate_decoding
    from ._audio import load as load
    from ._extract import extract as extract
    from ._models import Model as Model
    from ._study import StudyResult as StudyResult
    from ._study import study as study

# Names that are imported when they are first used, with their modules: the extension, NumPy and pandas take longer to
# load than many a script runs.
_LAZY = {
    "AudioInfo": "_audio",
    "Model": "_models",
    "StudyResult": "_study",
    "extract": "_extract",
    "info": "_audio",
    "isolate_decoding": "_audio",
    "load": "_audio",
    "study": "_study",
}
_SUBMODULES = {"features", "parquet", "ray", "records", "sklearn"}

__all__ = [
    "AudioInfo", "Error", "Model", "SkippedWarning", "StudyResult", "UsageError", "extract", "features", "info",
    "isolate_decoding", "load", "records", "study",
]


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _LAZY:
        value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_SUBMODULES})
