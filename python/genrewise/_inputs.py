"""What functions of many files share."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Optional, Union

from ._audio import Location
from ._errors import Error, SkippedWarning, UsageError

Locations = Union[Location, Iterable[Location]]
Fault = tuple[str, str, str]  # reason, where, detail


def locations_of(paths: Locations) -> list[str]:
    return [os.fspath(paths)] if isinstance(paths, (str, os.PathLike)) else [os.fspath(path) for path in paths]


def threads_of(n_jobs: Optional[int]) -> int:
    """As the extension counts them: 0 for all processors."""
    if n_jobs in (None, -1):
        return 0
    if n_jobs < 1:
        raise UsageError(f"n_jobs={n_jobs} is not supported", "n_jobs", "use a positive number, or -1 for all processors")
    return n_jobs


def skips(errors: str) -> bool:
    if errors not in ("raise", "skip"):
        raise UsageError(f"errors={errors!r} is not supported", "errors", "use 'raise' or 'skip'")
    return errors == "skip"


def report(faults: Sequence[Fault], usable: int, errors: str) -> list[dict[str, str]]:
    """Raises the first fault, or warns, as `errors` says. Returns entries as in the program's JSON."""
    if faults and (not skips(errors) or usable == 0):
        reason, where, detail = faults[0]
        more = f", and {len(faults) - 1} more files cannot be used" if len(faults) > 1 else ""
        raise Error(reason + (f" ({detail})" if detail else "") + more, where)
    if faults:
        counts = ", ".join(f"{count} {reason}" for reason, count in Counter(fault[0] for fault in faults).most_common())
        warnings.warn(f"skipped {len(faults)} files: {counts}", SkippedWarning, stacklevel=3)
    return [{"reason": reason, "where": where, "detail": detail} for reason, where, detail in faults]
