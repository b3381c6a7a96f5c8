"""Progress of long work, shown by tqdm where it is installed."""

from __future__ import annotations

import logging
import sys
from typing import Any, Optional

_log = logging.getLogger("genrewise")


class Bars:
    """Receives progress from the extension. Tasks are bars, parts of tasks are bars below them; notes are logged."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._bars: list[Any] = []

    def call(self, function: str, text: str, unit: str, total: int, done: int) -> None:
        if function in ("begin", "begin_part"):
            bar = self._tqdm(desc=text, unit=" " + unit, total=total or None, initial=done, leave=False, delay=1)
            self._bars.append(bar)
        elif function == "note":
            _log.info("%s", text)
        elif self._bars and function == "advance":
            self._bars[-1].update(total)
        elif self._bars and function == "detail":
            self._bars[-1].set_postfix_str(text)
        elif self._bars and function in ("finish", "finish_part"):
            self._bars.pop().close()

    def close(self) -> None:
        while self._bars:
            self._bars.pop().close()


class _Silent:
    """In place of tqdm."""

    def __init__(self, **_: object) -> None: ...

    def update(self, _: int) -> None: ...

    def set_postfix_str(self, _: str) -> None: ...

    def close(self) -> None: ...


class progress_bars:
    """`with progress_bars(shown) as bars`. shown: True or False; None: where tqdm is installed and standard error is a
    terminal or a notebook."""

    def __init__(self, shown: Optional[bool]) -> None:
        if shown is None:
            shown = sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)
            try:
                import tqdm  # noqa: F401
            except ImportError:
                shown = False
        kind: Any = _Silent
        if shown:
            from tqdm.auto import tqdm

            kind = tqdm
        self._bars = Bars(kind)

    def __enter__(self) -> Bars:
        return self._bars

    def __exit__(self, *_: object) -> None:
        self._bars.close()
