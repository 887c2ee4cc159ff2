"""Errors for people: what is wrong, where, and what to do.

Everything that a user or a supplier can cause is a :class:`GorodError`; the command line prints it
without a stack trace and exits with its exit code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class GorodError(Exception):
    """A failure with a remedy. ``exit_code`` is the command's exit code."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class DeclarationError(GorodError):
    """A YAML file in ``assets/`` is invalid."""

    exit_code = 2


class OriginError(GorodError):
    """An origin cannot be read: the folder is unreadable, the server does not answer, the snapshot is inconsistent."""

    exit_code = 3

    @classmethod
    def of_several(cls, errors: Sequence[OriginError]) -> OriginError:
        """One error that tells what was met on the way, while everything else was read."""
        return errors[0] if len(errors) == 1 else cls("\n".join(map(str, errors)))


class WarehouseBusyError(GorodError):
    """Another process holds the warehouse."""

    exit_code = 4


class LoadsRefusedError(GorodError):
    """The gate refused loads; everything else in the run was done."""

    exit_code = 6


class WarehouseError(GorodError):
    """The warehouse cannot be written: disk full, file damaged, wrong version."""

    exit_code = 5


class LandingError(GorodError):
    """A delivery is missing in landing, or was changed."""

    exit_code = 5


@dataclass(frozen=True)
class Reason:
    """Why a delivery, or a row of it, is refused, in terms that the supplier knows.

    ``row`` counts data rows of the delivery from 1; None for the whole file.
    ``value`` is the value as given; the reader leaves it None for a column with personal data.
    """

    expectation: str
    message: str
    remedy: str
    row: int | None = None
    column: str | None = None
    value: str | None = None


class DeliveryError(GorodError):
    """A delivery cannot be read at all. The load is rejected with these reasons; everything else continues."""

    def __init__(self, file: str, reasons: list[Reason]) -> None:
        first = reasons[0]
        super().__init__(f"{file}: {first.message}", first.remedy)
        self.file = file
        self.reasons = reasons
