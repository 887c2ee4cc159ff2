"""Secrets: read from the environment when they are used, and kept out of everything that is written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from pipelines.errors import OriginError

HIDDEN = "•••"
INSTANCE = "{INSTANCE}"
# A shorter secret may be part of any word: hiding it would reveal it.
SHORTEST = 4


def variable(name: str, instance: str) -> str:
    """The variable of one instance: ``GOROD_X_{INSTANCE}_KEY`` of ``brest-2`` is ``GOROD_X_BREST_2_KEY``."""
    return name.replace(INSTANCE, re.sub(r"[^A-Z0-9]", "_", instance.upper()))


def secrets(names: Iterable[str], instance: str, declared_in: str) -> list[str]:
    """The values of variables, in their order.

    Raises:
        OriginError: some are not set; the message names them all.
    """
    wanted = [variable(name, instance) for name in names]
    missing = [name for name in dict.fromkeys(wanted) if not os.environ.get(name, "").strip()]
    if missing:
        raise OriginError(
            f"the environment has no {', '.join(missing)}",
            f"Set it: {declared_in} of the origin names it. Its value is stored nowhere.",
        )
    return [os.environ[name].strip() for name in wanted]


def without(text: str, hidden: Iterable[str]) -> str:
    """A text from a driver or a server, without secrets."""
    for secret in sorted(set(hidden), key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text
