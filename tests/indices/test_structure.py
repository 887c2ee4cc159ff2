"""A tree that is told apart from the method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.declarations.method_leaves import DistanceToTarget
from pipelines.errors import DeclarationError
from pipelines.indices.evaluate import evaluate
from pipelines.indices.read_structure import read_structure
from pipelines.indices.resolve import resolve
from pipelines.indices.structure import with_structure
from pipelines.indices.tree import Branch, Leaf, Tree
from tests.indices.small import method, observed, scores


def structured(
    text: str, folder: Path, name: str = "tree.csv", root: Mapping[str, Any] | None = None
) -> Tree:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return resolve(with_structure(method({"code": "root", **(root or {})}), *read_structure(path)))


# names of columns and kinds of rows as in COINr's iMeta; the index itself is invented
IMETA = """\
Level,iCode,iName,Direction,Weight,Target,Parent,Type
1,Speed,Speed of lines,1,2,100,Net,Indicator
1,Price,Price of a month,-1,1,5,Net,Indicator
1,Users,Users,1,1,90,Use,Indicator
2,Net,The net,1,1,NA,Index,Aggregate
2,Use,Its use,1,0.5,NA,Index,Aggregate
3,Index,All,1,1,NA,NA,Aggregate
NA,People,Inhabitants,NA,NA,NA,NA,Denominator
NA,Size,Size of town,NA,NA,NA,NA,Group
"""


def test_columns_of_tools_for_composite_indicators_are_understood(tmp_path: Path) -> None:
    tree = structured(IMETA, tmp_path)
    assert [leaf.code for leaf in tree.leaves] == ["Speed", "Price", "Users"]
    assert [leaf.direction for leaf in tree.leaves] == ["up", "down", "up"]
    # a target says nothing to min-max; to the distance from a target it does
    to_target = structured(IMETA, tmp_path, root={"normalise": {"kind": "distance_to_target"}})
    rules = [leaf.normalise for leaf in to_target.leaves]
    assert [rule.target for rule in rules if isinstance(rule, DistanceToTarget)] == [100, 5, 90]
    assert tree.root.code == "Index"
    assert {node.code: (node.weight, node.level, node.parent) for node in tree.branches} == {
        "Net": (1, 1, "Index"),
        "Use": (0.5, 1, "Index"),
        "Index": (1, 2, None),
    }


def test_yaml_semicolons_and_decimal_commas_say_the_same(tmp_path: Path) -> None:
    csv = structured("code,parent,weight,direction\nall,,,\na,all,0.25,down\nb,all,0.75,up\n", tmp_path)
    semicolon = structured("code;parent;weight;direction\nall;;;\na;all;0,25;-1\nb;all;0,75;1\n", tmp_path)
    nodes = "- {code: all}\n- {code: a, parent: all, weight: 0.25, direction: down}\n- {code: b, parent: all, weight: 0.75}\n"
    assert csv == semicolon == structured(nodes, tmp_path, "tree.yml")


def test_goalposts_targets_and_aggregation_may_stand_in_a_structure(tmp_path: Path) -> None:
    path = tmp_path / "tree.csv"
    path.write_text(
        "code,parent,low,high,aggregate,indicator\nall,,,,geometric,\na,all,0,10,,first\nb,all,,,,second\n",
        encoding="utf-8",
    )
    changed = with_structure(method({"code": "root"}), *read_structure(path))
    found = evaluate(changed, observed({"first": [2.5, 40], "second": [1, 4]}))
    assert scores(found, "a") == [0.25, 1]
    assert isinstance(found.tree.root, Branch)
    assert found.tree.root.aggregate == "geometric"


def test_what_the_method_says_of_a_node_still_holds(tmp_path: Path) -> None:
    said = {
        "code": "root",
        "scale": 100,
        "nodes": [{"code": "a", "transform": [{"kind": "log"}], "weight": 9}],
    }
    path = tmp_path / "tree.csv"
    path.write_text("code,parent,weight\nindex,,\na,index,3\nb,index,1\n", encoding="utf-8")
    tree = resolve(with_structure(method(said), *read_structure(path)))
    a = tree.nodes["a"]
    assert isinstance(a, Leaf)
    assert (a.weight, len(a.transform), tree.root.scale, tree.root.code) == (3, 1, 100, "index")


def test_without_parents_it_changes_nodes_of_the_method(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("code,weight\nb,3\n", encoding="utf-8")
    tree = resolve(with_structure(method(), *read_structure(path)))
    assert {leaf.code: leaf.weight for leaf in tree.leaves} == {"a": 1, "b": 3}
    path.write_text("code,weight\nbb,3\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"weights.csv: row 2: the method small has no node 'bb'"):
        with_structure(method(), *read_structure(path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("parent,weight\nx,1\n", "row 1: a column code is needed"),
        ("code,parent\nall,\na,all\na,all\n", "row 4: code 'a' is used twice"),
        ("code,parent\nall,\na,al\n", "row 3: parent 'al' of 'a' is not in the structure"),
        ("code,parent\nall,\nother,\n", "row 3: 'other' has no parent, and neither has 'all'"),
        ("code,parent\nall,\na,b\nb,a\n", "row 3: a, b form a cycle"),
        ("code,parent\na,b\nb,a\n", "row 2: a, b form a cycle"),
        ("code,parent,weight\nall,,\na,all,heavy\n", "row 3, column weight: 'heavy' is not a number"),
        ("code,parent,weight\nall,,\na,all,-2\n", "row 3: weight"),
        (
            "code,parent,direction\nall,,\na,all,sideways\n",
            "row 3, column direction: 'sideways' is not a direction",
        ),
        # a spreadsheet has made a dash of the minus: taken for nothing, it would turn the index round
        ("code,parent,direction\nall,,\na,all,–\n", "row 3, column direction: '–' is not a direction"),
        ("code,parent,aggregate\nall,,magic\na,all,\n", "row 2: aggregate"),
        ("code,parent\nall,all\n", "row 2: all form a cycle"),
        ("code,parent,low,high\nall,,,\na,all,3,2\n", "row 3: normalise.low: must be below high"),
        ("code,parent,weight\nall,,\na,all,0\n", "row 2: nodes: at least one needs a weight above zero"),
        ("code,parent\n", "row 1: there are no nodes"),
        ("code,parent\n,all\n", "row 2, column code: is empty"),
        ("", "is empty"),
        (
            "code,parent,wieght\nall,,\na,all,2\n",
            "row 1: column 'wieght' is unknown; did you mean 'weight'?",
        ),
        ("code,parent,importance\nall,,\na,all,2\n", "row 1: column 'importance' is unknown"),
        ("code,parent,\nall,,1\na,all,2\n", "row 1: column 3, which has no name, is unknown"),
        (
            "code,parent,wеight\nall,,\na,all,2\n",
            "character 2 is CYRILLIC SMALL LETTER IE, not LATIN SMALL LETTER E",
        ),
        (
            "code,parent,target,benchmark\nall,,,\na,all,1,2\n",
            "columns 'target' and 'benchmark' have the same meaning",
        ),
        (
            "code,parent,weight,weight\nall,,,\na,all,1,2\n",
            "columns 'weight' and 'weight' have the same meaning",
        ),
        (
            "code,parent,type\nall,,Aggregate\na,all,Indikator\n",
            "row 3, column type: 'indikator' is not a type of a row",
        ),
        (
            "code,parent,denominator\nall,,people\na,all,\n",
            "row 2: 'all' has a denominator and nodes below it",
        ),
        ("code,parent,weight\nall,,\na,all,1 2\n", "row 3, column weight: '1 2' is not a number"),
        ("code,parent\nall,\na,аll\n", "character 1 is CYRILLIC SMALL LETTER A, not LATIN SMALL LETTER A"),
        ("code,parent\nall,\n", "row 2: 'all' is the index and the only node"),
        ('code,parent\nall,\n"a,all\n', "row 3: cannot be read: a quote is opened and never closed"),
    ],
)
def test_a_wrong_structure_is_told_with_its_row(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DeclarationError) as error:
        structured(text, tmp_path)
    assert told in error.value.message
    assert error.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "parent: all\n",
            "parent: al\n",
            "3: parent 'al' of 'a' is not in the structure; did you mean 'all'?",
        ),
        ("weight: 2", "weight: heavy", "6: weight: 'heavy' is not a number"),
        ("weight: 2", "weight: -2", "3: weight: Input should be greater than or equal to 0"),
        ("direction: down", "direction: sideways", "7: direction: 'sideways' is not a direction"),
        ("  weight: 2", "  code: b", "6: code: is a duplicate; first in line 3"),
        ("code: a\n", "code:\n", "3: code: is empty"),
        ("code: a\n", "code: no\n", "3: code: 'False' is not a name (bool)"),
        ("weight: 2", "wieght: 2", "6: wieght: column 'wieght' is unknown; did you mean 'weight'?"),
        ("weight: 2", f"weight: {'9' * 400}", "6: weight: '999"),
        ("code: a\n", "code: all\n", "3: code 'all' is used twice"),
    ],
)
def test_a_wrong_structure_in_yaml_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = (
        "# a tree\n- code: all\n- code: a\n  # of the index\n  parent: all\n  weight: 2\n  direction: down\n"
    )
    structured(text, tmp_path, "tree.yml")
    assert text.count(old) == 1
    with pytest.raises(DeclarationError) as error:
        structured(text.replace(old, new), tmp_path, "tree.yml")
    assert error.value.message.startswith(f"{tmp_path / 'tree.yml'}:{told}")


def test_settings_that_do_not_suit_a_node_are_told_by_their_row(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("code,weight\nb,0\na,0\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"weights.csv: row 2: nodes: at least one needs a weight"):
        with_structure(method(), *read_structure(path))


def test_a_structure_that_is_no_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="is not a list of nodes"):
        structured("code: all", tmp_path, "tree.yml")


DIVIDED = """\
iCode,Parent,Denominator,Type
all,NA,NA,Aggregate
a,all,people,Indicator
b,all,NA,Indicator
people,NA,NA,Denominator
"""


@pytest.mark.parametrize("whole", [True, False])
def test_an_indicator_is_divided_by_its_denominator(tmp_path: Path, whole: bool) -> None:
    path = tmp_path / "tree.csv"
    path.write_text(DIVIDED if whole else "code,denominator\na,people\n", encoding="utf-8")
    said = {"code": "all", "normalise": {"kind": "none"}, "nodes": [{"code": "a"}, {"code": "b"}]}
    found = evaluate(
        with_structure(method(said), *read_structure(path)),
        observed({"a": [10, 30], "b": [1, 1], "people": [5, 10]}),
    )
    assert (scores(found, "a"), scores(found, "b")) == ([2, 3], [1, 1])


def test_a_denominator_stands_in_the_place_of_that_of_the_method(tmp_path: Path) -> None:
    path = tmp_path / "tree.csv"
    path.write_text("code,denominator\na,people\n", encoding="utf-8")
    steps = [{"kind": "per", "column": "area", "scale": 100}, {"kind": "log", "base": 10}]
    said = {
        "code": "all",
        "transform": steps,
        "normalise": {"kind": "none"},
        "nodes": [{"code": "a"}, {"code": "b"}],
    }
    found = evaluate(
        with_structure(method(said), *read_structure(path)),
        observed({"a": [10], "b": [20], "people": [1], "area": [2]}),
    )
    # log10(100 x 10 / 1) and, of the node that the structure does not name, log10(100 x 20 / 2)
    assert (scores(found, "a"), scores(found, "b")) == ([pytest.approx(3)], [pytest.approx(3)])
    assert found.tree.columns == ["a", "b", "people", "area"]


def test_columns_that_change_nothing_are_passed_over(tmp_path: Path) -> None:
    with_them = "code,parent,level,unit,note,source,comment\nall,,2,,,,\na,all,1,%,x,y,z\n"
    assert structured(with_them, tmp_path) == structured("code,parent\nall,\na,all\n", tmp_path)
