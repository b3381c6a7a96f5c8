"""Feature tables as Parquet files and Arrow record batches, for Spark, DuckDB, Ray and others (needs pyarrow).

    >>> genrewise.parquet.write("features.npy", "features.parquet", rows_per_file=100_000)  # doctest: +SKIP
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np

from ._errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["batches", "write"]


def _text(value: str | dict[str, str]) -> str:
    """Texts that are not UTF-8 are in the sidecar as hexadecimal digits."""
    return bytes.fromhex(value["hex"]).decode(errors="backslashreplace") if isinstance(value, dict) else value


def batches(table: str | os.PathLike[str], rows: int = 8192) -> Iterator[pa.RecordBatch]:
    """Yields the rows of a `.npy` table of `genrewise extract`, `rows` at a time; the table is mapped, not read.

    Columns: `track_id`, `genre`, `artist`, `album`, `file`, `part` (texts; null: unknown) and `features`, a list of
    float32 of the table's width. The schema's metadata has the recipe and the names of the features, as JSON under
    `genrewise`.
    """
    import pyarrow as pa

    path = os.fspath(table)
    if not path.endswith(".npy"):
        raise Error("is not a .npy table", where=path, remedy="extract or merge to a name that ends in .npy")
    with open(path + ".json", encoding="utf-8") as file:
        sidecar = json.load(file)
    values = np.load(path, mmap_mode="r")
    if len(sidecar["track_ids"]) != len(values):
        raise Error("does not have the rows that its .json names", where=path, remedy="extract the features again")
    examples = sidecar.get("examples", {})
    texts: dict[str, list[str | None]] = {"track_id": [_text(value) for value in sidecar["track_ids"]]}
    for name, key in (("genre", "genres"), ("artist", "artists"), ("album", "albums"), ("file", "files"), ("part", "parts")):
        texts[name] = [_text(text) if text else None for text in examples.get(key, [None] * len(values))]
    columns = [" ".join(_text(part) for part in column) for column in sidecar["columns"]]
    described = {"recipe": sidecar["recipe"], "columns": columns}
    schema = pa.schema(
        [pa.field(name, pa.string()) for name in texts] + [pa.field("features", pa.list_(pa.float32(), values.shape[1]))],
        metadata={"genrewise": json.dumps(described)},
    )
    for at in range(0, len(values), rows):
        block = np.ascontiguousarray(values[at : at + rows], dtype=np.float32)
        features = pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), values.shape[1])
        columns = [pa.array(column[at : at + rows], pa.string()) for column in texts.values()]
        yield pa.RecordBatch.from_arrays([*columns, features], schema=schema)


def write(table: str | os.PathLike[str], folder: str | os.PathLike[str], *, rows_per_file: int = 100_000) -> list[str]:
    """Writes a table as `part-00000-of-00003.parquet`, ... in a new or empty folder; returns the paths.

    Each file appears under its name when it is complete.
    """
    import pyarrow.parquet as pq

    if rows_per_file < 1:
        raise Error("must be at least 1", where="rows_per_file")
    out = os.fspath(folder)
    os.makedirs(out, exist_ok=True)
    if any(name.endswith(".parquet") for name in os.listdir(out)):
        raise Error("contains Parquet files already", where=out, remedy="choose an empty folder")
    count = -(-len(np.load(os.fspath(table), mmap_mode="r")) // rows_per_file)
    paths: list[str] = []
    writer, temporary = None, ""
    left = 0
    try:
        for batch in batches(table, min(rows_per_file, 8192)):
            while batch.num_rows:
                if writer is None:
                    paths.append(os.path.join(out, f"part-{len(paths):05}-of-{count:05}.parquet"))
                    temporary, left = paths[-1] + ".tmp", rows_per_file
                    writer = pq.ParquetWriter(temporary, batch.schema)
                taken = batch.slice(0, min(left, batch.num_rows))
                writer.write_batch(taken)
                batch, left = batch.slice(taken.num_rows), left - taken.num_rows
                if left == 0:
                    writer.close()
                    os.replace(temporary, paths[-1])
                    writer = None
        if writer is not None:
            writer.close()
            os.replace(temporary, paths[-1])
            writer = None
    finally:
        if writer is not None:
            writer.close()
            os.remove(temporary)
    return paths
