"""Putting a finished report in the place of the one before."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipelines.publishing.folders import sync


def replace(folder: Path, new: Path) -> None:
    """Replace ``folder`` by ``new``. A folder cannot be swapped in one step: the old one is moved aside first."""
    aside = _aside(folder)
    if folder.exists():
        folder.rename(aside)
    new.rename(folder)
    sync(folder.parent)
    if aside.exists():
        shutil.rmtree(aside)


def recover(folder: Path) -> None:
    """Undo a replacement that was killed halfway."""
    aside = _aside(folder)
    if aside.exists():
        if folder.exists():
            shutil.rmtree(aside)
        else:
            aside.rename(folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".before-{folder.name}")
