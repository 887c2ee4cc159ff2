"""Gorod runs from its checkout: the READMEs say so, an editable install works, and no wheel is built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.settings import PROJECT


def build(kind: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = f"from setuptools import build_meta; build_meta.build_{kind}({str(folder)!r})"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_a_wheel_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    done = build("wheel", tmp_path)
    assert done.returncode != 0
    assert "make setup" in done.stderr
    assert not list(tmp_path.glob("*.whl"))


def test_an_editable_install_is_built(tmp_path: Path) -> None:
    done = build("editable", tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("gorod-*.whl"))) == 1


@pytest.mark.parametrize(
    ("readme", "sentence"),
    [
        ("README.md", "Gorod runs from its checkout"),
        ("README.ru.md", "Gorod работает из своего клона репозитория"),
    ],
)
def test_the_readmes_say_where_it_runs(readme: str, sentence: str) -> None:
    assert sentence in (PROJECT / readme).read_text(encoding="utf-8")
