"""Published indices, made again from the figures that are published beside them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.declarations.method_leaves import BenchmarkBands
from pipelines.declarations.methods import IndexMethod, load_methods
from pipelines.indices.evaluate import evaluate
from pipelines.indices.resolve import resolve
from pipelines.indices.structure import StructureRow, with_structure
from pipelines.indices.tables import result_table
from tests.indices.small import method, observed, ranks, scores

# UNDP, Human Development Reports, technical note 1: goalposts and means since 2014
HDI: dict[str, Any] = {
    "code": "hdi",
    "aggregate": "geometric",
    "nodes": [
        {"code": "life_expectancy", "normalise": {"kind": "min_max", "low": 20, "high": 85}},
        {
            "code": "education",
            "aggregate": "arithmetic",
            "nodes": [
                {"code": "expected_schooling", "normalise": {"kind": "min_max", "low": 0, "high": 18}},
                {"code": "mean_schooling", "normalise": {"kind": "min_max", "low": 0, "high": 15}},
            ],
        },
        {
            "code": "gni_per_capita",
            "transform": [{"kind": "log"}],
            "normalise": {"kind": "min_max", "low": 100, "high": 75000},
        },
    ],
}

# Human Development Report 2015, statistical annex, table 1 (figures of 2014): life expectancy, expected and mean years of
# schooling, GNI per head; index and place as published
HDI_2014 = {
    "Norway": (81.6, 17.5, 12.6, 64992, 0.944, 1),
    "Australia": (82.4, 20.2, 13.0, 42261, 0.935, 2),
    "Switzerland": (83.0, 15.8, 12.8, 56431, 0.930, 3),
    "Denmark": (80.2, 18.7, 12.7, 44025, 0.923, 4),
    "Netherlands": (81.6, 17.9, 11.9, 45435, 0.922, 5),
    "Germany": (80.9, 16.5, 13.1, 43919, 0.916, 6),
    "Singapore": (83.0, 15.4, 10.6, 76628, 0.912, 11),
    "Liechtenstein": (80.0, 15.0, 11.8, 79851, 0.908, 13),
    "Iceland": (82.6, 19.0, 10.6, 35182, 0.899, 16),
    "Luxembourg": (81.7, 13.9, 11.7, 58711, 0.892, 19),
    "Finland": (80.8, 17.1, 10.3, 38695, 0.883, 24),
}

# Human Development Report 2023/24, table 1 (figures of 2022)
HDI_2022 = {
    "Norway": (83.4, 18.6, 13.1, 69190, 0.966, 2),
    "Switzerland": (84.3, 16.6, 13.9, 69433, 0.967, 1),
}
COLUMNS = ("life_expectancy", "expected_schooling", "mean_schooling", "gni_per_capita")


@pytest.mark.parametrize("published", [HDI_2014, HDI_2022], ids=["2014", "2022"])
def test_human_development_index(published: dict[str, tuple[float, ...]]) -> None:
    columns = {name: [row[place] for row in published.values()] for place, name in enumerate(COLUMNS)}
    found = evaluate(method(HDI), observed(columns, list(published)))
    units = found.observations.units
    # the figures are published with one decimal place, the index is made of longer ones
    assert scores(found) == pytest.approx([published[unit][4] for unit in units], abs=0.0011)
    in_order = sorted(units, key=lambda unit: published[unit][5])
    assert [
        units[place] for place in sorted(range(len(units)), key=lambda p: ranks(found)[p] or 0)
    ] == in_order


def test_human_development_index_example_of_the_technical_note() -> None:
    """UNDP, technical notes of 2020: GNI of 3,829 gives 0.5506; with 0.6971 and 0.3447 the index is 0.510."""
    income = HDI["nodes"][2]
    given = {"health": [0.6971], "education": [0.3447], "gni_per_capita": [3829]}
    as_is = {"kind": "none"}
    parts = [{"code": "health", "normalise": as_is}, {"code": "education", "normalise": as_is}, income]
    found = evaluate(method({"code": "hdi", "aggregate": "geometric", "nodes": parts}), observed(given))
    assert scores(found, "gni_per_capita") == pytest.approx([0.5506], abs=5e-5)
    assert scores(found) == pytest.approx([0.510], abs=5e-4)


@pytest.mark.parametrize(
    ("osi", "tii", "hci", "egdi"),
    [
        # UN E-Government Survey 2016, as told by BelTA and Kazinform, 1 August 2016
        (0.4855, 0.6304, 0.8716, 0.6625),
        # UN E-Government Survey 2018, as told by BelTA, 25 July 2018
        (0.7361, 0.6881, 0.8681, 0.7641),
        # UN E-Government Survey 2024, as told by myfin.by, 2024
        (0.57598, 0.91561, 0.74188, 0.7445),
    ],
    ids=["2016", "2018", "2024"],
)
def test_e_government_development_index_of_belarus(osi: float, tii: float, hci: float, egdi: float) -> None:
    """UN DESA, E-Government Survey, annex A.1: the mean of online services, telecommunications, human capital."""
    index = {
        "code": "egdi",
        "normalise": {"kind": "none"},
        "nodes": [{"code": "osi"}, {"code": "tii"}, {"code": "hci"}],
    }
    found = evaluate(method(index), observed({"osi": [osi], "tii": [tii], "hci": [hci]}))
    assert scores(found) == pytest.approx([egdi], abs=5.1e-5)


def test_ict_development_index_normalisation_of_korea() -> None:
    """ITU, Measuring the Information Society 2011, annex box 1.2: figures of 2010, ideal and normalised values."""
    # the ideal value of bandwidth is told as the logarithm 5.45, rounded from that of 280,377
    stated = {
        "fixed_telephone": (59.2, 60, 0.99),
        "mobile": (105.4, 170, 0.62),
        "bandwidth": (11878.4, 280377, 0.75),
        "computer": (82, 100, 0.82),
        "internet_at_home": (97, 100, 0.97),
        "internet_users": (84, 100, 0.84),
        "fixed_broadband": (36.6, 60, 0.61),
        "mobile_broadband": (91.0, 100, 0.91),
        "literacy": (97.9, 100, 0.98),
        "secondary": (102.0, 100, 1.00),
        "tertiary": (99.0, 100, 0.99),
    }
    leaves = [
        {
            "code": code,
            "normalise": {"kind": "distance_to_target", "target": ideal},
            "transform": [{"kind": "log", "base": 10}] if code == "bandwidth" else [],
        }
        for code, (_, ideal, _) in stated.items()
    ]
    found = evaluate(
        method({"code": "idi", "nodes": leaves}),
        observed({code: [value] for code, (value, _, _) in stated.items()}),
    )
    for code, (_, _, normalised) in stated.items():
        assert round(scores(found, code)[0] or 0, 2) == normalised, code


def scored_city(values: dict[str, float | None]) -> dict[str, dict[str, Any]]:
    """A city by the shipped method, with an invented benchmark of 100 for the KPIs that have a value."""
    rows = [StructureRow("benchmarks", code, None, {}, {"target": 100}) for code in values]
    scoring: IndexMethod = with_structure(load_methods()["u4ssc_scoring"], rows, whole=False)
    found = evaluate(scoring, observed({code: [value] for code, value in values.items()}))
    return {row["node"]: row for row in result_table(found).to_pylist()}


def test_u4ssc_worked_examples() -> None:
    """U4SSC city reports of ITU (Pully 2020, p. 12): points 1, 3, 4, 1 are 9/16; 3, 4, 2 of four KPIs 9/12."""
    four = scored_city(
        {"EC: ICT: ICT: 1C": 20, "EC: ICT: ICT: 2C": 70, "EC: ICT: ICT: 3C": 99, "EC: ICT: ICT: 4C": 5}
    )
    assert [four[f"EC: ICT: ICT: {n}C"]["score"] for n in (1, 2, 3, 4)] == [1, 3, 4, 1]
    assert four["EC: ICT: ICT"]["score"] == pytest.approx(56.25)
    three = scored_city(
        {"EC: ICT: ICT: 1C": 94.9, "EC: ICT: ICT: 2C": 95, "EC: ICT: ICT: 3C": 65, "EC: ICT: ICT: 4C": None}
    )
    assert three["EC: ICT: ICT"]["score"] == pytest.approx(75)
    assert three["EC: ICT: ICT: 4C"]["reason"] == "not_given"


def test_u4ssc_sections_are_pooled_and_not_means_of_means() -> None:
    # two KPIs with 4 points in one category, one with 1 point in another: 9 of 12, not the mean of 100 and 25 per cent
    city = scored_city({"EC: ICT: ICT: 1C": 100, "EC: ICT: ICT: 2C": 100, "EC: ICT: WS: 1C": 0})
    assert city["EC: ICT: WS"]["score"] == pytest.approx(25)
    for section in ("EC: ICT", "EC", "U4SSC"):
        assert city[section]["score"] == pytest.approx(75)
    assert city["EN"]["reason"] == "nothing_reported"


def test_no_benchmark_of_u4ssc_is_invented() -> None:
    found = evaluate(load_methods()["u4ssc_scoring"], observed({"EC: ICT: ICT: 1C": [97.0]}))
    rows = {row["node"]: row for row in result_table(found).to_pylist()}
    assert rows["EC: ICT: ICT: 1C"]["reason"] == "no_target"
    assert rows["U4SSC"]["score"] is None
    rules = [leaf.normalise for leaf in resolve(load_methods()["u4ssc_scoring"]).leaves]
    assert {rule.benchmark for rule in rules if isinstance(rule, BenchmarkBands)} == {None}
    assert all(isinstance(rule, BenchmarkBands) for rule in rules)
