"""Reports are declared; a wrong declaration says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.declarations.reports import (
    REPORTS,
    digest_names,
    load_profile_report,
    load_report,
    profile_names,
)
from pipelines.errors import DeclarationError

GOOD = """\
report: r
title: {ru: Р, be: Р, en: R}
indicators:
  - indicator: a
  - {indicator: b, freq: Q}
chart: a
map: b
"""


def test_declared_reports_read() -> None:
    assert len(digest_names()) + len(profile_names()) == len(list(REPORTS.glob("*.yml"))) >= 2
    for name in digest_names():
        assert load_report(name).indicators
    for name in profile_names():
        assert load_profile_report(name).levels


def test_a_report_reads(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(GOOD, encoding="utf-8")
    report = load_report("r", tmp_path)
    assert [(line.indicator, line.freq) for line in report.indicators] == [("a", None), ("b", "Q")]
    assert report.languages == ("ru",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("map: b", "map: c", r"r.yml:7: map: 'c' is not among the report's indicators; there are: a, b"),
        ("indicator: b", "indicator: a", r"r.yml:5: indicators.1.indicator: 'a' is listed twice"),
        ("freq: Q", "freq: W", "r.yml:5"),
        ("report: r", "report: other", "the same name"),
        ("chart: a", "chart: a\nchrat: b", "r.yml:7: chrat"),
    ],
)
def test_a_wrong_report_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "r.yml").write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(DeclarationError, match=said):
        load_report("r", tmp_path)


def test_an_unknown_report_names_the_known(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(DeclarationError, match="Declared: r"):
        load_report("other", tmp_path)
