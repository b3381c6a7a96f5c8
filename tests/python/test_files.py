"""load(), info() and extract()."""

import os
import subprocess

import numpy as np
import pandas as pd
import pytest
from conftest import SR, tune, write_wav

import genrewise


@pytest.fixture(scope="session")
def mixed(tmp_path_factory):
    """A folder with two good files, a silent one and one that is not audio."""
    folder = tmp_path_factory.mktemp("mixed")
    for seed in range(2):
        write_wav(folder / f"good{seed}.wav", tune(seed))
    write_wav(folder / "silent.wav", np.zeros(3 * SR))
    (folder / "text.wav").write_text("no audio at all " * 100)
    return folder


def test_a_file_is_loaded_as_float32(music):
    y = genrewise.load(music / "sine/00.wav")
    assert y.dtype == np.float32 and y.shape == (4 * SR,)
    np.testing.assert_allclose(y, tune(0), atol=1e-4)


def test_rate_offset_and_duration_select_and_resample(music):
    path = str(music / "sine/00.wav")
    y = genrewise.load(path, sr=16000, offset=1, duration=0.5)
    assert y.shape == (8000,)
    np.testing.assert_array_equal(genrewise.load(path, None, 1, 0.5), genrewise.load(path)[SR : SR + SR // 2])


def test_info_states_the_properties_of_a_file(music):
    info = genrewise.info(music / "sine/00.wav")
    assert (info.sr, info.channels, info.duration, info.codec) == (SR, 1, 4.0, "pcm_s16le")


def test_a_file_that_cannot_be_decoded_is_an_error_with_its_parts(mixed):
    with pytest.raises(genrewise.Error, match="not audio") as raised:
        genrewise.load(mixed / "text.wav")
    assert raised.value.where == str(mixed / "text.wav")
    with pytest.raises(genrewise.Error, match="cannot be opened"):
        genrewise.load(mixed / "missing.wav")


def test_extract_gives_a_table_with_fmas_columns(music):
    paths = sorted((music / "sine").iterdir())[:3]
    table = genrewise.extract(paths, n_jobs=2)
    assert table.shape == (3, 518) and list(table.index) == [str(path) for path in paths]
    assert table.columns.names == ["feature", "statistics", "number"]
    assert table.attrs["skipped"] == []
    row = genrewise.features.fma518(genrewise.load(paths[1]), SR)
    np.testing.assert_array_equal(table.iloc[1].to_numpy(), row)
    assert table["mfcc"]["mean"].shape == (3, 20)


def test_a_folder_is_searched_and_what_cannot_be_used_is_skipped_with_a_warning(mixed):
    with pytest.warns(genrewise.SkippedWarning, match="skipped 2 files"):
        table = genrewise.extract(mixed)
    assert [path.rsplit("/", 1)[1] for path in table.index] == ["good0.wav", "good1.wav"]
    assert {fault["reason"] for fault in table.attrs["skipped"]} == {"silent", "not audio"}


def test_names_that_are_not_utf8_are_those_of_the_file_system(tmp_path, study_run):
    good, bad = write_wav(tmp_path / "good.wav", tune(0)), tmp_path / os.fsdecode(b"caf\xe9.mp3")
    bad.write_bytes(b"no audio at all " * 100)
    for work in (genrewise.extract, study_run.best_model.predict):
        with pytest.warns(genrewise.SkippedWarning):
            table = work(tmp_path)
        assert list(table.index) == [str(good)]
        assert [fault["where"] for fault in table.attrs["skipped"]] == [str(bad)]
    with pytest.raises(genrewise.Error) as raised:
        genrewise.info(bad)
    assert raised.value.where == str(bad)


def test_errors_raise_stops_at_a_file_that_cannot_be_used(mixed):
    with pytest.raises(genrewise.Error, match="silent|not audio"):
        genrewise.extract(mixed, errors="raise", n_jobs=1)
    with pytest.raises(genrewise.Error, match="not found"):
        genrewise.extract([mixed / "missing.wav"])
    with pytest.raises(genrewise.UsageError, match="errors"):
        genrewise.extract(mixed, errors="ignore")


def test_another_clip_can_be_selected(music):
    path = music / "square/01.wav"
    table = genrewise.extract(path, offset=1, duration=2)
    np.testing.assert_array_equal(table.iloc[0], genrewise.features.fma518(genrewise.load(path, None, 1, 2), SR))


def test_the_program_extracts_the_same_table(music, program, tmp_path):
    output = tmp_path / "table.csv"
    subprocess.run([program, "--quiet", "extract", music, "-o", output], check=True, stdout=subprocess.DEVNULL)
    expected = pd.read_csv(output, header=[0, 1, 2], index_col=0)
    table = genrewise.extract(music)
    assert list(table.columns) == list(expected.columns)
    np.testing.assert_allclose(np.sort(table.to_numpy(), axis=0), np.sort(expected.to_numpy(), axis=0), rtol=1e-6)


def test_progress_is_shown_by_tqdm(music, capsys):
    pytest.importorskip("tqdm")
    genrewise.extract(music / "sine", progress=False)
    assert capsys.readouterr().err == ""
    from genrewise._progress import progress_bars

    with progress_bars(True) as bars:
        bars.call("begin", "extracting", "files", 3, 1)
        bars._bars[-1].delay = 0
        bars.call("advance", "", "", 2, 0)
        bars.call("detail", "half", "", 0, 0)
        assert (bars._bars[-1].n, bars._bars[-1].total) == (3, 3)
        bars.call("begin_part", "inner", "files", 0, 0)
        bars.call("finish_part", "", "", 0, 0)
        assert len(bars._bars) == 1


def test_a_decoder_that_crashes_is_skipped_where_decoding_is_isolated(music, program, tmp_path, monkeypatch):
    worker = program.parent / "faulty_decode_worker"
    if not worker.exists():
        pytest.skip(f"the test's worker was not built ({worker})")
    good = music / "sine/00.wav"
    bad = tmp_path / "bad.wav"
    bad.write_bytes(good.read_bytes() + b"FAULT crash")
    monkeypatch.setenv("GENREWISE_DECODE_WORKER", str(worker))
    expected = genrewise.load(good)
    genrewise.isolate_decoding()
    try:
        with pytest.raises(genrewise.Error, match="decoder crashed"):
            genrewise.load(bad)
        np.testing.assert_array_equal(genrewise.load(good), expected)
        with pytest.warns(genrewise.SkippedWarning, match="decoder crashed"):
            table = genrewise.extract([good, bad], "mfcc", progress=False)
        assert list(table.index) == [str(good)] and [fault["where"] for fault in table.attrs["skipped"]] == [str(bad)]
    finally:
        genrewise.isolate_decoding(False)
    assert genrewise.load(bad).size == expected.size  # in this process, where nothing fails on purpose


def test_isolation_needs_the_program_and_positive_limits(monkeypatch):
    monkeypatch.setenv("GENREWISE_DECODE_WORKER", "/no/such/program")
    with pytest.raises(genrewise.Error, match="GENREWISE_DECODE_WORKER"):
        genrewise.isolate_decoding()
    monkeypatch.delenv("GENREWISE_DECODE_WORKER")
    with pytest.raises(genrewise.Error, match="limits of a decode worker"):
        genrewise.isolate_decoding(max_seconds=0)
