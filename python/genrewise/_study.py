"""Studies: several models on one dataset, with a report."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from typing import Any, Optional

import pandas as pd

from . import _core
from ._audio import Location
from ._inputs import Fault, threads_of
from ._models import Model
from ._progress import progress_bars


class StudyResult:
    """The results of a study, in its run folder `path`. `document` is the content of results.json
    (docs/results_format.md); the tables below are parts of it."""

    def __init__(self, path: str, document: dict[str, Any], notes: Sequence[str], skipped: Sequence[Fault]) -> None:
        self.path, self.document = path, document
        self.notes = list(notes)  #: caveats about the scores, and choices that were made
        self.skipped = [{"reason": reason, "where": where, "detail": detail} for reason, where, detail in skipped]

    @classmethod
    def load(cls, path: Location) -> StudyResult:
        """The results of a finished run, of this package or of `genrewise study`."""
        document = json.loads(_core.read_run(os.fspath(path)))
        return cls(os.fspath(path), document, document.get("notes", []), [])

    @property
    def models(self) -> pd.DataFrame:
        """A row per model, and the baseline (the most frequent genre) last: test accuracy with its 95 % interval (low,
        high), macro F1, log loss, validation accuracy, and times in seconds."""
        rows = []
        for model in [*self.document["models"], self.document["baseline"]]:
            row = {name: model.get(name) for name in ("name", "title", "features")}
            if "accuracy" in model:
                row.update(accuracy=model["accuracy"]["value"], low=model["accuracy"]["low"])
                row.update(high=model["accuracy"]["high"], macro_f1=model.get("macro_f1"))
                row.update(log_loss=model.get("log_loss"))
                row.update(validation=model["validation"]["accuracy"]["value"])
                row.update({name: model.get(name) for name in ("choose_s", "fit_s", "predict_s")})
            rows.append({**row, "error": model.get("error")})
        return pd.DataFrame(rows).set_index("name")

    @property
    def best(self) -> Optional[str]:
        """The name of the best model by validation accuracy."""
        best: Optional[str] = self.document["best"]
        return best

    @property
    def best_model(self) -> Model:
        """The best model, for predictions."""
        return Model.load(os.path.join(self.path, "best.gwm"))

    def _model(self, name: Optional[str]) -> dict[str, Any]:
        wanted = self.best if name is None else name
        return next(model for model in self.document["models"] if model["name"] == wanted and "error" not in model)

    def genres(self, model: Optional[str] = None) -> pd.DataFrame:
        """Precision, recall and F1 of a model (default: the best) per genre."""
        return pd.DataFrame(self._model(model)["genres"]).set_index("genre")

    def confusion(self, model: Optional[str] = None) -> pd.DataFrame:
        """Counts of test clips by true genre (rows) and predicted genre (columns)."""
        labels = self.document["labels"]
        table = pd.DataFrame(self._model(model)["confusion"], index=labels, columns=labels)
        return table.rename_axis(index="genre", columns="predicted")

    @property
    def pairs(self) -> pd.DataFrame:
        """Paired tests of every two models: McNemar's p, corrected by Holm, and the difference with its interval."""
        return pd.DataFrame(self.document.get("pairs", []))

    @property
    def predictions(self) -> pd.DataFrame:
        """The test clips with the predictions of every model (predictions.csv)."""
        return pd.read_csv(os.path.join(self.path, "predictions.csv"))

    def __repr__(self) -> str:
        return f"<genrewise.StudyResult {self.path!r}>\n{self.models[['accuracy', 'low', 'high', 'validation']]}"

    def _repr_html_(self) -> str:
        document = self.document
        shown = self.models[["title", "features", "accuracy", "low", "high", "macro_f1", "validation", "fit_s"]]
        bold = {name: "font-weight: bold" for name in [self.best]}
        rows = "".join(
            f"<tr style='{bold.get(name, '')}'>{''.join(map(_cell, row))}</tr>"
            for name, row in zip(shown.index, shown.itertuples(index=False))
        )
        head = "".join(f"<th>{name}</th>" for name in ("model", *shown.columns[1:]))
        split, dataset = document["split"], document["dataset"]
        caption = (
            f"{dataset['name']}: {dataset['examples']} clips, {len(document['labels'])} genres, split {split['scheme']}"
            f" ({split['training']} training, {split['validation']} validation, {split['test']} test)"
        )
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<div><p><b>{html.escape(caption)}</b></p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
            f"</table><p>Report: <code>{html.escape(os.path.join(self.path, 'report.html'))}</code></p>"
            f"<details><summary>{len(self.notes)} notes</summary><ul>{notes}</ul></details></div>"
        )


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f"<td style='text-align: left'>{html.escape(value)}</td>"
    return f"<td>{'' if pd.isna(value) else f'{value:.3f}'}</td>"


def study(
    data: Location, output: Location, *, features: Optional[str] = None, tables: Sequence[str] = (),
    models: Sequence[str] = (), preset: Optional[str] = None, budget: Optional[float] = None, seeds: int = 1,
    scheme: str = "auto", split_file: Optional[Location] = None, merge: Sequence[str] = (), min_groups: int = 0,
    subset: Optional[str] = None, labels: str = "auto", map: Optional[Location] = None, top_genres: bool = False,
    pca_components: int = 0, ablation: bool = False, nested: int = 0, pack_to: Optional[Location] = None,
    force: bool = False, seed: Optional[int] = None, n_jobs: Optional[int] = None, progress: Optional[bool] = None,
) -> StudyResult:
    """Compares models on a dataset and writes a report: `genrewise study DATA -o OUTPUT`, whose options have the same
    names and are described by `genrewise study --help`. Called again, it continues an interrupted run. Training networks
    needs the program genrewise-neural."""
    given = {name: value for name, value in locals().items() if name not in ("n_jobs", "progress")}
    options = {name: value for name, value in given.items() if value is not None}
    options["data"] = os.fspath(data)
    for name in ("tables", "models", "merge"):
        options[name] = [options[name]] if isinstance(options[name], str) else list(options[name])
    with progress_bars(progress) as bars:
        document, notes, skipped = _core.study(options, threads_of(n_jobs), bars)
    return StudyResult(os.fspath(output), json.loads(document), notes, skipped)
