"""Feature extraction on a Ray cluster (needs ray; without `output` also pyarrow).

    >>> genrewise.ray.extract("s3://bucket/music/", features="fma518", output="s3://bucket/features.npy")  # doctest: +SKIP

Every node needs this package, and must reach the audio files and the output under the same names.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from . import _core
from ._audio import Location
from ._errors import Error, UsageError
from ._inputs import Fault, report, skips
from ._progress import progress_bars
from .features import _feature_set

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

__all__ = ["Extraction", "extract"]

_Options = tuple[bool, Optional[float], Optional[float]]  # unlabelled, offset, duration
_CLIPS_PER_PART, _MOST_PARTS = 128, 4096
_LOCKED = "another run is writing"
_PATH_COLUMNS = ("path", "file", "uri", "item")


class Extraction(NamedTuple):
    """A table that was written: its location, its rows, the parts that were computed by this call, and the clips that
    could not be used, as in the program's JSON."""

    output: str
    rows: int
    parts: int
    skipped: list[dict[str, str]]


def _ray() -> Any:
    try:
        import ray
    except ImportError as missing:
        raise Error("the package ray cannot be imported", "genrewise.ray", "install it: pip install 'ray[data]'") from missing
    if not ray.is_initialized():
        ray.init()
    return ray


def _absolute(location: Location) -> str:
    """As every node can open it: they have other working directories."""
    text = os.fspath(location)
    if "://" in text:
        return text
    return os.path.join(os.path.abspath(text), "") if text.endswith("/") else os.path.abspath(text)


def _column(dataset: Any, column: Optional[str]) -> str:
    names = dataset.columns() or []
    found = [name for name in ([column] if column else _PATH_COLUMNS) if name in names]
    if not found:
        wanted = f"no column {column!r}" if column else f"none of the columns {', '.join(_PATH_COLUMNS)}"
        raise UsageError(f"the Dataset has {wanted}, but {', '.join(names)}", "column", "name the column of the paths")
    return found[0]


def _listed(files: Iterable[str], output: str) -> str:
    """Writes a list of files beside the output: the dataset of all parts, also of the next call."""
    lines = []
    for file in files:
        if file != file.strip() or "\n" in file:
            raise UsageError(f"the name {file!r} has a line break or blanks around it", "paths", "list it in a CSV file")
        lines.append(file + "\n")
    _core.write_file(output + ".txt", "".join(lines))
    return output + ".txt"


class _Parts:
    """An actor that extracts parts of a table and keeps the feature set's models loaded."""

    def __init__(self, features: str, dataset: str, output: str, count: int, options: _Options, threads: int) -> None:
        self._features, self._threads = features, threads
        self._job = (dataset, output, count, options)

    def ready(self) -> None:
        _feature_set(self._features)  # not in __init__(), whose errors Ray takes for the loss of the actor

    def extract(self, number: int) -> tuple[int, list[Fault]]:
        dataset, output, count, options = self._job
        for _ in range(60):
            try:
                return _core.extract_part(
                    _feature_set(self._features), dataset, output, number, count, *options, self._threads
                )
            except Error as error:
                if not error.what.startswith(_LOCKED):
                    raise
                time.sleep(1)  # what is left of a lost actor on the same machine ends soon
        raise Error(f"part {number} of {count} is being written by another process", output, "wait for it, or stop it")


class _Rows:
    """An actor that appends features to blocks of files."""

    def __init__(self, features: str, column: str, clip: tuple[Optional[float], float, float], errors: str, threads: int) -> None:
        self._set, self._column, self._clip, self._errors = _feature_set(features), column, clip, errors
        self._pool = ThreadPoolExecutor(threads)

    def _row(self, row: tuple[str, Optional[float], float, float]) -> tuple[Any, Optional[str]]:
        values, faults = _core.extract_clip(self._set, *row)
        if faults:
            if not skips(self._errors):
                report(faults, 0, self._errors)
            reason, _, detail = faults[0]
            return None, reason + (f" ({detail})" if detail else "")
        return values, None

    def __call__(self, batch: pa.Table) -> pa.Table:
        import pyarrow as pa

        files = batch[self._column].to_pylist()
        if "clip" in batch.column_names:
            clips = [tuple(clip.values()) for clip in batch["clip"].to_pylist()]
            batch = batch.drop_columns(["clip"])
        else:
            clips = [self._clip] * len(files)
        rows = list(self._pool.map(self._row, [(file, *clip) for file, clip in zip(files, clips)]))
        width = pa.list_(pa.float32(), len(self._set.columns))
        features = pa.array([None if values is None else values for values, _ in rows], width)
        return batch.append_column("features", features).append_column("error", pa.array([e for _, e in rows], pa.string()))


def _each_part(ray: Any, start: Any, parts: int, actors: int, retries: int) -> Generator[tuple[int, tuple[int, list[Fault]]], None, None]:
    """Yields (number, result) of every part as it ends. A part whose actor is lost is given to another one."""
    waiting, lost = deque(range(1, parts + 1)), Counter[int]()
    refs: dict[Any, tuple[Any, int]] = {}  # to (actor, number of the part; 0: it starts)
    idle: list[Any] = []
    try:
        while waiting or any(number for _, number in refs.values()):
            while waiting and idle:
                actor, number = idle.pop(), waiting.popleft()
                refs[actor.extract.remote(number)] = (actor, number)
            # An actor gets a part when it has started: one for which the cluster has no room holds up none.
            for _ in range(min(actors - len(refs) - len(idle), len(waiting))):
                actor = start()
                refs[actor.ready.remote()] = (actor, 0)
            for ref in ray.wait(list(refs), timeout=1)[0]:
                actor, number = refs.pop(ref)
                try:
                    result = ray.get(ref)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause if isinstance(error.cause, Error) else error
                except ray.exceptions.RayError as error:
                    lost[number] += 1
                    if lost[number] > retries:
                        what = f"part {number} of {parts}" if number else "an actor that starts"
                        raise Error(f"{what} was lost {lost[number]} times ({type(error).__name__})", "Ray",
                                    "see the logs of Ray; the same call continues the job") from error
                    if number:
                        waiting.appendleft(number)
                    continue
                idle.append(actor)
                if number:
                    lost[0] = 0
                    yield number, result
    finally:
        for actor in [*idle, *(actor for actor, _ in refs.values())]:
            ray.kill(actor)


