"""How figures are written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.wording import banner, missing, number

THIN = "\u202f"


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"),
        (0.0, 2, "0,00"),
        (-0.001, 1, "0,0"),
        (1234.5, 1, f"1{THIN}234,5"),
        (-1234.5, 1, f"−1{THIN}234,5"),
        (9_109_280, 0, f"9{THIN}109{THIN}280"),
        (62.5, 0, "63"),
        (2.675, 2, "2,68"),
    ],
)
def test_number(value: float, decimals: int, text: str) -> None:
    assert number(value, decimals) == text


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_a_written_number_reads_back_to_its_decimals(value: float, decimals: int) -> None:
    back = Decimal(number(value, decimals).replace(THIN, "").replace(",", ".").replace("−", "-"))
    assert abs(back - Decimal(repr(value))) <= Decimal(5).scaleb(-decimals - 1)


def test_reasons_are_told_apart() -> None:
    reasons = ["not_delivered", "not_published", "not_retained", "not_applicable", "suppressed", None]
    assert len({missing(reason) for reason in reasons}) == len(reasons)


def test_banner_only_over_invented_figures() -> None:
    assert banner(False, True) == ""
    assert banner(True, False) == "СИНТЕТИЧЕСКИЕ ДАННЫЕ – не для использования"
    assert banner(True, True).startswith("СИНТЕТИЧЕСКИЕ ДАННЫЕ – не для использования")
