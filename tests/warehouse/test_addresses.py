"""Where GOROD_WAREHOUSE points, and what an error says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import GorodError
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse import warehouse_at
from pipelines.warehouse.server import Server


def test_a_relative_path_is_the_same_file_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(warehouse="data/w.duckdb")
    monkeypatch.chdir("/")
    assert settings.warehouse == str(tmp_path / "data" / "w.duckdb")


@pytest.mark.parametrize(
    "address",
    [
        "host=db.example dbname=gorod password=s3/cret",
        "dbname=gorod",
        "mysql://gorod:s3/cret@db.example/gorod",
        "postgresql+psycopg://gorod:s3/c@ret@db.example/gorod",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(GorodError) as refused:
        warehouse_at(address, 1.0)
    assert "postgresql://" in str(refused.value)
    for part in ("s3", "cret", "example"):
        assert part not in str(refused.value)


def test_a_password_is_shown_in_none_of_its_spellings() -> None:
    server = Server("postgresql://gorod:a%2Fb%20c%27d@127.0.0.1/gorod")
    password = "a/b c'd"
    assert server.parameters["password"] == password
    spellings = [password, "a%2Fb%20c%27d", "a%2fb%20c%27d", "a/b%20c%27d", "a%2Fb+c%27d", "a/b c\\'d"]
    for spelling in spellings:
        assert spelling not in server.scrubbed(f"could not connect: password={spelling} host=x")


@pytest.mark.parametrize(("inherited", "for_others"), [(0o022, 0o077), (0o002, 0o077), (0o027, 0o027)])
def test_state_is_not_for_everybody_on_the_machine(inherited: int, for_others: int, tmp_path: Path) -> None:
    """By hand a shell's 022 would let everybody read the warehouse; a service decides itself that its group may."""
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "warehouse", "init"],
        env={**os.environ, "GOROD_HOME": str(home)}, cwd=PROJECT, umask=inherited, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = [home, *home.rglob("*")]
    assert home / "warehouse.duckdb" in made
    assert [path for path in made if path.stat().st_mode & 0o777 & for_others] == []
    assert home.stat().st_mode & 0o777 == 0o777 & ~for_others
