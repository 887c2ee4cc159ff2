"""Each step by cases that are worked out by hand, and each edge."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pipelines.errors import GorodError
from pipelines.indices.evaluate import evaluate
from pipelines.indices.rank import rounded
from pipelines.indices.tables import result_table
from tests.indices.small import method, observed, of, ranks, reasons, scores

AS_IS = {"kind": "none"}


def index(nodes: list[dict[str, Any]], **root: Any) -> dict[str, Any]:
    return {"code": "index", "nodes": nodes, **root}


# --- transformations


def test_per_head_and_its_edges() -> None:
    found = of(
        {"x": [50, 50, 50, None], "people": [1000, 0, None, 5]},
        normalise=AS_IS,
        transform=[{"kind": "per", "column": "people", "scale": 1000}],
    )
    assert scores(found) == [50, None, None, None]
    assert reasons(found, "x") == [None, "zero_divisor", "no_divisor", "not_given"]
    # what was reported and cannot be divided is not the same as nothing reported
    assert reasons(found) == [None, "zero_divisor", "no_divisor", "nothing_reported"]


def test_logarithm_and_its_edges() -> None:
    found = of({"x": [100, 1, 0, -5]}, normalise=AS_IS, transform=[{"kind": "log", "base": 10}])
    assert scores(found) == [pytest.approx(2), 0, None, None]
    assert reasons(found, "x") == [None, None, "not_positive", "not_positive"]
    shifted = of({"x": [0, 7]}, normalise=AS_IS, transform=[{"kind": "log", "base": 2, "shift": 1}])
    assert scores(shifted) == [0, pytest.approx(3)]


def test_winsorising_pulls_in_what_lies_beyond() -> None:
    # of 0, 10, 20, 30, 40 the 25th percentile is 10 and the 75th 30
    found = of(
        {"x": [0, 10, 20, 30, 40]},
        normalise=AS_IS,
        transform=[{"kind": "winsorise", "lower": 25, "upper": 75}],
    )
    assert scores(found) == [10, 10, 20, 30, 30]


def test_floor_and_cap() -> None:
    found = of(
        {"x": [-1, 5, 99, None]}, normalise=AS_IS, transform=[{"kind": "bound", "floor": 0, "cap": 18}]
    )
    assert scores(found) == [0, 5, 18, None]


def test_steps_are_done_in_their_order() -> None:
    log_then_cap = [{"kind": "log", "base": 10}, {"kind": "bound", "cap": 1.5}]
    cap_then_log = [{"kind": "bound", "cap": 1.5}, {"kind": "log", "base": 10}]
    assert scores(of({"x": [1000]}, normalise=AS_IS, transform=log_then_cap)) == [1.5]
    assert scores(of({"x": [1000]}, normalise=AS_IS, transform=cap_then_log)) == [
        pytest.approx(math.log10(1.5))
    ]


# --- imputation


def test_mean_and_median_of_the_others_are_marked() -> None:
    column = {"x": [1, 2, 9, None]}
    assert scores(of(column, normalise=AS_IS, impute={"kind": "mean"})) == [1, 2, 9, 4]
    found = of(column, normalise=AS_IS, impute={"kind": "median"})
    assert scores(found) == [1, 2, 9, 2]
    rows = [row for row in result_table(found).to_pylist() if row["node"] == "x"]
    assert [row["imputed"] for row in rows] == [None, None, None, "median"]
    assert [row["given"] for row in rows] == [1, 2, 9, None]
    assert [row["share_reported_count"] for row in rows] == [1, 1, 1, 0]


def test_the_mean_of_a_group_needs_somebody_in_it() -> None:
    found = evaluate(
        method(
            index([{"code": "x"}], normalise=AS_IS, impute={"kind": "mean", "among": "group"}),
            peer_groups={"column": "size"},
        ),
        observed(
            {"x": [10, None, 20, None, None]},
            size=["big", "big", "small", "lonely", None],
        ),
    )
    assert scores(found) == [10, 10, 20, None, None]
    assert reasons(found, "x") == [None, None, None, "no_donors", "no_donors"]


def test_a_constant_stands_in_before_the_logarithm() -> None:
    found = of(
        {"x": [1000, None]},
        normalise=AS_IS,
        transform=[{"kind": "log", "base": 10}],
        impute={"kind": "constant", "value": 100},
    )
    assert scores(found) == [pytest.approx(3), pytest.approx(2)]


def test_a_value_is_carried_as_far_as_its_limit() -> None:
    found = evaluate(
        method(index([{"code": "x"}], normalise=AS_IS, impute={"kind": "carry_forward", "limit": 2})),
        observed(
            {"x": [None, 7, None, None, None]},
            ["u"] * 5,
            ["2019-Q4", "2020-Q1", "2020-Q2", "2020-Q3", "2020-Q4"],
        ),
    )
    assert scores(found) == [None, 7, 7, 7, None]
    with pytest.raises(GorodError, match="'spring' is not a period"):
        evaluate(found.method, observed({"x": [1]}, ["u"], ["spring"]))


# --- normalisation


def test_min_max_by_the_data_and_its_edges() -> None:
    assert scores(of({"x": [5, 10, 15]})) == [0, 0.5, 1]
    assert scores(of({"x": [5, 10, 15]}, direction="down")) == [1, 0.5, 0]
    constant = of({"x": [5, 5, None]})
    assert scores(constant) == [None, None, None]
    assert reasons(constant, "x") == ["no_spread", "no_spread", "not_given"]
    assert reasons(of({"x": [5]}), "x") == ["no_spread"]
    assert reasons(of({"x": [None, None]}), "x") == ["not_given", "not_given"]


def test_goalposts_hold_or_let_through() -> None:
    posts = {"kind": "min_max", "low": 0, "high": 10}
    assert scores(of({"x": [-5, 5, 20]}, normalise=posts)) == [0, 0.5, 1]
    assert scores(of({"x": [-5, 5, 20]}, normalise={**posts, "clip": False})) == [-0.5, 0.5, 2]
    assert scores(of({"x": [5]}, normalise=posts, direction="down")) == [0.5]
    one = {"kind": "min_max", "low": 0, "lowest": 1, "highest": 101}
    assert scores(of({"x": [5, 20]}, normalise=one)) == [26, 101]


def test_goalposts_go_through_the_logarithm() -> None:
    found = of(
        {"x": [100, 1000, 10000]},
        normalise={"kind": "min_max", "low": 10, "high": 100000},
        transform=[{"kind": "log", "base": 10}],
    )
    assert scores(found) == [pytest.approx(0.25), pytest.approx(0.5), pytest.approx(0.75)]


def test_z_scores_of_a_sample_and_of_a_population() -> None:
    # 2, 4, 4, 4, 5, 5, 7, 9: mean 5, deviation of the population 2, of the sample sqrt(32 / 7)
    column = {"x": [2, 4, 4, 4, 5, 5, 7, 9]}
    whole = of(column, normalise={"kind": "z_score", "deviation": "population", "centre": 100, "spread": 10})
    assert scores(whole) == [85, 95, 95, 95, 100, 100, 110, 120]
    sample = scores(of(column, normalise={"kind": "z_score"}, direction="down"))
    assert sample[0] == pytest.approx(3 / math.sqrt(32 / 7))
    assert reasons(of({"x": [3, 3]}, normalise={"kind": "z_score"}), "x") == ["no_spread"] * 2


def test_places_as_scores() -> None:
    column = {"x": [10, 30, 20, 30]}
    assert scores(of(column, normalise={"kind": "rank"})) == [1, 3.5, 2, 3.5]
    assert scores(of(column, normalise={"kind": "rank", "ties": "min"}, direction="down")) == [4, 1, 3, 1]
    percentile = {"kind": "percentile_rank", "highest": 100}
    assert scores(of(column, normalise=percentile)) == [
        0,
        pytest.approx(250 / 3),
        pytest.approx(100 / 3),
        pytest.approx(250 / 3),
    ]
    assert reasons(of({"x": [1]}, normalise=percentile), "x") == ["no_spread"]


def test_distance_to_a_target() -> None:
    target = {"kind": "distance_to_target", "target": 50}
    assert scores(of({"x": [25, 50, 80]}, normalise=target)) == [0.5, 1, 1]
    assert scores(of({"x": [25, 50, 80]}, normalise={**target, "clip": False})) == [0.5, 1, 1.6]
    # less is better: a hundred against fifty is half way, nothing at all is reached
    assert scores(of({"x": [100, 50, 0]}, normalise=target, direction="down")) == [0.5, 1, 1]
    unclipped = of({"x": [100, 0]}, normalise={**target, "clip": False}, direction="down")
    assert reasons(unclipped, "x") == [None, "zero_divisor"]
    way = {**target, "baseline": 10}
    assert scores(of({"x": [10, 30, 5]}, normalise=way)) == [0, 0.5, 0]
    down = {**target, "target": 0, "baseline": 20}
    assert scores(of({"x": [20, 5]}, normalise=down, direction="down")) == [0, 0.75]
    assert reasons(of({"x": [1]}, normalise={"kind": "distance_to_target"}), "x") == ["no_target"]


def test_bands_begin_at_their_threshold() -> None:
    bands = {"kind": "bands", "thresholds": [10, 20], "points": [0, 5, 2]}
    assert scores(of({"x": [9.99, 10, 19.99, 20, None]}, normalise=bands)) == [0, 5, 5, 2, None]


def test_bands_of_a_benchmark() -> None:
    bands = {"kind": "benchmark_bands", "benchmark": 200}
    values = [0, 65.9, 66, 131.9, 132, 189.9, 190, 500]
    assert scores(of({"x": values}, normalise=bands)) == [1, 1, 2, 2, 3, 3, 4, 4]
    # less is better: 400 is half of the way, 200 and less have all points
    assert scores(of({"x": [700, 400, 250, 200, 0]}, normalise=bands, direction="down")) == [1, 2, 3, 4, 4]
    assert reasons(of({"x": [5]}, normalise={"kind": "benchmark_bands"}), "x") == ["no_target"]


def test_what_the_reference_is() -> None:
    given = observed({"a": [0, 10, 10, 30]}, ["u", "v", "u", "v"], ["2020", "2020", "2021", "2021"])
    only = index([{"code": "a"}])
    assert scores(evaluate(method(only), given)) == [0, 1, 0, 1]
    assert scores(evaluate(method(only, reference_set="all_periods"), given)) == pytest.approx(
        [0, 1 / 3, 1 / 3, 1]
    )
    base = method(
        index([{"code": "a", "normalise": {"kind": "min_max", "clip": False}}]),
        reference_set="base_period",
        base_period="2020",
    )
    assert scores(evaluate(base, given)) == [0, 1, 1, 3]
    missing = method(only, reference_set="base_period", base_period="2015")
    with pytest.raises(GorodError, match="base period 2015"):
        evaluate(missing, given)


def test_a_number_that_is_too_great_is_missing() -> None:
    found = of(
        {"x": [1e300, 1], "tiny": [1e-300, 1]},
        normalise=AS_IS,
        transform=[{"kind": "per", "column": "tiny"}],
    )
    assert reasons(found, "x") == ["out_of_range", None]


def test_a_score_that_overflows_is_missing_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    found = evaluate(
        method(
            index([{"code": "x", "weight": 100}, {"code": "y"}], normalise=AS_IS, aggregate="sum", scale=10)
        ),
        observed({"x": [1e308, 1], "y": [1, 1]}),
    )
    assert reasons(found) == ["out_of_range", None]
    assert not list(recwarn)


# --- aggregation


def test_parts_that_cancel_each_other_are_zero() -> None:
    found = evaluate(
        method(index([{"code": "a"}, {"code": "b"}, {"code": "c"}], normalise=AS_IS)),
        observed({"a": [0.1], "b": [0.2], "c": [-0.3]}),
    )
    assert scores(found) == [0]


PAIR = [{"code": "a", "weight": 3}, {"code": "b", "weight": 1}]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("arithmetic", (3 * 4 + 1 * 8) / 4),
        ("geometric", (4**3 * 8) ** 0.25),
        ("harmonic", 4 / (3 / 4 + 1 / 8)),
        ("sum", 20),
    ],
)
def test_means(how: str, expected: float) -> None:
    found = evaluate(method(index(PAIR, normalise=AS_IS, aggregate=how)), observed({"a": [4], "b": [8]}))
    assert scores(found) == [pytest.approx(expected)]


@pytest.mark.parametrize("how", ["geometric", "harmonic"])
def test_zero_and_negative_parts_of_a_mean(how: str) -> None:
    found = evaluate(
        method(index(PAIR, normalise=AS_IS, aggregate=how)), observed({"a": [0, -1, 4], "b": [8, 8, 8]})
    )
    assert scores(found)[:2] == [0, None]
    assert reasons(found) == [None, "negative_part", None]


def test_missing_parts_are_left_out_or_propagate_or_are_too_many() -> None:
    given = observed({"a": [4, None, None], "b": [8, 8, None]})

    def found(**missing: Any) -> Any:
        return evaluate(method(index(PAIR, normalise=AS_IS, missing=missing)), given)

    excluded = found(rule="exclude")
    assert scores(excluded) == [5, 8, None]
    rows = [row for row in result_table(excluded).to_pylist() if row["node"] == "b"]
    assert [row["weight_effective"] for row in rows] == [0.25, 1, 0]
    assert [row["weight"] for row in rows] == [1, 1, 1]
    assert reasons(excluded) == [None, None, "nothing_reported"]
    assert reasons(found(rule="propagate")) == [None, "part_missing", "nothing_reported"]
    # a quarter of the weight, but a half of the leaves
    assert reasons(found(rule="exclude", minimum_share=0.5))[1] == "too_little_reported"
    assert scores(found(rule="exclude", minimum_share=0.5, counted="count"))[1] == 8


def test_a_sum_with_a_missing_part_is_raised_to_the_whole() -> None:
    found = evaluate(
        method(index(PAIR, normalise=AS_IS, aggregate="sum")), observed({"a": [4, None], "b": [8, 8]})
    )
    assert scores(found) == [20, 32]


def test_a_weight_of_zero_counts_nowhere() -> None:
    found = evaluate(
        method(index([{"code": "a", "weight": 0}, {"code": "b"}], normalise=AS_IS)),
        observed({"a": [4, 4], "b": [8, None]}),
    )
    assert scores(found) == [8, None]


def test_imputed_values_count_in_the_score_and_not_as_reported() -> None:
    found = evaluate(
        method(
            index([{"code": "a"}, {"code": "b"}], normalise=AS_IS, impute={"kind": "constant", "value": 0})
        ),
        observed({"a": [4], "b": [None]}),
    )
    row = result_table(found).to_pylist()[0]
    assert (row["node"], row["score"], row["share_reported_weight"]) == ("index", 2, 0.5)


def test_levels_and_settings_of_an_uneven_tree() -> None:
    found = evaluate(
        method(
            index(
                [
                    {
                        "code": "deep",
                        "aggregate": "geometric",
                        "nodes": [{"code": "a"}, {"code": "b"}],
                        "scale": 100,
                    },
                    {"code": "c"},
                ],
                normalise=AS_IS,
            )
        ),
        observed({"a": [4], "b": [9], "c": [100]}),
    )
    rows = {row["node"]: row for row in result_table(found).to_pylist()}
    assert {code: row["level"] for code, row in rows.items()} == {
        "index": 2,
        "deep": 1,
        "a": 0,
        "b": 0,
        "c": 0,
    }
    assert rows["deep"]["score"] == pytest.approx(600)
    assert rows["index"]["score"] == pytest.approx(350)
    assert [row["parent"] for row in rows.values()] == [None, "index", "deep", "deep", "index"]


# --- places


def test_places_by_order_rounding_and_group() -> None:
    column = {"x": [0.9521, 0.9519, 0.80, 0.99]}
    only = index([{"code": "x"}], normalise=AS_IS)
    assert ranks(evaluate(method(only), observed(column))) == [2, 3, 4, 1]
    assert ranks(evaluate(method(only, ranks={"decimals": 3}), observed(column))) == [2, 2, 4, 1]
    assert ranks(evaluate(method(only, ranks={"order": "ascending"}), observed(column))) == [3, 2, 1, 4]
    sized = evaluate(
        method(only, peer_groups={"column": "people", "bounds": [50, 250]}),
        observed({**column, "people": [10, 50, 250, None]}),
    )
    rows = [row for row in result_table(sized).to_pylist() if row["node"] == "index"]
    assert [row["peer_group"] for row in rows] == ["< 50", "50 – 250", "≥ 250", None]
    assert [row["rank_in_group"] for row in rows] == [1, 1, 1, None]
    assert [row["rank"] for row in rows] == [2, 3, 4, 1]


def test_scores_that_differ_by_rounding_alone_are_equal() -> None:
    found = evaluate(
        method(index([{"code": "a"}, {"code": "b"}, {"code": "c"}], normalise=AS_IS, aggregate="sum")),
        observed({"a": [0.1, 0.3], "b": [0.2, 0.2], "c": [0.3, 0.1]}),
    )
    assert scores(found)[0] != scores(found)[1]
    assert ranks(found) == [1, 1]


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (0.9665, 3, 0.967),
        (2.5, 0, 3.0),
        (-2.5, 0, -3.0),
        (0.285, 2, 0.29),
        (1.005, 2, 1.01),
        (0.0004, 3, 0.0),
    ],
)
def test_halves_are_rounded_away_from_zero(value: float, decimals: int, shown: float) -> None:
    assert rounded(np.array([value]), decimals).tolist() == [shown]


def test_why_a_node_has_no_score_is_what_its_parts_have_in_common() -> None:
    pair = [{"code": "a"}, {"code": "b", "transform": [{"kind": "log"}]}]

    def root(a: list[float | None], b: list[float | None]) -> list[str | None]:
        return reasons(evaluate(method(index(pair)), observed({"a": a, "b": b})))

    assert root([5, 5], [None, None]) == ["no_spread", "no_spread"]
    assert root([5, 5], [7, 7]) == ["no_spread", "no_spread"]
    assert root([5, 5], [7, -1]) == ["no_spread", "not_scored"]
    assert root([5, None], [None, None]) == ["no_spread", "nothing_reported"]
