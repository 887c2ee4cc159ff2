"""Declarations with defects, many and of every kind: each is refused with file and line, or read as it is written."""

from __future__ import annotations

import random
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.reference import KINDS, Kind, files_of
from pipelines.errors import DeclarationError

FILES = [(kind, path) for kind in KINDS for path in files_of(kind)]
VALUES = [
    "yes", "no", "~", "null", "''", "0", "-1", "1.0", "1.5", "'5'", ".inf", ".nan", "1e999", "9" * 25, "9" * 5000, "0777", "1:30",
    "2026", "2026-13-45", "2026-02-30", "9999-12-31", "0001-01-01", "2026-11-13T10:00", "2026-01-01T25:00:00", "'2026-11-13'",
    "[]", "{}", "[[]]", "[1, 2]", "{a: 1}", "{ru: а}", "&x [*x]", "*nobody", "&x {y: *x}",
    "!!binary x", "!!set {x}", "!!int x",
    "!!python/object:os.system x", "<<", "=", "\"\\0\"", "\"\\ud800\"", "'\u2028'", "|", ">-", "%", "@", "`", "'", '"', "[" * 300,
    "{" * 60,
    "(", "(?P<x>", "(?P<period>.)", "*", "ru", "country", "sum", "\ufeff", "x: y: z", "- x", "? [a]", "!!omap [a: 1]",
    "!!timestamp x",
]  # fmt: skip


def mutant(text: str, chance: random.Random) -> str:
    """``text`` with one or two defects: of lines, of values, of signs."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 2)):
        at = chance.choice(
            [n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")] or [0]
        )
        line = lines[at]
        match chance.randrange(10):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, line)
            case 2:
                lines[at] = re.sub(
                    r"(:\s+|- )\S.*$", lambda match: match[1] + chance.choice(VALUES), line, count=1
                )
            case 3:
                lines[at] = re.sub(
                    r"([{,]\s*\w+: )[^,}]*", lambda match: match[1] + chance.choice(VALUES), line, count=1
                )
            case 4:
                lines[at] = re.sub(
                    r"\w+(?=:)",
                    lambda match: chance.choice([match[0] + "s", "yes", "no", "2026", "~", "'a b'"]),
                    line,
                    count=1,
                )
            case 5:
                lines[at] = chance.choice(["\t", " ", "   ", "- "]) + line
            case 6:
                lines[at] = (
                    line[1:] if line.startswith(" ") else line + chance.choice([":", " #", " x: y", ",", "]"])
                )
            case 7:
                other = chance.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 8:
                place = chance.randrange(len(line) + 1)
                lines[at] = (
                    line[:place] + chance.choice("\t:{}[],&*#?|-<>=!%@`'\"\\ \x07\u00a0") + line[place + 1 :]
                )
            case _:
                lines = lines[: at + 1]
        lines = lines or [""]
    return "\n".join(lines)


def has_twins(node: yaml.Node | None) -> bool:
    """Whether a mapping has one key twice."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        return len(set(keys)) < len(keys) or any(has_twins(value) for _, value in node.value)
    return isinstance(node, yaml.SequenceNode) and any(map(has_twins, node.value))


def same(given: Any, read: Any) -> bool:
    """Whether nothing was made of something else: no number of a word, no day of a number."""
    if isinstance(given, dict) and isinstance(read, dict):
        return all(key in read and same(value, read[key]) for key, value in given.items())
    if isinstance(given, list) and isinstance(read, list | tuple):
        return len(given) == len(read) and all(map(same, given, read))
    if isinstance(given, bool) or isinstance(read, bool):
        return given is read
    if isinstance(given, date) or isinstance(read, date):
        return str(given)[:10] == str(read)[:10]
    if isinstance(read, int | float):
        return isinstance(given, int | float)
    # a decimal may be written as a number
    return type(given) is type(read) or not isinstance(read, str)


