"""How an expectation is written: a Great Expectations expectation, plus what it means to a supplier.

``row`` holds for each row: rows that fail are kept back in quarantine (critical) or marked (warning).
``load`` holds for the delivery as a whole: if it fails the load is refused (critical) or marked (warning).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Dimension = Literal["completeness", "validity", "uniqueness", "consistency", "timeliness", "accuracy"]
Severity = Literal["critical", "warning"]


def _declare(
    expectation: Callable[..., Any],
    level: Literal["row", "load"],
    name: str,
    dimension: Dimension,
    severity: Severity,
    says: str,
    remedy: str,
    arguments: dict[str, Any],
) -> Any:
    meta = {"name": name, "level": level, "dimension": dimension, "says": says, "remedy": remedy}
    return expectation(severity=severity, meta=meta, **arguments)


def row(
    expectation: Callable[..., Any],
    /,
    *,
    name: str,
    dimension: Dimension,
    says: str,
    remedy: str,
    severity: Severity = "critical",
    **arguments: Any,
) -> Any:
    """Declare what must hold of each row.

    ``name`` is unique in the suite, ``says`` and ``remedy`` are Russian sentences that the supplier reads.
    ``arguments`` go to the GX expectation; ``mostly`` is the share of rows below which the whole load is refused.
    """
    return _declare(expectation, "row", name, dimension, severity, says, remedy, arguments)


def load(
    expectation: Callable[..., Any],
    /,
    *,
    name: str,
    dimension: Dimension,
    says: str,
    remedy: str,
    severity: Severity = "critical",
    **arguments: Any,
) -> Any:
    """Declare what must hold of the delivery as a whole (arguments as in :func:`row`)."""
    return _declare(expectation, "load", name, dimension, severity, says, remedy, arguments)
