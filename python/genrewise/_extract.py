"""Feature tables of audio files."""

from __future__ import annotations

from typing import Optional

import pandas as pd

from . import _core
from ._inputs import Locations, locations_of, report, skips, threads_of
from ._progress import progress_bars
from .features import _feature_set


def extract(
    paths: Locations, features: str = "fma518", *, offset: Optional[float] = None, duration: Optional[float] = None,
    errors: str = "skip", n_jobs: Optional[int] = None, progress: Optional[bool] = None,
) -> pd.DataFrame:
    """A feature set of audio files: a row per file, with the columns of FMA's features.csv (feature, statistics,
    number).

    paths: files, URIs, and folders, which are searched for audio. By default the middle 30 s of each file; offset and
    duration in seconds select another clip. errors: "skip" warns about files that cannot be used and lists them in
    .attrs["skipped"]; "raise" raises Error for the first. n_jobs: threads; None or -1: all processors.
    """
    skip, feature_set = skips(errors), _feature_set(features)
    with progress_bars(progress) as bars:
        values, files, faults = _core.extract(
            feature_set, locations_of(paths), offset, duration, skip, threads_of(n_jobs), bars
        )
    skipped = report(faults, len(files), errors)
    columns = pd.MultiIndex.from_tuples(feature_set.columns, names=["feature", "statistics", "number"])
    table = pd.DataFrame(values, index=pd.Index([str(file) for file in files], name="file"), columns=columns)
    table.attrs["skipped"] = skipped
    return table
