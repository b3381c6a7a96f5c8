"""Models of genres."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import _core
from ._audio import Location
from ._inputs import Locations, locations_of, report, skips, threads_of
from ._progress import progress_bars


class Model:
    """A fitted classifier with its features, from Model.load() or Model.zero_shot(). Can be pickled: the copy reads the
    model file again."""

    def __init__(self, path: str, genres: str) -> None:
        self._path, self._genres = path, genres
        self._opened: dict[tuple[int, Optional[float]], _core.Predictor] = {}
        self._predictor()

    @classmethod
    def load(cls, path: Location) -> Model:
        """A .gwm file or URI: best.gwm of a study, or the output of `genrewise train`."""
        return cls(os.fspath(path), "")

    @classmethod
    def zero_shot(cls, genres: Iterable[str] = ()) -> Model:
        """Genres without training, from the sounds and tags that pretrained networks recognise; without `genres` all
        that these know. Needs the weights of EfficientAT or musicnn."""
        return cls("", ",".join(genres))

    def _predictor(self, windows: int = 3, max_error: Optional[float] = None) -> _core.Predictor:
        key = (windows, max_error)
        if key not in self._opened:
            self._opened[key] = _core.Predictor.open(self._path, not self._path, self._genres, windows, max_error)
        return self._opened[key]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._path, self._genres)

    def __repr__(self) -> str:
        source = f"load({self._path!r})" if self._path else "zero_shot()"
        return f"<genrewise.Model.{source}: {', '.join(self.labels)}>"

    @property
    def labels(self) -> list[str]:
        """The genres."""
        return self._predictor().labels

    @property
    def features(self) -> str:
        """The name of the feature set."""
        return self._predictor().features

    @property
    def threshold(self) -> Optional[float]:
        """The confidence below which a genre is unknown, for 10 % errors; None: there is none."""
        return self._predictor().threshold

    def predict(
        self, paths: Locations, *, windows: int = 3, max_error: Optional[float] = None, per_window: bool = False,
        errors: str = "skip", n_jobs: Optional[int] = None, progress: Optional[bool] = None,
    ) -> pd.DataFrame:
        """The genres of audio files: a row per file, as `genrewise predict`.

        Columns: genre; confidence, its probability; unknown, whether the confidence is below the threshold for the
        share of errors max_error (0.1 where the model has a threshold; 1: never); probabilities, of all genres, the
        most probable first; novelty, above 1 for music unlike the training music; duration_s. windows: at most so many
        windows of 30 s are analysed and averaged. per_window: a row per window instead, with start_s and duration_s in
        place of unknown, novelty and the file's duration. The other arguments are those of extract().
        """
        found = self._predict(paths, windows, max_error, errors, n_jobs, progress)
        columns = ["file", "genre", "confidence", "probabilities"]
        rows: list[tuple[Any, ...]]
        if per_window:
            rows = [(file, *self._best(shares), start, length) for file, start, length, shares in found["windows"]]
            columns += ["start_s", "duration_s"]
        else:
            rows = [
                (file, *self._best(shares), unknown, novelty, length)
                for file, shares, unknown, novelty, length in found["files"]
            ]
            columns += ["unknown", "novelty", "duration_s"]
        table = pd.DataFrame(rows, columns=columns)
        table["file"] = table["file"].map(str)
        table = table.set_index("file")
        table.attrs["skipped"] = found["skipped"]
        return table

    def predict_proba(
        self, X: Union[Locations, pd.DataFrame, npt.NDArray[Any]], *, windows: int = 3, errors: str = "skip",
        n_jobs: Optional[int] = None, progress: Optional[bool] = None,
    ) -> pd.DataFrame:
        """The probabilities of the genres, a column each. X: audio files as in predict(), or rows of the model's features
        (extract(paths, features=model.features))."""
        if isinstance(X, (pd.DataFrame, np.ndarray)):
            rows = np.ascontiguousarray(X, dtype=np.float32)
            values = self._predictor().predict_rows(rows)
            return pd.DataFrame(values, index=getattr(X, "index", None), columns=self.labels)
        found = self._predict(X, windows, None, errors, n_jobs, progress)
        index = pd.Index([str(row[0]) for row in found["files"]], name="file")
        table = pd.DataFrame([row[1] for row in found["files"]], index=index, columns=self.labels, dtype=np.float32)
        table.attrs["skipped"] = found["skipped"]
        return table

    def _best(self, probabilities: list[float]) -> tuple[str, float, dict[str, float]]:
        order = sorted(range(len(probabilities)), key=lambda label: -probabilities[label])
        shares = {self.labels[label]: probabilities[label] for label in order}
        return self.labels[order[0]], probabilities[order[0]], shares

    def _predict(
        self, paths: Locations, windows: int, max_error: Optional[float], errors: str, n_jobs: Optional[int],
        progress: Optional[bool],
    ) -> dict[str, Any]:
        skips(errors)
        predictor = self._predictor(windows, max_error)
        with progress_bars(progress) as bars:
            found = predictor.predict(locations_of(paths), threads_of(n_jobs), bars)
        found["skipped"] = report(found["skipped"], len(found["files"]), errors)
        return found
