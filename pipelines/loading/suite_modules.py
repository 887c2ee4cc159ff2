"""The module of a feed's suite, with a precise error if it is unusable."""

from __future__ import annotations

import importlib
import re
import traceback
from pathlib import Path
from types import ModuleType

from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT


def suite_module(source: str, feed: str) -> ModuleType:
    """``expectations/<source>/<feed>.py``, imported; it has a ``SUITE`` that is a list.

    Raises:
        DeclarationError: there is none, it cannot be imported, its ``SUITE`` is not a list, or what it reads is wrong.
    """
    name = f"expectations.{source}.{feed}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # the suite itself or its folder, not something that it imports
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise DeclarationError(
                f"feed {source}.{feed} has no suite",
                f"Write expectations/{source}/{feed}.py; see CONTRIBUTING.md.",
            ) from error
        raise _not_imported(source, feed, error) from error
    except DeclarationError:
        # of a declaration that the suite reads
        raise
    except Exception as error:
        raise _not_imported(source, feed, error) from error
    suite = getattr(module, "SUITE", None)
    if not isinstance(suite, list | tuple) or not all(
        isinstance(getattr(one, "meta", None), dict) and "name" in one.meta for one in suite
    ):
        what = "has no SUITE" if not hasattr(module, "SUITE") else f"SUITE is {_shown(suite)}"
        raise DeclarationError(
            f"{_line_of(module, 'SUITE')}: {what}; it has to be a list of expectations",
            "Write each with row(), rule() or load() of expectations/vocabulary.py; see CONTRIBUTING.md.",
        )
    return module


def _not_imported(source: str, feed: str, error: Exception) -> DeclarationError:
    """The error of a module, with the line in this repository that caused it."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename)]
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{_relative(error.filename)}, line {error.lineno}"
    elif own:
        place = f"{_relative(own[-1].filename)}, line {own[-1].lineno}"
    else:
        place = f"expectations/{source}/{feed}.py"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return DeclarationError(
        f"{place}: the suite of {source}.{feed} cannot be imported: {type(error).__name__}: {message}",
        "It is a fault of the suite, not of a delivery. Mend it; nothing was loaded.",
    )


def _is_own(path: str) -> bool:
    return Path(path).is_relative_to(PROJECT / "expectations")


def _relative(path: str) -> str:
    return str(Path(path).relative_to(PROJECT)) if Path(path).is_relative_to(PROJECT) else path


def _line_of(module: ModuleType, name: str) -> str:
    """The file of a module, and the line where a name is given its value."""
    path = Path(module.__file__ or module.__name__)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = [number for number, line in enumerate(lines, start=1) if re.match(rf"{name}\b", line)]
    return _relative(str(path)) + (f", line {found[-1]}" if found else "")


def _shown(suite: object) -> str:
    if isinstance(suite, list | tuple):
        wrong = next(
            one for one in suite if not isinstance(getattr(one, "meta", None), dict) or "name" not in one.meta
        )
        return f"a list with {type(wrong).__name__} in it, which has no name"
    return "None" if suite is None else f"of type {type(suite).__name__}"