def days_as_text(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: days_as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [days_as_text(value) for value in data]
    return data.isoformat() if isinstance(data, date) else data


def as_model(kind: Kind, data: Any) -> object:
    try:
        return kind.model.model_validate(data)
    except ValidationError:
        return None


def check(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    kind, origin = chance.choice(FILES)
    text = mutant(origin.read_text(encoding="utf-8"), chance)
    path = folder / origin.name
    path.write_text(text, encoding="utf-8")
    try:
        found = read_yaml(path, kind.model)
    except DeclarationError as error:
        assert error.remedy
        # signs that no YAML may hold are told by their place in the file, all else by line
        assert re.match(re.escape(str(path)) + r":(\d+: .| cannot be read)", error.message), error.message
        assert ": :" not in error.message.replace(f"{path}:1: :", "")
        return
    # libyaml, as the reader: the parser in Python refuses a tab and a question mark that YAML 1.2 allows
    assert not has_twins(yaml.compose(text, yaml.CSafeLoader))
    data = yaml.load(text, yaml.CSafeLoader)
    # where a text is asked for, a day is the text that it is written as
    assert found in (as_model(kind, data), as_model(kind, days_as_text(data)))
    assert same(data, found.model_dump(by_alias=True)), text


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_a_defect_is_refused_with_its_line_or_read_as_it_stands(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(seed, tmp_path_factory.mktemp("yaml"))


@pytest.mark.repeated
@pytest.mark.long
def test_thousands_of_defects_are_refused_or_read_as_they_stand(tmp_path: Path) -> None:
    for seed in range(4000):
        check(seed, tmp_path)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("a: &x [*x]\n", "1: cannot be read: *x is inside"),
        ("a:\n  b: 2026-13-45\n", "2: cannot be read: timestamp"),
        (f"a: {'9' * 5000}\n", "1: cannot be read: int"),
        (f"a: {'[' * 200_000}\n", "1: cannot be read: nested deeper than 50"),
        ("a: 1\nyes: 1\ntrue: 2\n", "3: true: is a duplicate; first in line 2"),
        ("<<: {a: 1}\n<<: {b: 1}\n", "2: <<: is a duplicate"),
        ("- 1\n- 2\n---\n- 3\n", "3: cannot be read"),
        ("a: 1\n\tb: 2\n", "2: cannot be read"),
        ('a: "\\0"\n', "1: cannot be read: a text contains"),
        ("? [a]\n: 1\n", "1: cannot be read: found unhashable"),
        ("no: 1\n", "1: False: is a key, but not a text"),
        ("source: !!set {x}\n", "1: source: is a set"),
        (f"source: {'9' * 30}\n", "1: source: is a number of more than 64 bits"),
    ],
)
def test_what_yaml_can_say_and_no_declaration_does(written: str, told: str, tmp_path: Path) -> None:
    source = next(kind for kind in KINDS if kind.name == "source")
    path = tmp_path / "source.yml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        read_yaml(path, source.model)
    assert raised.value.message.startswith(f"{path}:{told}")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("late_after_days: 15", "late_after_days: yes", "late_after_days"),
        ("late_after_days: 15", "late_after_days: '15'", "late_after_days"),
        ("late_after_days: 15", "late_after_days: 15.0", "late_after_days"),
        ("late_after_days: 15", "late_after_days: 99999999", "late_after_days"),
        ("simulator: sandbox.tmf639:serve", "simulator: 1", "simulator"),
        ("cadence: monthly", "cadence: monthly\n    first_month: 86400", "first_month"),
    ],
)
def test_nothing_is_made_of_something_else(old: str, new: str, key: str, tmp_path: Path) -> None:
    kind, origin = next(
        (kind, path) for kind, path in FILES if kind.name == "source" and path.parent.name == "beltelecom_inventory"
    )  # fmt: skip
    text = origin.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "source.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DeclarationError, match=rf"source\.yml:\d+: \S+\.{key}: "):
        read_yaml(path, kind.model)


def test_every_declaration_of_the_repository_is_read_as_it_stands() -> None:
    kinds: set[str] = set()
    for kind, path in FILES:
        assert isinstance(kind, Kind)
        assert read_yaml(path, kind.model) == kind.model.model_validate(
            yaml.safe_load(path.read_text(encoding="utf-8"))
        )
        kinds.add(kind.name)
    assert kinds == {kind.name for kind in KINDS}
