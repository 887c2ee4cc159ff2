"""The examples of docs/connectors.md are declarations that are accepted as they stand."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import pytest
import yaml

from pipelines.declarations.feeds import Feed
from pipelines.settings import PROJECT

PAGE = (PROJECT / "docs" / "connectors.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_is_accepted(number: int) -> None:
    names = {"ru": "Проба", "be": "Проба", "en": "Trial"}
    declared: dict[str, Any] = {
        "title": names,
        "description": "Invented.",
        "cadence": "monthly",
        "origins": {},
        "format": {"kind": "csv"},
        "columns": {},
    }
    example = yaml.safe_load(dedent(EXAMPLES[number]))
    feed = Feed.model_validate({**declared, **example})
    assert feed.model_dump(exclude_unset=True).keys() == declared.keys() | example.keys()


def test_there_is_an_example_of_each() -> None:
    examples = [yaml.safe_load(dedent(text)) for text in EXAMPLES]
    origins = {one["origins"]["mirror"]["kind"] for one in examples if "origins" in one}
    formats = {one["format"]["kind"] for one in examples if "format" in one}
    assert origins == {"paged", "sftp", "imap", "sql", "mqtt"}
    assert formats == {"csv", "json_records", "workbook", "xml", "parquet", "timetable", "layer", "overlay"}
    assert any("refresh" in one and "origins" not in one for one in examples)
