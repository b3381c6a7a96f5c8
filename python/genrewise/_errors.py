"""The exceptions and warnings of the package."""

from __future__ import annotations


class Error(Exception):
    """A failure, in three parts as in the messages of the program: `what` happened, `where` (a path, a line, an
    argument; may be empty), and the `remedy` (may be empty)."""

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.remedy}" if self.remedy else text


class UsageError(Error, ValueError):
    """Wrong usage: an argument that does not exist, or a value that it cannot have."""


class SkippedWarning(UserWarning):
    """Some inputs could not be used; the message counts them by reason."""
