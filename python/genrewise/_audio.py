"""Decoding of audio files."""

from __future__ import annotations

import os
from typing import Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core

PathLike = Union[str, "os.PathLike[str]"]


def load(path: PathLike, sr: Optional[int] = None, offset: float = 0, duration: Optional[float] = None) -> npt.NDArray[np.float32]:
    """The samples of an audio file (or of an s3:// or gs:// URI), mixed to one channel, as in librosa.load."""
    return _core.load(os.fspath(path), sr, offset, duration)[0]
