"""Decoding of audio files."""

from __future__ import annotations

import os
from typing import NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core

Location = Union[str, "os.PathLike[str]"]


class AudioInfo(NamedTuple):
    """The properties of a file, from its headers."""

    format: str
    codec: str
    sr: int
    channels: int
    duration: float
    bit_rate_kbps: float


def load(
    path: Location, sr: Optional[int] = None, offset: float = 0, duration: Optional[float] = None
) -> npt.NDArray[np.float32]:
    """The samples of an audio file, or of an s3:// or gs:// URI, mixed to one channel, as in librosa.load.

    sr: the sampling rate of the result, resampled with soxr; None: the file's own, which info() states. offset and
    duration: the part to read, in seconds. Raises Error for a file that cannot be decoded.
    """
    return _core.load(os.fspath(path), sr, offset, duration)


def info(path: Location) -> AudioInfo:
    """The properties of an audio file, without decoding it where its headers state them."""
    return AudioInfo(*_core.info(os.fspath(path)))


def isolate_decoding(enabled: bool = True, *, max_seconds: float = 60, max_memory: int = 1 << 30) -> None:
    """From now on this process decodes in worker processes, for files of unknown origin: one that makes a decoder
    crash, or needs more time in seconds or memory in bytes, is skipped or raises Error, and the process goes on.

    The workers are the program genrewise, which is looked for in PATH, or at the path in the environment variable
    GENREWISE_DECODE_WORKER. Raises Error if it is not found. It adds about 10 ms to a call.
    """
    _core.isolate_decoding(enabled, max_seconds, max_memory)
