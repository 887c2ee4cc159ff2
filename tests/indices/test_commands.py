"""``gorod index``: what it writes and says, and with which exit code."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.indices.tables import COLUMNS, RANGE_COLUMNS
from tests.indices.small import NAMES

DATA = "city;size;speed;price\nx;big;100;10\ny;big;50;30\nz;small;75;20\nw;small;;\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOROD_HOME", str(tmp_path / "home"))
    declare(tmp_path)
    (tmp_path / "data.csv").write_text(DATA, encoding="utf-8")
    return tmp_path


NET = {"code": "net", "nodes": [{"code": "speed"}, {"code": "price", "direction": "down"}]}


def declare(folder: Path, **changes: Any) -> None:
    body = {
        "method": "small", "title": NAMES, "status": "published", "version": "1.0", "valid_from": "2020-01-01",
        "legal_act": None, "reference": "none", "sensitivity": {"draws": 20},
        "index": NET, **changes,
    }  # fmt: skip
    (folder / "method.yml").write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")


def call(folder: Path, *options: str) -> Result:
    arguments = ["index", "evaluate", str(folder / "method.yml"), str(folder / "data.csv"), *options]
    return CliRunner().invoke(app, arguments)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_ranking_is_shown(folder: Path) -> None:
    done = call(folder)
    assert done.exit_code == 0, done.output
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines == [
        ["rank", "unit", "score", "reported", "reason"],
        ["1", "x", "1.000", "100 %", ""],
        ["2", "z", "0.500", "100 %", ""],
        ["3", "y", "0.000", "100 %", ""],
        ["", "w", "", "0 %", "nothing_reported"],
    ]


def test_all_levels_are_written_and_the_same_bytes_each_time(folder: Path) -> None:
    out, again = folder / "out.csv", folder / "again.csv"
    ranges = folder / "ranges.csv"
    assert call(folder, "-o", str(out), "--sensitivity", str(ranges)).exit_code == 0
    found = read(out)
    assert list(found[0]) == list(COLUMNS)
    assert [(row["unit"], row["node"]) for row in found[:4]] == [
        ("w", "net"), ("w", "speed"), ("w", "price"), ("x", "net"),
    ]  # fmt: skip
    assert len(found) == 4 * 3
    assert list(read(ranges)[0]) == list(RANGE_COLUMNS)
    assert [row["scenarios"] for row in read(ranges)] == ["0", "21", "21", "21"]
    header, *lines = DATA.splitlines()
    (folder / "data.csv").write_text("\n".join([header, *reversed(lines)]), encoding="utf-8")
    assert call(folder, "-o", str(again)).exit_code == 0
    assert again.read_bytes() == out.read_bytes()


def test_parquet_and_json(folder: Path) -> None:
    import pyarrow.parquet

    done = call(folder, "-o", str(folder / "out.parquet"), "--json", "--group-column", "size")
    answer = json.loads(done.stdout)
    assert (answer["method"], answer["node"]) == ("small", "net")
    found = {row["unit"]: row for row in answer["ranking"]}
    assert [found[unit]["rank"] for unit in "xyzw"] == [1, 3, 2, None]
    assert [found[unit]["rank_in_group"] for unit in "xyzw"] == [1, 2, 1, None]
    assert found["w"]["reason"] == "nothing_reported"
    assert pyarrow.parquet.read_table(folder / "out.parquet").column_names == list(COLUMNS)


def test_a_structure_gives_the_tree_of_a_shipped_method(folder: Path) -> None:
    tree = folder / "tree.csv"
    tree.write_text(
        "iCode,Parent,Weight,Direction\nnet,NA,1,1\nspeed,net,3,1\nprice,net,1,-1\n", encoding="utf-8"
    )
    done = CliRunner().invoke(
        app,
        [
            "index",
            "evaluate",
            "min_max_goalposts",
            str(folder / "data.csv"),
            "--structure",
            str(tree),
            "--json",
        ],
    )
    assert done.exit_code == 0, done.output
    found = {row["unit"]: row["score"] for row in json.loads(done.stdout)["ranking"]}
    assert (found["x"], found["y"], found["z"]) == (100, 0, 50)


def test_an_example_is_told_to_be_one(folder: Path) -> None:
    declare(folder, status="example")
    assert "ПРИМЕР" in call(folder).stderr


def test_the_shipped_methods_are_listed() -> None:
    done = CliRunner().invoke(app, ["index", "methods", "--json"])
    assert {"method": "digital_development_example", "status": "example"}.items() <= {
        **next(row for row in json.loads(done.stdout) if row["status"] == "example")
    }.items()


@pytest.mark.parametrize(
    ("data", "changes", "options", "code", "told"),
    [
        (DATA.replace("75", "fast"), {}, [], 1, "data.csv: row 4, column speed: 'fast' is not a number"),
        (DATA.replace("speed", "sped"), {}, [], 1, "data.csv: there is no column speed (is it sped?)"),
        ("city;speed;price\n", {}, [], 1, "the data have no rows"),
        ("unit,indicator,value\nx,speed,1\nx,prise,2\n", {}, [], 1, "no indicator price (is it prise?)"),
        (DATA, {}, ["--group-column", "sise"], 1, "there is no column 'sise'"),
        (DATA, {}, ["--period-column", "when"], 1, "there is no column 'when'"),
        (DATA, {}, ["-o", "{folder}/nowhere/out.csv"], 1, "cannot be written"),
        (DATA, {"version": "one"}, [], 2, "method.yml:7: version"),
        (DATA, {"index": {"code": "net"}}, [], 2, "method.yml:13: index.nodes: index net has no nodes"),
        (
            DATA,
            {"index": {**NET, "normalise": {"kind": "none"}}},
            [],
            2,
            "method.yml:19: index.normalise: price: none",
        ),
        (DATA, {}, ["--structure", "{folder}/data.csv"], 2, "a column code is needed"),
        (DATA, {}, ["--structure", "{folder}/none.csv"], 2, "none.csv: cannot be read"),
    ],
)
def test_bad_input_is_told(
    folder: Path, data: str, changes: dict[str, Any], options: list[str], code: int, told: str
) -> None:
    (folder / "data.csv").write_text(data, encoding="utf-8")
    declare(folder, **changes)
    done = call(folder, *(option.format(folder=folder) for option in options))
    assert (done.exit_code, told in done.stderr) == (code, True), done.output
    assert "Traceback" not in done.output


POINTS: dict[str, Any] = {**NET, "aggregate": "points_share"}


@pytest.mark.parametrize(
    ("changes", "name", "tree", "told"),
    [
        (
            {"index": {"code": "net", "normalise": {"kind": "none"}}},
            "tree.csv",
            "code,parent,direction\nall,,\nspeed,all,up\nprice,all,down\n",
            "tree.csv: row 4: normalise: price: none keeps the value as it is",
        ),
        (
            {"index": {"code": "net", "normalise": {"kind": "none"}}},
            "tree.yml",
            "- code: all\n\n- {code: speed, parent: all}\n- code: price\n  parent: all\n  direction: down\n",
            "tree.yml:4: normalise: price: none keeps the value as it is",
        ),
        (
            {"index": {"code": "net", "transform": [{"kind": "log"}]}},
            "tree.csv",
            "code,parent,low\nall,,\nspeed,all,1\nprice,all,0\n",
            "tree.csv: row 4: normalise.low: price: 0 has no logarithm",
        ),
        (
            {"index": {"code": "net", "nodes": [{"code": "speed", "normalise": {"kind": "z_score"}}]}},
            "settings.csv",
            "code,aggregate\nnet,points_share\n",
            "settings.csv: row 2: normalise: speed: z_score has no maximum",
        ),
        (
            {"index": {"code": "net"}},
            "settings.csv",
            "code,weight\nspeed,2\n",
            "settings.csv: row 2: the method small has no node 'speed'; there are: net",
        ),
        # wrong without the structure already
        (
            {"index": {**POINTS, "normalise": {"kind": "z_score"}}},
            "settings.csv",
            "code,weight\nspeed,2\n",
            "method.yml:20: index.normalise: speed: z_score has no maximum",
        ),
        # of no node: it stands in the method alone
        (
            {"sensitivity": {"aggregations": ["geometric"]}},
            "settings.csv",
            "code,aggregate\nnet,points_share\n",
            "method.yml:12: sensitivity.aggregations: points cannot be compared",
        ),
    ],
)
def test_a_structure_that_does_not_fit_is_told_with_its_file_and_row(
    folder: Path, changes: dict[str, Any], name: str, tree: str, told: str
) -> None:
    declare(folder, **changes)
    (folder / name).write_text(tree, encoding="utf-8")
    done = call(folder, "--structure", str(folder / name))
    assert (done.exit_code, f"{folder}/{told}" in done.stderr.replace("\n", "")) == (2, True), done.output


def test_a_method_that_is_not_there_is_told(folder: Path) -> None:
    done = CliRunner().invoke(app, ["index", "evaluate", "no_such", str(folder / "data.csv")])
    assert done.exit_code == 2
    assert "no_such: cannot be read" in done.stderr
    near = CliRunner().invoke(app, ["index", "evaluate", "min_max_goalpost", str(folder / "data.csv")])
    assert (near.exit_code, "did you mean 'min_max_goalposts'?" in near.stderr) == (2, True)
    swapped = CliRunner().invoke(
        app, ["index", "evaluate", str(folder / "data.csv"), str(folder / "method.yml")]
    )
    assert (swapped.exit_code, "data.csv: is a table, not a method" in swapped.stderr) == (2, True)


# --- outputs


@pytest.mark.parametrize("option", ["-o", "--sensitivity"])
@pytest.mark.parametrize("given", ["data.csv", "method.yml", "tree.csv"])
@pytest.mark.parametrize("way", ["plain", "dots", "relative", "symbolic", "hard", "descriptor"])
def test_an_input_is_never_written_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch, option: str, given: str, way: str
) -> None:
    (folder / "tree.csv").write_text("code,weight\nspeed,2\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    target, link = folder / given, folder / "link.csv"
    before = target.read_bytes()
    with target.open("rb") as held:
        if way == "symbolic":
            link.symlink_to(given)
        elif way == "hard":
            link.hardlink_to(target)
        ways = {
            "plain": str(target), "dots": str(folder / "home" / ".." / given), "relative": given, "symbolic": str(link),
            "hard": str(link), "descriptor": f"/proc/self/fd/{held.fileno()}",
        }  # fmt: skip
        (folder / "home").mkdir()
        done = call(folder, "--structure", str(folder / "tree.csv"), option, ways[way])
    assert (done.exit_code, "is the same file as" in done.stderr) == (1, True), done.output
    assert target.read_bytes() == before


def test_the_data_may_be_named_by_a_link(folder: Path) -> None:
    link = folder / "link.csv"
    link.symlink_to(folder / "data.csv")
    arguments = ["index", "evaluate", str(folder / "method.yml"), str(link), "-o", str(folder / "data.csv")]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, "is the same file as" in done.stderr) == (1, True), done.output
    assert (folder / "data.csv").read_text(encoding="utf-8") == DATA


def test_two_outputs_are_two_files(folder: Path) -> None:
    done = call(
        folder, "-o", str(folder / "out.csv"), "--sensitivity", str(folder / "home" / ".." / "out.csv")
    )
    assert (done.exit_code, "the other output" in done.stderr) == (1, True), done.output
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("other.csv", b"my,own\n1,2\n", "is not a result of gorod index"),
        ("other.parquet", b"PAR1", "is not a result of gorod index"),
        ("out.xlsx", None, "results are written as .csv or .parquet"),
        ("out.yml", None, "results are written as .csv or .parquet"),
        ("home/landing/out.csv", None, "the folder of the deliveries"),
    ],
)
def test_another_file_is_never_written_over(
    folder: Path, name: str, content: bytes | None, told: str
) -> None:
    from pipelines.settings import get_settings

    get_settings.cache_clear()
    path = folder / name
    if content is not None:
        path.write_bytes(content)
    done = call(folder, "-o", str(path))
    assert (done.exit_code, told in done.stderr) == (1, True), done.output
    assert (path.read_bytes() if path.exists() else None) == content


def test_an_earlier_result_is_replaced_and_stays_where_the_new_one_fails(folder: Path) -> None:
    out = folder / "out.csv"
    out.touch()
    assert call(folder, "-o", str(out)).exit_code == 0
    first = out.read_bytes()
    (folder / "data.csv").write_text(DATA.replace("75", "80"), encoding="utf-8")
    assert call(folder, "-o", str(out)).exit_code == 0
    second = out.read_bytes()
    assert second != first
    (folder / "data.csv").write_text(DATA.replace("75", "fast"), encoding="utf-8")
    assert call(folder, "-o", str(out)).exit_code == 1
    assert out.read_bytes() == second


def test_a_full_disk_is_told(folder: Path) -> None:
    done = call(folder, "-o", "/dev/full")
    assert (done.exit_code, "is full" in done.stderr) == (5, True), done.output


# --- notes and reasons


def test_notes_are_on_stderr_and_in_the_json(folder: Path) -> None:
    (folder / "data.csv").write_text(DATA + "Source: a report;;;\n", encoding="utf-8")
    done = call(folder)
    assert "note:" in done.stderr
    assert "row 6: ignored" in done.stderr
    assert "Source" not in done.stdout
    answer = json.loads(call(folder, "--json").stdout)
    assert ["row 6: ignored" in note for note in answer["notes"]] == [True]
    assert [row["unit"] for row in answer["ranking"]] == ["w", "x", "y", "z"]


def test_equal_values_are_not_taken_for_unreported_ones(folder: Path) -> None:
    (folder / "data.csv").write_text("city;speed;price\nx;5;7\ny;5;7\nz;NA;-\n", encoding="utf-8")
    found = {row["unit"]: row for row in json.loads(call(folder, "--json").stdout)["ranking"]}
    assert [found[unit]["reason"] for unit in "xyz"] == ["no_spread", "no_spread", "nothing_reported"]
    assert [found[unit]["share_reported_weight"] for unit in "xyz"] == [1, 1, 0]


def test_a_sheet_is_named_only_of_a_workbook(folder: Path) -> None:
    done = call(folder, "--sheet", "one")
    assert (done.exit_code, "has no sheets" in done.stderr) == (1, True), done.output
