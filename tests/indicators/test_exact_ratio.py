"""The division of the models: exact to the last decimal, half away from zero, as PostgreSQL rounds."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from types import SimpleNamespace

import duckdb
import jinja2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.settings import PROJECT
from tests.support.examples import examples

MILLIONTH = Decimal("0.000001")
AMOUNT = st.decimals(min_value=-(10**10), max_value=10**10, places=6)


def expression() -> str:
    """The SQL of the macro for DuckDB."""
    text = (PROJECT / "dbt/macros/cross_db/exact_ratio.sql").read_text(encoding="utf-8")

    def template(macro: str) -> jinja2.Template:
        body = re.search(rf"macro {macro}\(.*?-%}}(.*?){{%- endmacro", text, re.DOTALL)
        assert body is not None
        return jinja2.Template(body.group(1))

    cast = "cast(? as numeric(24, 6))"
    gorod = SimpleNamespace(millionths=lambda value: template("millionths").render(value=value))
    sql = template("duckdb__exact_ratio").render(numerator="n", denominator="d", scale="s", gorod=gorod)
    return f"select {sql} from (select {cast} as n, {cast} as d, {cast} as s)"


SQL = expression()
ENGINE = duckdb.connect(":memory:")


@given(AMOUNT, AMOUNT, st.sampled_from([Decimal(1), Decimal(100), Decimal(1000), Decimal(10000)]))
@example(Decimal("0.000001"), Decimal(2), Decimal(1))  # half a millionth: away from zero
@example(Decimal("-0.000001"), Decimal(2), Decimal(1))
@example(
    Decimal("999999999.999999"), Decimal("999999999.999999"), Decimal(1000)
)  # the last that goes by a double
@example(Decimal("1000000000.000001"), Decimal(3), Decimal(1))
@settings(max_examples=examples(150), deadline=None)
def test_it_rounds_the_exact_quotient(numerator: Decimal, denominator: Decimal, scale: Decimal) -> None:
    with localcontext() as context:
        context.prec = 60
        expected = None
        if denominator:
            expected = (numerator * scale / denominator).quantize(MILLIONTH, rounding=ROUND_HALF_UP)
            if abs(expected) >= 10**18:
                return
    row = ENGINE.execute(SQL, [str(numerator), str(denominator), str(scale)]).fetchone()
    assert row == (expected,)


@given(AMOUNT, AMOUNT, st.sampled_from([10, 60, 1000]))
@settings(max_examples=examples(80), deadline=None)
def test_another_unit_of_measure_changes_no_ratio(
    numerator: Decimal, denominator: Decimal, factor: int
) -> None:
    """Both sides in a smaller unit; or the numerator alone, and as many more of it in the scale."""

    def ratio(*sides: Decimal | int) -> object:
        return ENGINE.execute(SQL, [str(side) for side in sides]).fetchone()

    if denominator and abs(numerator * 100 * factor / denominator) < 10**17:
        assert ratio(numerator * factor, denominator * factor, 100) == ratio(numerator, denominator, 100)
        assert ratio(numerator * factor, denominator, 100) == ratio(numerator, denominator, 100 * factor)
