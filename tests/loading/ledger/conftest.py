"""The same behaviour by the same tests on both engines."""

from __future__ import annotations

from tests.loading.ledger_model import quick_gate
from tests.support.engines import engine, portal

__all__ = ["engine", "portal", "quick_gate"]
