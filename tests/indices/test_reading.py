"""Tables as people have them: wide and long, with their separators, and with their mistakes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import GorodError
from pipelines.indices.observations import Observations
from pipelines.indices.read_observations import read_observations


def read(folder: Path, text: str | bytes, *numbers: str, **options: Any) -> Observations:
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_observations(path, numbers or ("a", "b"), **options)


def rows(found: Observations) -> list[tuple[Any, ...]]:
    columns = [
        [None if math.isnan(value) else value for value in column.tolist()]
        for _, column in sorted(found.numbers.items())
    ]
    return list(zip(found.periods, found.units, *columns, strict=True))


WIDE = [("2020", "x", 1.5, 20.0), ("2020", "y", None, 1000.0)]


@pytest.mark.parametrize(
    "text",
    [
        "city,year,a,b\nx,2020,1.5,20\ny,2020,,1000\n",
        "city;year;a;b\nx;2020;1,5;20\ny;2020;;1 000\n",
        "city\tyear\ta\tb\r\nx\t2020\t1,5\t20\r\ny\t2020\tNA\t1\u00a0000\r\n",
        "\ufeffcity;year;a;b\nx;2020;1.5;20\ny;2020;н/д;1000\n\n",
        'year,city,note,a,b\n2020,x,"p, q",1.5,20\n2020,y,,..,1000\n',
        "INDICATOR,REF_AREA,TIME_PERIOD,OBS_VALUE\na,x,2020,1.5\nb,x,2020,20\nb,y,2020,1000\nc,x,2020,7\n",
        "indicator;unit;value;period\na;x;1,5;2020\nb;x;20;2020\nb;y;1000;2020\na;y;;2020\n",
    ],
    ids=["commas", "semicolons", "tabs", "byte-order-mark", "other-order", "sdmx", "long"],
)
def test_ways_of_writing_the_same_table(tmp_path: Path, text: str) -> None:
    assert rows(read(tmp_path, text)) == WIDE


def test_columns_may_be_named(tmp_path: Path) -> None:
    text = "name,code,month,a,b\nTown,x,2020,1.5,20\nVille,y,2020,,1000\n"
    assert rows(read(tmp_path, text, unit_column="code", period_column="month")) == WIDE


def test_parquet_and_xlsx(tmp_path: Path) -> None:
    parquet = tmp_path / "data.parquet"
    table = pa.table({"unit": ["x", "y"], "year": [2020, 2020], "a": [1.5, None], "b": [20, 1000]})
    pyarrow.parquet.write_table(table, parquet)
    assert rows(read_observations(parquet, ("a", "b"))) == WIDE
    book = tmp_path / "data.xlsx"
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(
            [("unit", "year", "a", "b"), ("x", 2020, 1.5, 20), ("y", 2020, "", 1000)]
        ):
            sheet.write_row(number, 0, row)
    assert rows(read_observations(book, ("a", "b"))) == WIDE


def test_zero_is_a_value_and_a_dash_is_none(tmp_path: Path) -> None:
    assert rows(read(tmp_path, "unit,a,b\nx,0,-\n")) == [("", "x", 0.0, None)]


@given(value=st.floats(-1e15, 1e15))
def test_any_number_is_read_as_it_was_written(value: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    points = read(folder, f"unit,a\nx,{value!r}\n", "a")
    # a fraction of three digits is read where somebody says that commas are decimal
    commas = read(folder, f"unit;a\nx;{repr(value).replace('.', ',')}\n", "a", decimal_comma=True)
    assert points.numbers["a"].tolist() == commas.numbers["a"].tolist() == [value]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("unit,a,b\nx,1,2\ny,oops,3\n", "row 3, column a: 'oops' is not a number"),
        ('unit,a,b\nx,"1,5",2\n', "row 2, column a: '1,5' is not a number"),
        ("unit;a;b\nx;1.000,5;2\n", "row 2, column a: '1.000,5' is not a number"),
        ("unit,a,b\nx,inf,2\n", "row 2, column a: 'inf' is not a number"),
        ("unit,a,b\nx,1_0,2\n", "row 2, column a: '1_0' is not a number"),
        ("unit,a,b\nx,1\n", "row 2: 2 cells, but the header has 3"),
        ("unit,a,b\nx,1,2\nx,3,4\n", "row 3: unit 'x' is already in row 2"),
        ("unit,a,b\n,1,2\n", "row 2, column unit: is empty"),
        ("unit,a,a\nx,1,2\n", "row 1: column 'a' is repeated"),
        ("unit,indicator,value\nx,a,1\nx,a,2\n", "row 3: a of unit 'x' is already in row 2"),
        ("indicator,value\na,1\n", "row 1: no column identifies the unit"),
        ("", "is empty"),
        ("unit,a,b\nМинск,1,2\n".encode("cp1251"), "is not UTF-8"),
        ('unit,a,b\n"x,1,2\n', "cannot be read"),
    ],
)
def test_a_wrong_table_is_told_with_row_and_column(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(GorodError) as error:
        read(tmp_path, text)
    assert error.value.message.startswith(f"{tmp_path / 'data.csv'}: ")
    assert told in error.value.message
    assert error.value.remedy
    assert error.value.exit_code == 1


def test_a_column_that_is_named_and_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(GorodError, match="there is no column 'citty'") as error:
        read(tmp_path, "city,a\nx,1\n", unit_column="citty")
    assert error.value.remedy == "Did you mean 'city'?"


def test_a_unit_in_two_groups_is_told(tmp_path: Path) -> None:
    text = "unit,indicator,value,size\nx,a,1,big\nx,b,2,small\n"
    with pytest.raises(GorodError, match="row 3, column size: 'small', but 'big' before"):
        read(tmp_path, text, texts=["size"])


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(GorodError, match="cannot be read"):
        read_observations(tmp_path / "nothing.csv", ["a"])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no parquet")
    with pytest.raises(GorodError, match="cannot be read as Parquet"):
        read_observations(broken, ["a"])
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"no workbook")
    with pytest.raises(GorodError, match="cannot be read as XLSX"):
        read_observations(broken, ["a"])
