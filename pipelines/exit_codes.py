"""What the command leaves with. Where several things are amiss, the gravest wins, so that none hides a graver one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Codes of ``gorod``, in words; the table of docs/operations.md says what to do."""

    says: str

    def __new__(cls, value: int, says: str) -> ExitCode:
        """A code, and its words."""
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
    HELD_BACK = 7, "published, and some figures are held back"
    NO_REGISTER = 8, "nothing can be built before there is a register of territories"
    LATE = 9, "a feed is late"
    INTERRUPTED = 130, "interrupted"


# What ends the command at once comes first; then by what figures lose: nothing new, a load, an origin for a day.
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
    """The gravest of several codes; ``DONE`` of none."""
    return min(codes, key=GRAVEST_FIRST.index, default=ExitCode.DONE)
