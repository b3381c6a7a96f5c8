"""Packs: examples in sharded TFRecord files with a manifest, as `genrewise pack` writes them and TensorFlow reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

import numpy as np
import numpy.typing as npt

from . import _core
from ._audio import Location
from ._errors import UsageError
from ._progress import progress_bars

if TYPE_CHECKING:
    import tensorflow
    import torch.utils.data

DEFAULT_SEED = _core.DEFAULT_SEED


class Batch(NamedTuple):
    """features: float32, examples x values (x steps before values for sequences); labels: int64, indices into
    Pack.labels; records: int64, indices into Pack.ids."""

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    records: npt.NDArray[np.int64]


class Pack:
    """An open pack; its numbers are read by batches(), torch() or tf()."""

    def __init__(self, location: Location) -> None:
        self.location = os.fspath(location)
        self._pack = _core.Pack.open(self.location)

    def __len__(self) -> int:
        return len(self._pack)

    def __repr__(self) -> str:
        return f"<genrewise.records.Pack {self.location!r}: {len(self)} examples of {self.shape} {self.features}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.location,)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example's features."""
        steps = self._pack.steps
        return (steps, self._pack.values // steps) if steps else (self._pack.values,)

    @property
    def features(self) -> str:
        """The name of the feature set; empty: unknown (shards of another program)."""
        return self._pack.features

    @property
    def labels(self) -> list[str]:
        """The genres."""
        return self._pack.labels

    @property
    def ids(self) -> list[str]:
        return self._pack.ids

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        return np.asarray(self._pack.classes, dtype=np.int64)

    @property
    def parts(self) -> list[Optional[str]]:
        """The part of a split of each example: "training", "validation", "test", or None."""
        return self._pack.parts

    @property
    def files(self) -> list[str]:
        """The shards, for tf.data.TFRecordDataset."""
        return [f"{self.location.rstrip('/')}/{file}" for file in self._pack.files]

    def batches(
        self, batch_size: int = 32, *, part: Optional[str] = None, shuffle: int = 0, seed: int = DEFAULT_SEED,
        epochs: int = 1, drop_remainder: bool = False, workers: int = 1, cache_bytes: int = 0, rank: int = 0,
        ranks: int = 1,
    ) -> Iterator[Batch]:
        """Batches as arrays, read ahead by `workers` threads. shuffle: the size of the window from which examples are
        drawn; 0: the order of the shards. epochs: 0 for no end. rank of ranks: this process's share of the examples. The
        same arguments give the same batches for any number of workers."""
        shape = self.shape
        for features, labels, records in self._pack.batches(
            batch_size, part, shuffle, seed, epochs, drop_remainder, workers, cache_bytes, rank, ranks
        ):
            yield Batch(features.reshape(-1, *shape), labels, records)

    def torch(self, batch_size: int = 32, **options: Any) -> torch.utils.data.IterableDataset[Any]:
        """A dataset of (features, labels) batches for torch.utils.data.DataLoader(dataset, batch_size=None), with the
        options of batches(). Workers of a DataLoader and ranks of torch.distributed get shares of the examples."""
        from ._torch import PackDataset

        return PackDataset(self, batch_size, options)

    def tf(self, batch_size: int = 32, **options: Any) -> tensorflow.data.Dataset:
        """A tf.data.Dataset of (features, labels) batches, with the options of batches()."""
        import tensorflow as tf

        def generate() -> Iterator[tuple[Any, Any]]:
            for batch in self.batches(batch_size, **options):
                yield batch.features, batch.labels

        signature = (tf.TensorSpec((None, *self.shape), tf.float32), tf.TensorSpec((None,), tf.int64))
        return tf.data.Dataset.from_generator(generate, output_signature=signature)


def open(location: Location) -> Pack:
    """The pack in a folder or at a URI; also shards of another program with the keys `song` and `class`."""
    return Pack(location)


def write(
    location: Location, features: npt.ArrayLike, labels: Sequence[str], *, ids: Optional[Sequence[str]] = None,
    parts: Optional[Sequence[Optional[str]]] = None, artists: Optional[Sequence[str]] = None,
    name: str = "python", shards: int = 16, seed: int = DEFAULT_SEED, stored_as: str = "float32",
    compression: str = "none", progress: Optional[bool] = None,
) -> Pack:
    """Writes examples as a pack: features, examples x values or examples x steps x values (sequences), in shuffled order.

    labels: the genre of each example. parts: of a split ("training", "validation", "test", None). name: of the feature
    set; models are only used on features of the same name. stored_as: float32, float16 or uint8; compression: none,
    gzip or zlib. A finished pack of the same examples is left as it is; an interrupted one is continued.
    """
    values = np.ascontiguousarray(features, dtype=np.float32)
    if values.ndim not in (2, 3):
        raise UsageError(f"features of the shape {values.shape}", "features", "pass one row or matrix per example")
    examples, steps = values.shape[0], values.shape[1] if values.ndim == 3 else 0
    genres, classes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    chosen_ids = [str(i) for i in range(examples)] if ids is None else [str(one) for one in ids]
    for argument, given in (("labels", labels), ("ids", chosen_ids), ("parts", parts), ("artists", artists)):
        if given is not None and len(given) != examples:
            raise UsageError(f"{len(given)} entries for {examples} examples", argument, "pass one entry per example")
    with progress_bars(progress) as bars:
        _core.write_pack(
            os.fspath(location), values.reshape(examples, -1), classes.tolist(), genres.tolist(), chosen_ids,
            list(parts or []), list(artists or []), name, shards, seed, stored_as, compression, steps, bars,
        )
    return Pack(location)
