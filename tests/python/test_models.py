"""study(), StudyResult and Model."""

import json
import pickle
import subprocess

import numpy as np
import pytest

import genrewise


def test_a_study_gives_tables_and_a_page(study_run, music):
    assert set(study_run.models.columns) >= {"accuracy", "low", "high", "validation", "fit_s", "error"}
    assert len(study_run.models) == 3 and study_run.best in study_run.models.index[:2]
    accuracy = study_run.models.loc[study_run.best, "accuracy"]
    confusion = study_run.confusion()
    assert list(confusion.columns) == ["sine", "square"]
    assert np.trace(confusion.to_numpy()) / confusion.to_numpy().sum() == pytest.approx(accuracy)
    assert list(study_run.genres().index) == ["sine", "square"]
    assert len(study_run.pairs) == 1
    assert len(study_run.predictions) == confusion.to_numpy().sum()
    page = study_run._repr_html_()
    assert page.count("<tr") == 4 and "report.html" in page and study_run.best in repr(study_run)


def test_a_finished_run_is_read_again(study_run, music):
    again = genrewise.StudyResult.load(study_run.path)
    assert again.models.equals(study_run.models)
    assert genrewise.study(music, study_run.path, models=["knn:n_neighbors=1,3", "gnb"]).best == study_run.best
    with pytest.raises(genrewise.Error, match="results|run"):
        genrewise.StudyResult.load(music)


def test_wrong_arguments_of_a_study_are_errors(music, tmp_path):
    with pytest.raises(genrewise.UsageError, match="nosuch"):
        genrewise.study(music, tmp_path / "a", models=["nosuch"])
    with pytest.raises(genrewise.Error, match="scheme|split"):
        genrewise.study(music, tmp_path / "b", models=["gnb"], scheme="nosuch")
    with pytest.raises(genrewise.UsageError, match="labels"):
        genrewise.study(music, tmp_path / "c", models=["gnb"], labels="nosuch")
    with pytest.raises(genrewise.Error):
        genrewise.study(tmp_path / "no data", tmp_path / "d", models=["gnb"])


def test_predictions_are_those_of_the_program(study_run, music, program):
    model = study_run.best_model
    files = [music / "sine/00.wav", music / "square/01.wav"]
    table = model.predict(files, windows=1)
    printed = subprocess.run(
        [program, "predict", "--model", f"{study_run.path}/best.gwm", "--windows", "1", "--json", *files],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    for (path, row), expected in zip(table.iterrows(), json.loads(printed)["predictions"]):
        assert path == expected["file"]
        assert (row["genre"], row["unknown"]) == (expected["genres"][0]["genre"], expected["unknown"])
        assert row["confidence"] == pytest.approx(expected["genres"][0]["confidence"], abs=1e-6)
        assert row["duration_s"] == pytest.approx(4) and list(row["probabilities"])[0] == row["genre"]


def test_probabilities_come_from_files_and_from_features(study_run, music):
    model = genrewise.Model.load(f"{study_run.path}/best.gwm")
    files = sorted((music / "square").iterdir())[:4]
    from_files = model.predict_proba(files)
    assert list(from_files.columns) == model.labels == ["sine", "square"]
    np.testing.assert_allclose(from_files.sum(axis=1), 1, atol=1e-5)
    from_features = model.predict_proba(genrewise.extract(files, features=model.features))
    np.testing.assert_array_equal(from_files.to_numpy(), from_features.to_numpy())
    assert list(from_features.index) == list(from_files.index)
    with pytest.raises(genrewise.Error, match="columns|features"):
        model.predict_proba(np.zeros((2, 7), np.float32))


def test_windows_are_rows_on_request(study_run, music):
    table = study_run.best_model.predict(music / "sine", per_window=True)
    assert list(table["start_s"]) == [0] * 10 and set(table.columns) >= {"genre", "duration_s"}


def test_a_model_is_pickled_by_its_file(study_run, music):
    model = study_run.best_model
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(music / "sine/00.wav").equals(model.predict(music / "sine/00.wav"))
    assert "sine" in repr(again)


def test_a_file_that_is_no_model_is_an_error(music, tmp_path):
    with pytest.raises(genrewise.Error, match="00.wav"):
        genrewise.Model.load(music / "sine/00.wav")
    with pytest.raises(genrewise.Error):
        genrewise.Model.load(tmp_path / "missing.gwm")


def test_zero_shot_needs_weights_or_predicts_the_genres_asked_for(music):
    try:
        model = genrewise.Model.zero_shot(["Rock", "Jazz"])
    except genrewise.Error as error:
        assert "genrewise fetch weights" in str(error)
    else:
        assert model.labels == ["Rock", "Jazz"]
        assert model.predict(music / "sine/00.wav")["genre"].isin(["Rock", "Jazz"]).all()
