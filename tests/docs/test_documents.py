"""Documents lead somewhere, name commands that exist, and the repository names nobody's machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from pipelines.settings import PROJECT

TRACKED = subprocess.run(
    ["git", "ls-files", "-z"],
    cwd=PROJECT,
    check=False,
    capture_output=True,
    text=True,
).stdout.split("\0")
FILES = [PROJECT / name for name in TRACKED if name and (PROJECT / name).is_file()]
PAGES = [path for path in FILES if path.suffix == ".md"]
IMAGES_OR_DATA = {".png", ".xlsx", ".pdf", ".parquet", ".duckdb"}

if not FILES:
    pytest.skip(
        "not a git checkout: which files belong to the repository is unknown", allow_module_level=True
    )


def named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def prose(text: str) -> str:
    """A page without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as forges make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        if re.match(r"(https?|mailto):", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        there = (page.parent / file).resolve() if file else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor.lower() not in anchors(there)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("name", ["README.md", "README.ru.md", "CONTRIBUTING.md", "docs/operations.md"])
def test_make_commands_exist(name: str) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    text = (PROJECT / name).read_text(encoding="utf-8")
    told = {
        word
        for line in re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z][a-z -]*)", text, flags=re.MULTILINE)
        for word in line.split()
    }
    assert told
    assert told <= targets


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README.ru.md",
        "CONTRIBUTING.md",
        "docs/operations.md",
        "docs/postgresql.md",
        "docs/deployment.md",
        "docs/access.md",
        "docs/analysts.ru.md",
        "docs/exports.md",
        "docs/releases.md",
    ],
)
def test_gorod_commands_and_options_exist(name: str) -> None:
    from typer.main import get_command

    from pipelines.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    text = (PROJECT / name).read_text(encoding="utf-8")
    told = re.findall(r"(?:^|`|/|[A-Z_]+=\S+ )gorod ([a-z]+)([^`\n#]*)", text, flags=re.MULTILINE)
    assert told
    for command, rest in told:
        assert command in commands, f"gorod {command}"
        found = commands[command]
        # a group may answer by itself, as gorod alerts does
        if hasattr(found, "commands") and not (
            found.invoke_without_command and not re.match(r" +[a-z]", rest)
        ):
            command, _, rest = rest.strip().partition(" ")
            assert command in found.commands, f"gorod … {command}"
            found = found.commands[command]
        options = {
            option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        unquoted = re.sub(r'"[^"]*"?', "", rest)
        assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", unquoted)) <= options | {"--help"}, (
            f"gorod {command}{rest}"
        )


def test_both_readmes_have_the_same_sections() -> None:
    """Level, code blocks, pictures, links of each section, in order; the words differ."""

    def shape(name: str) -> list[tuple[str, int, list[str]]]:
        text = (PROJECT / name).read_text(encoding="utf-8")
        sections = re.split(
            r"^(?=#+ )", re.sub(r"^```sh\n(.*?)```", r"CODE", text, flags=re.M | re.S), flags=re.M
        )
        return [
            (
                section.split(" ", 1)[0],
                section.count("CODE"),
                [link.replace(".ru", "") for link in re.findall(r"\]\(([^)\s]+)\)", section)],
            )
            for section in sections[1:]
        ]

    assert shape("README.md") == shape("README.ru.md")


def test_the_setup_is_two_commands() -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    setup = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)[0].strip().splitlines()
    assert len(setup) == 2
    assert setup[0].startswith("git clone")
    assert setup[1].startswith("make setup")


def test_no_path_of_a_machine_and_no_index_host() -> None:
    # written in pieces, so that this file is not its own finding
    machine = re.compile(
        r"(?<![\w.}])/(?:work|home/\w+|root|tmp)/\w|"
        + "|".join(
            [
                "pypi" + r"\.org",
                "files\\." + "pythonhosted",
                r"registry\." + "npmjs",
                "ghcr" + r"\.io",
                "docker" + r"\.io",
            ]
        )
    )
    found = []
    for path in FILES:
        if path.suffix in IMAGES_OR_DATA or "sample" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if machine.search(line):
                found.append(f"{named(path)}:{number}: {line.strip()[:100]}")
    assert not found


def test_dbt_is_no_package() -> None:
    """A package of that name would hide the real one."""
    assert not list((PROJECT / "dbt").rglob("__init__.py"))


def test_pictures_are_small() -> None:
    pictures = list((PROJECT / "docs" / "images").glob("*"))
    assert pictures
    assert not [named(path) for path in pictures if path.stat().st_size > 300_000]


def test_each_decision_is_listed() -> None:
    folder = PROJECT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))
