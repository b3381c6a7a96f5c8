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
