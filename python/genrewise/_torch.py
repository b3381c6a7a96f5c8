"""Packs as datasets of torch; imported when Pack.torch() is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

if TYPE_CHECKING:
    from .records import Pack


class PackDataset(IterableDataset[Any]):
    def __init__(self, pack: Pack, batch_size: int, options: dict[str, Any]) -> None:
        self._pack, self._batch_size, self._options = pack, batch_size, options

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        options, worker = dict(self._options), get_worker_info()
        if "rank" not in options and torch.distributed.is_available() and torch.distributed.is_initialized():
            options.update(rank=torch.distributed.get_rank(), ranks=torch.distributed.get_world_size())
        if worker is not None:
            options["rank"] = options.get("rank", 0) * worker.num_workers + worker.id
            options["ranks"] = options.get("ranks", 1) * worker.num_workers
        for batch in self._pack.batches(self._batch_size, **options):
            yield torch.from_numpy(batch.features), torch.from_numpy(batch.labels)
