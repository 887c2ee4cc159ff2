"""What must hold of any index, whatever the figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.indices.evaluate import evaluate
from pipelines.indices.observations import Observations
from pipelines.indices.rank import places
from pipelines.indices.sensitivity import sensitivity
from pipelines.indices.tables import range_table, result_table
from tests.indices.small import method, observed, ranks, scores

# whole numbers: two figures are equal or clearly apart, in any unit
whole = st.integers(-1000, 1000).map(float)
maybe = st.one_of(st.none(), whole)
positive = st.floats(0.01, 1000)
weight = st.floats(0.01, 100)

MIN_MAX = {"kind": "min_max"}
Z_SCORE = {"kind": "z_score"}
RANK = {"kind": "rank"}
PERCENTILE = {"kind": "percentile_rank"}


def table(cells: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[dict[str, list[Any]]]:
    """Columns a, b, c of the same length."""
    return st.integers(least, 7).flatmap(
        lambda size: st.fixed_dictionaries(
            {name: st.lists(cells, min_size=size, max_size=size) for name in "abc"}
        )
    )


def tree(weights: tuple[float, float, float] = (1, 1, 1), **root: Any) -> dict[str, Any]:
    a, b, c = weights
    return {
        "code": "index",
        "nodes": [
            {"code": "ab", "weight": 2, "nodes": [{"code": "a", "weight": a}, {"code": "b", "weight": b}]},
            {"code": "c", "weight": c},
        ],
        **root,
    }


METHODS = [
    tree(),
    tree(normalise=Z_SCORE),
    tree(normalise=PERCENTILE, aggregate="geometric"),
    tree(normalise={"kind": "min_max", "low": -100, "high": 100}, aggregate="harmonic", direction="down"),
    tree(transform=[{"kind": "log"}], impute={"kind": "mean"}),
    tree(transform=[{"kind": "winsorise", "lower": 10, "upper": 90}], impute={"kind": "median"}),
    tree(transform=[{"kind": "per", "column": "c", "scale": 1000}], missing={"rule": "propagate"}),
    tree(normalise={"kind": "distance_to_target", "target": 50, "clip": False}, aggregate="sum"),
    tree(normalise={"kind": "distance_to_target", "target": 50}, direction="down"),
    tree(normalise={"kind": "benchmark_bands", "benchmark": 10}, aggregate="points_share", scale=100),
    tree(normalise={"kind": "none"}, aggregate="geometric", missing={"rule": "exclude", "minimum_share": 0.6}),
    tree(impute={"kind": "constant", "value": 5}, normalise=RANK),
]  # fmt: skip


@pytest.mark.parametrize("index", METHODS)
@given(columns=table(maybe), seed=st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(index: dict[str, Any], columns: dict[str, Any], seed: Any) -> None:
    size = len(columns["a"])
    order = list(range(size))
    seed.shuffle(order)
    names = [f"u{number}" for number in range(size)]
    straight = evaluate(method(index), observed(columns, names))
    mixed = {name: [column[row] for row in order] for name, column in columns.items()}
    shuffled = evaluate(method(index), observed(mixed, [names[row] for row in order]))
    assert result_table(straight).equals(result_table(shuffled))


@pytest.mark.parametrize("index", METHODS)
@given(columns=table(st.one_of(maybe, st.floats(-1e300, 1e300), st.just(0.0))))
def test_the_output_is_a_number_or_has_a_reason(index: dict[str, Any], columns: dict[str, Any]) -> None:
    rows = result_table(evaluate(method(index), observed(columns))).to_pylist()
    for row in rows:
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
        assert (row["score"] is None) == (row["reason"] is not None)
        assert (row["score"] is None) == (row["rank"] is None)
        assert 0 <= row["share_reported_weight"] <= 1 + 1e-12
        assert 0 <= row["share_reported_count"] <= 1 + 1e-12


@pytest.mark.parametrize("index", METHODS)
@given(columns=table(maybe))
def test_weights_of_what_counted_sum_to_one(index: dict[str, Any], columns: dict[str, Any]) -> None:
    evaluation = evaluate(method(index), observed(columns))
    for branch in evaluation.tree.branches:
        scored = evaluation.scored[branch.code]
        total = sum(scored.effective.values())
        declared = sum(evaluation.tree.nodes[code].weight for code in branch.parts)
        whole = declared if branch.aggregate == "sum" else 1.0
        is_there = ~np.isnan(scored.score)
        assert np.allclose(np.where(is_there, total, whole), whole)
        for code, effective in scored.effective.items():
            assert not effective[np.isnan(evaluation.scored[code].score)].any()


@pytest.mark.parametrize("normalise", [MIN_MAX, Z_SCORE, RANK, PERCENTILE])
@example(columns={"a": [0.0, 1.0], "b": [0.0, -1.0], "c": [None, None]}, factor=0.001, shift=0)
@example(columns={"a": [-1.0, 0.0, 1.0], "b": [1.0, 0.0, -1.0], "c": [None] * 3}, factor=0.1, shift=2)
@given(
    columns=table(maybe, least=2),
    factor=st.sampled_from([0.001, 0.1, 3.0, 60.0, 1000.0]),
    shift=st.integers(-10, 10),
)
def test_another_unit_of_measure_changes_nothing(
    normalise: dict[str, Any], columns: dict[str, Any], factor: float, shift: int
) -> None:
    before = evaluate(method(tree(normalise=normalise)), observed(columns))
    other = {**columns, "a": [None if v is None else (v + shift) * factor for v in columns["a"]]}
    after = evaluate(method(tree(normalise=normalise)), observed(other))
    assert ranks(before) == ranks(after)
    assert np.allclose(
        before.scored["index"].score, after.scored["index"].score, rtol=1e-9, atol=1e-9, equal_nan=True
    )


@pytest.mark.parametrize(
    "normalise",
    [
        MIN_MAX,
        {"kind": "min_max", "low": -500, "high": 500},
        Z_SCORE,
        RANK,
        PERCENTILE,
        {"kind": "distance_to_target", "target": 400},
        {"kind": "distance_to_target", "target": 400, "baseline": -400, "clip": False},
        {"kind": "benchmark_bands", "benchmark": 300},
    ],
    ids=lambda rule: "-".join(map(str, rule.values())),
)
@pytest.mark.parametrize("direction", ["up", "down"])
@given(columns=table(whole, least=2), more=st.integers(0, 500))
def test_a_better_figure_never_makes_a_worse_score(
    normalise: dict[str, Any], direction: str, columns: dict[str, Any], more: int
) -> None:
    """Of the indicator itself, and of the index that it is in."""
    if normalise.get("baseline") is not None and direction == "down":
        normalise = {
            **normalise,
            "target": -400,
            "baseline": 400,
        }  # the way to the target says where better is
    index = {
        "code": "index",
        "normalise": normalise,
        "direction": direction,
        "nodes": [{"code": n} for n in "abc"],
    }
    before = evaluate(method(index), observed(columns))
    better = columns["a"][0] + (more if direction == "up" else -more)
    after = evaluate(method(index), observed({**columns, "a": [better, *columns["a"][1:]]}))
    for node in ("a", "index"):
        one, other = scores(before, node)[0], scores(after, node)[0]
        # a leaf that has no spread, or nothing to divide by, is left out of the one and not of the other
        if one is not None and other is not None and (node == "a" or scores(before, "a")[0] is not None):
            assert other >= one - 1e-9


@given(columns=table(whole, least=2), low=st.floats(-500, 0), high=st.floats(1, 500))
def test_normalised_values_stay_within_their_bounds(columns: dict[str, Any], low: float, high: float) -> None:
    rules = {
        "a": {"kind": "min_max", "low": low, "high": high, "lowest": 1, "highest": 7},
        "b": {"kind": "percentile_rank", "lowest": 0, "highest": 100},
        "c": {"kind": "distance_to_target", "target": high, "highest": 2},
    }
    bounds = {"a": (1, 7), "b": (0, 100), "c": (0, 2)}
    index = {"code": "index", "nodes": [{"code": code, "normalise": rule} for code, rule in rules.items()]}
    evaluation = evaluate(method(index), observed(columns))
    for code, (least, greatest) in bounds.items():
        for value in scores(evaluation, code):
            assert value is None or least <= value <= greatest


@given(columns=table(positive), weights=st.tuples(weight, weight, weight))
def test_harmonic_geometric_arithmetic(columns: dict[str, Any], weights: tuple[float, float, float]) -> None:
    found = {
        how: scores(
            evaluate(method(tree(weights, normalise={"kind": "none"}, aggregate=how)), observed(columns))
        )
        for how in ("harmonic", "geometric", "arithmetic")
    }
    for harmonic, geometric, arithmetic in zip(*found.values(), strict=True):
        assert harmonic is not None
        assert geometric is not None
        assert arithmetic is not None
        assert harmonic <= geometric * (1 + 1e-9)
        assert geometric <= arithmetic * (1 + 1e-9)


@pytest.mark.parametrize("how", ["arithmetic", "geometric", "harmonic", "points_share"])
@given(columns=table(maybe), weights=st.tuples(weight, weight, weight), factor=st.floats(0.001, 1000))
def test_only_proportions_of_weights_matter(
    how: str, columns: dict[str, Any], weights: tuple[float, float, float], factor: float
) -> None:
    def with_weights(a: float, b: float) -> list[float | None]:
        index = {
            "code": "index",
            "aggregate": how,
            "normalise": {"kind": "min_max", "low": -1000, "high": 1000},
            "nodes": [{"code": "a", "weight": a}, {"code": "b", "weight": b}],
        }
        return scores(evaluate(method(index), observed(columns)))

    a, b, _ = weights
    for one, other in zip(with_weights(a, b), with_weights(a * factor, b * factor), strict=True):
        assert (one is None) == (other is None)
        assert one is None or one == pytest.approx(other, rel=1e-9, abs=1e-12)


@given(values=st.lists(st.one_of(st.none(), st.integers(0, 5).map(float)), min_size=1, max_size=12))
def test_places_are_what_their_rule_says(values: list[float | None]) -> None:
    given_ = np.array([math.nan if v is None else v for v in values])
    found = {ties: places(given_, ties) for ties in ("min", "max", "average", "dense", "first")}
    known = [v for v in values if v is not None]
    for row, value in enumerate(values):
        if value is None:
            assert all(np.isnan(place[row]) for place in found.values())
            continue
        better = sum(other > value for other in known)
        equal = known.count(value)
        assert found["min"][row] == better + 1
        assert found["max"][row] == better + equal
        assert found["average"][row] == better + (equal + 1) / 2
        assert found["dense"][row] == len({other for other in known if other > value}) + 1
        before = sum(other == value for other in values[:row])
        assert found["first"][row] == better + before + 1


@given(columns=table(maybe, least=2), seed=st.integers(0, 5), draws=st.integers(1, 30))
def test_sensitivity_is_seeded_and_holds_the_method_itself(
    columns: dict[str, Any], seed: int, draws: int
) -> None:
    varied = method(
        tree(),
        sensitivity={
            "seed": seed,
            "draws": draws,
            "weight_spread": 0.5,
            "normalisations": [PERCENTILE, {"kind": "z_score", "centre": 5}],
            "aggregations": ["geometric"],
        },
    )
    evaluation = evaluate(varied, observed(columns))
    once, again = sensitivity(evaluation), sensitivity(evaluation)
    assert range_table(evaluation, once).equals(range_table(evaluation, again))
    for row in range_table(evaluation, once).to_pylist():
        if row["rank"] is not None:
            assert row["rank_min"] <= row["rank"] <= row["rank_max"]
            assert (
                row["rank_min"] <= row["rank_p05"] <= row["rank_median"] <= row["rank_p95"] <= row["rank_max"]
            )
            assert 0 < row["share_same_rank"] <= 1
            assert 1 <= row["scenarios"] <= draws + 1


def test_another_seed_is_another_answer_and_no_spread_is_none() -> None:
    columns = {"a": [1.0, 2, 3, 4, 5], "b": [5.0, 4, 3, 2, 2], "c": [2.0, 5, 1, 3, 4]}

    def ranges(**settings: Any) -> Any:
        evaluation = evaluate(method(tree(), sensitivity={"draws": 200, **settings}), observed(columns))
        return range_table(evaluation, sensitivity(evaluation))

    assert not ranges(seed=1, weight_spread=0.9).equals(ranges(seed=2, weight_spread=0.9))
    still = ranges(seed=1, weight_spread=0).to_pylist()
    assert [(row["rank_min"], row["rank_max"]) for row in still] == [(row["rank"],) * 2 for row in still]


@given(columns=table(whole, least=2), cut=st.integers(1, 6))
def test_a_period_by_itself_does_not_see_the_others(columns: dict[str, Any], cut: int) -> None:
    size = len(columns["a"])
    units, periods = [f"u{n}" for n in range(size)], ["2020" if n < cut else "2021" for n in range(size)]
    both = evaluate(method(tree()), observed(columns, units, periods))
    first = {name: column[:cut] for name, column in columns.items()}
    alone = evaluate(method(tree()), observed(first, units[:cut], periods[:cut]))
    assert scores(both)[: len(units[:cut])] == scores(alone)


def test_rows_of_one_unit_and_period_are_refused() -> None:
    from pipelines.errors import GorodError

    with pytest.raises(GorodError, match="unit 'u' has two rows of 2020"):
        Observations.of(["u", "u"], ["2020", "2020"], {"a": [1.0, 2.0]})
