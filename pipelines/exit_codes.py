"""Exit codes of the command. If there are several problems, the most serious one determines the code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of ``gorod``, with descriptions; the table in docs/operations.md says what to do."""

    says: str

    def __new__(cls, value: int, says: str) -> ExitCode:
        """A code and its description."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.says = says
        return code

    DONE = 0, "done"
    REFUSED = 1, "refused, not found, or the marts could not be built"
    USAGE = 2, "wrong usage, or a declaration or a suite is wrong"
    ORIGIN = 3, "an origin cannot be read"
    BUSY = 4, "the warehouse is in use"
    UNWRITABLE = 5, "the warehouse cannot be written"
    LOADS_REFUSED = 6, "some loads were refused by the gate"
    HELD_BACK = 7, "published, but some figures are held back"
    NO_REGISTER = 8, "nothing can be built before there is a register of territories"
    LATE = 9, "a feed is late"
    INTERRUPTED = 130, "interrupted"


# Codes that end the command at once come first; then by the effect on figures: none are new, a load is missing, an origin
# is missing for a day.
GRAVEST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.UNWRITABLE,
    ExitCode.BUSY,
    ExitCode.USAGE,
    ExitCode.REFUSED,
    ExitCode.NO_REGISTER,
    ExitCode.LOADS_REFUSED,
    ExitCode.ORIGIN,
    ExitCode.LATE,
    ExitCode.HELD_BACK,
    ExitCode.DONE,
)


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """The most serious of several codes; ``DONE`` if there is none."""
    return min(codes, key=GRAVEST_FIRST.index, default=ExitCode.DONE)
