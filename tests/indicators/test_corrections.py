"""Corrections: reviewed data with a guard; what no longer fits stops the build and is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.declarations.corrections import load_corrections
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.errors import DeclarationError
from pipelines.operations.corrections import outdated_corrections
from pipelines.operations.trace import trace
from pipelines.operations.trace_text import show
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.indicators.conftest import OTHER_WAGE, WAGE
from tests.support.small_warehouse import SmallWarehouse

WORDS = {"ru": "опечатка", "be": "памылка", "en": "a slip"}


def correction(**changes: Any) -> dict[str, Any]:
    return {
        "measure": "population", "ref_area": "BY-BR", "time_period": "2019", "expected": 5, "action": "override",
        "value": 6, "reason": WORDS, "decided_by": "Иванова", "decided_on": "2026-01-01", "upstream": "open", **changes,
    }  # fmt: skip


def declare(folder: Path, **corrections: dict[str, Any]) -> Path:
    (folder / "source.yml").write_text(yaml.safe_dump({"corrections": corrections}), encoding="utf-8")
    return folder


def test_the_declared_ones_are_sound() -> None:
    assert load_corrections(load_catalogue())


@pytest.mark.parametrize(
    ("corrections", "told"),
    [
        ({"a": correction(value=None)}, "value"),
        ({"a": correction(action="flag")}, "value"),
        ({"a": correction(measure="nothing")}, "'nothing' is not declared"),
        ({"a": correction(), "b": correction()}, "is already in 'a'"),
        ({"a": correction(time_period="2019-5")}, "time_period"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, corrections: dict[str, dict[str, Any]], told: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        load_corrections(load_catalogue(), declare(tmp_path, **corrections))
    assert told in raised.value.message


@pytest.mark.slow
def test_a_correction_is_applied_and_told_in_the_trace(doubtful: SmallWarehouse) -> None:
    assert doubtful.value("wage_nominal_byn", "BY-BR", "2016")["obs_value"] == 777
    with doubtful.connect(read_only=True) as connection:
        found = trace(connection, "wage_nominal_byn", "BY-BR", "2016")
    (observation,) = found.terms[0].observations
    assert (observation.correction, observation.reported_value) == ("slip", WAGE)
    assert observation.rows is not None
    assert "correction slip" in "\n".join(show(found))
    state = "select correction_state, upstream from published.pub_correction_v1 where correction = 'slip'"
    assert doubtful.query(state) == [("applied", "reported")]


@pytest.mark.slow
def test_a_correction_that_no_longer_fits_holds_its_value_back_and_is_told(
    doubtful: SmallWarehouse, tmp_path: Path
) -> None:
    small = doubtful.copy(tmp_path)
    held = small.value("wage_nominal_byn", "BY-MI", "2016")
    assert (held["obs_value"], held["missing_reason"]) == (None, "held_back")
    assert small.value("wage_nominal_byn", "BY-HM", "2016")["obs_value"] == 700
    (loads,) = small.query("select ref_area, loads from published.pub_held_back_v1 where rule = 'correction'")
    assert loads == ("BY-MI", small.query("select load_id from ops.load where feed = 'wages'")[0][0])
    (told,) = outdated_corrections(DuckDBWarehouse(small.path))
    assert f"expected {OTHER_WAGE + 1}, the source now says {OTHER_WAGE}" in told
    with small.connect() as connection:
        connection.execute(
            "insert into intermediate.int_embargo_measure (measure, time_period, held_until)"
            " select measure, time_period, now() + interval 1 day from marts.mart_correction"
            " where correction = 'outdated'"
        )
    (told,) = outdated_corrections(DuckDBWarehouse(small.path))
    assert str(OTHER_WAGE) not in told and "under embargo" in told
    assert small.query("select ok from ops.build") == [(True,)]