def extract(
    paths: Union[Location, Iterable[Location], ray.data.Dataset], features: str = "fma518", *,
    output: Optional[Location] = None, column: Optional[str] = None, unlabelled: bool = False,
    offset: Optional[float] = None, duration: Optional[float] = None, errors: str = "skip", parts: Optional[int] = None,
    merge: bool = True, actors: Optional[int] = None, cpus: int = 1, retries: int = 3, progress: Optional[bool] = None,
) -> Union[Extraction, ray.data.Dataset]:
    """A feature set of audio files, extracted by the actors of a Ray cluster, each of which keeps the set's models.

    paths: a dataset as for `genrewise extract` (a folder, CSV, list, or prefix of a store; unlabelled: with tracks that
    have no genre), files, or a ray.data.Dataset with their paths in `column` (default: path, file, uri or item). With
    output the table of that name (.npy or .csv) is written, in as many parts (default: of 128 clips), which are merged
    unless merge=False; it has the same bytes as that of `genrewise extract`, and the same call continues an interrupted
    job. Files that are given one by one are listed in OUTPUT.txt, which is then the dataset. Without output the result
    is a lazy Dataset of Arrow blocks: track_id, genre and file, or the columns of paths, and features (a list of float32;
    null: cannot be used) and error (why). offset, duration, errors and progress are those of genrewise.extract().
    actors: at most so many (default: as the cluster has room for), of `cpus` threads each. retries: how often a part is
    started again whose actor or node is lost.
    """
    skips(errors)
    _feature_set(features)  # an unknown one is an error here already
    if any(number is not None and number < 1 for number in (cpus, parts, actors)):
        raise UsageError("cpus, parts and actors are positive numbers", "genrewise.ray.extract")
    ray = _ray()
    actors = actors or max(1, int(ray.cluster_resources().get("CPU", 1)) // cpus)
    source: Any = paths
    options: _Options = (unlabelled, offset, duration)
    if output is None:
        return _dataset_of(source, features, column, options, errors, actors, cpus)
    location = _absolute(output)
    if isinstance(source, (str, os.PathLike)):
        dataset = _absolute(source)
    elif hasattr(source, "map_batches"):
        name = _column(source, column)
        dataset = _listed((_absolute(row[name]) for row in source.select_columns([name]).iter_rows()), location)
    else:
        dataset = _listed(map(_absolute, source), location)
    already = _core.faults_of_table(_feature_set(features), dataset, location, *options)
    if already is not None:
        parts = 0
    elif parts is None:
        tracks = len(_core.tracks(dataset, *options)[0]["file"])
        parts = max(1, min(-(-tracks // _CLIPS_PER_PART), _MOST_PARTS))
    actor = ray.remote(num_cpus=cpus)(_Parts)
    results: dict[int, tuple[int, list[Fault]]] = {}
    work = _each_part(ray, lambda: actor.remote(features, dataset, location, parts, options, cpus), parts, actors, retries)
    with progress_bars(progress) as bars, closing(work):
        bars.call("begin", f"extracting {features}", "parts", parts, 0)
        for number, result in work:
            results[number] = result
            if not skips(errors):
                report(result[1], 0, errors)
            bars.call("advance", "", "", 1, 0)
        bars.call("finish", "", "", 0, 0)
        rows = sum(result[0] for result in results.values())
        faults = already or [fault for number in sorted(results) for fault in results[number][1]]
        if merge or not parts:
            rows = _core.merge_tables(location, bars)
    return Extraction(location, rows, parts, report(faults, rows, errors))


def _dataset_of(
    paths: Any, features: str, column: Optional[str], options: _Options, errors: str, actors: int, cpus: int
) -> ray.data.Dataset:
    import pyarrow as pa
    from ray import data

    _, offset, duration = options
    name, clip = "file", (offset, 30.0 if duration is None else duration, 1.0 if duration in (None, 30) else 0.0)
    if hasattr(paths, "map_batches"):
        dataset, name = paths, _column(paths, column)
    elif isinstance(paths, (str, os.PathLike)):
        columns, faults = _core.tracks(_absolute(paths), *options)
        report(faults, len(columns["file"]), errors)
        starts, durations, slacks = (pa.array(columns.pop(key), pa.float64()) for key in ("start_s", "duration_s", "slack_s"))
        table = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
        table = table.append_column("clip", pa.StructArray.from_arrays([starts, durations, slacks], ["a", "b", "c"]))
        dataset = data.from_arrow(table).repartition(max(actors, -(-len(table) // _CLIPS_PER_PART)))
    else:
        table = pa.table({name: [_absolute(path) for path in paths]})
        dataset = data.from_arrow(table).repartition(max(actors, -(-len(table) // _CLIPS_PER_PART)))
    return dataset.map_batches(
        _Rows, fn_constructor_args=(features, name, clip, errors, cpus), batch_format="pyarrow", batch_size=None,
        num_cpus=cpus, compute=data.ActorPoolStrategy(min_size=1, max_size=actors),
    )
