"""Feature tables as Parquet and Arrow."""

import json

import numpy as np
import pytest

import genrewise
from genrewise import parquet

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402


@pytest.fixture
def table(tmp_path):
    values = np.arange(25 * 3, dtype=np.float32).reshape(25, 3)
    np.save(tmp_path / "t.npy", values)
    (tmp_path / "t.npy.json").write_text(json.dumps({
        "recipe": {"name": "made", "version": 1, "hash": "h"}, "track_ids": [f"t{i}" for i in range(25)],
        "columns": [["a", "mean", "01"], ["b", "mean", "01"], ["c", "mean", "01"]],
        "examples": {"genres": ["Rock", None] * 12 + ["Jazz"], "artists": [""] * 25, "albums": ["x"] * 25,
                     "files": ["f"] * 25, "parts": ["training"] * 25}}))
    return tmp_path / "t.npy", values


def test_files_have_all_rows_in_order(table, tmp_path):
    path, values = table
    files = parquet.write(path, tmp_path / "out", rows_per_file=10)
    assert [file.rsplit("/", 1)[1] for file in files] == [f"part-0000{i}-of-00003.parquet" for i in range(3)]
    read = pa.concat_tables([pq.read_table(file) for file in files])
    assert [pq.read_table(file).num_rows for file in files] == [10, 10, 5]
    assert read["track_id"].to_pylist() == [f"t{i}" for i in range(25)]
    assert read["genre"].to_pylist()[:3] == ["Rock", None, "Rock"]
    assert read["artist"].null_count == 25
    np.testing.assert_array_equal(np.array(read["features"].to_pylist(), dtype=np.float32), values)
    assert json.loads(read.schema.metadata[b"genrewise"])["columns"][1] == "b mean 01"
    assert not list((tmp_path / "out").glob("*.tmp"))


def test_a_folder_with_files_is_refused(table, tmp_path):
    parquet.write(table[0], tmp_path / "out")
    with pytest.raises(genrewise.Error, match="contains Parquet files already"):
        parquet.write(table[0], tmp_path / "out")


def test_other_tables_are_refused(tmp_path):
    with pytest.raises(genrewise.Error, match="not a .npy table"):
        next(parquet.batches(tmp_path / "t.csv"))


def test_a_table_with_another_number_of_rows_is_refused(table):
    path, values = table
    np.save(path, values[:20])
    with pytest.raises(genrewise.Error, match="does not have the rows"):
        next(parquet.batches(path))
