"""What the expectations of a feed check, in English: generated from their kind and arguments.

A suite's own sentences are Russian, because suppliers read them. Engineers who do not read Russian get these instead.
"""

from __future__ import annotations

import re
from typing import Any

from pipelines.errors import DeclarationError
from pipelines.loading.answer import Counted
from pipelines.loading.gate import load_suite

LONGEST = 200
NOTE = "«what to do» is in Russian: it is written for the supplier. So is «what is wrong» if the rule is not in today's suite."


def english_sentences(source: str, feed: str) -> dict[str, str]:
    """English for each Russian sentence (``says``) of a feed's present suite; empty if there is no usable suite."""
    try:
        return {one.meta["says"]: in_english(one) for one in load_suite(source, feed)}
    except DeclarationError:
        return {}


def counts_in_english(counted: list[Counted]) -> str:
    """How many accepted rows some measure uses; empty if none was accepted."""
    if not counted:
        return ""
    used = sum(group.rows for group in counted if group.why is None)
    unused = sum(group.rows for group in counted) - used
    return f"Rows used by indicators: {used}; not used: {unused}."


def in_english(expectation: Any) -> str:
    """What an expectation checks: «column values must match regex (column: code, regex: …)», or its SQL."""
    if "holds" in expectation.meta:
        return _short("must hold: " + expectation.meta["holds"])
    kind, arguments = type(expectation).__name__, expectation.configuration.kwargs
    if "unexpected_rows_query" in arguments:
        return _short("must find no rows: " + arguments["unexpected_rows_query"])
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.removeprefix("Expect")).lower().replace(" to ", " must ", 1)
    details = ", ".join(f"{name}: {value}" for name, value in arguments.items() if name != "mostly")
    return _short(f"{words} ({details})")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
