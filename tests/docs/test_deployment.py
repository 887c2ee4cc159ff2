"""The guide of a server and what it installs fit together: files, paths, commands, options, units."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from pipelines.cli import app
from pipelines.settings import PROJECT, Settings

DEPLOY = PROJECT / "deploy"
GUIDE = (PROJECT / "docs" / "deployment.md").read_text(encoding="utf-8")
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
SERVICES = sorted(DEPLOY.glob("systemd/*.service"))
TIMERS = sorted(DEPLOY.glob("systemd/*.timer"))
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.DOTALL))
CHECKOUT = "/opt/gorod/"


class _Unit(configparser.RawConfigParser):
    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read(path, encoding="utf-8")


def named(path: Path) -> str:
    return path.relative_to(DEPLOY).as_posix()


def given(unit: Path, section: str, key: str) -> str:
    return _Unit(unit).get(section, key, fallback="")


def test_what_the_guide_takes_from_the_checkout_is_there_and_nothing_lies_unused() -> None:
    told = set(re.findall(rf"{CHECKOUT}(deploy/[\w./*-]*[\w*])", SHELL))
    taken = {path for pattern in told for path in PROJECT.glob(pattern) if path.is_file()}
    for pattern in told:
        assert list(PROJECT.glob(pattern)), pattern
    started = {
        PROJECT / found
        for path in FILES
        for found in re.findall(rf"{CHECKOUT}(deploy/[\w./-]+)", path.read_text())
    }
    assert taken | started == set(FILES)


@pytest.mark.parametrize("unit", SERVICES, ids=named)
def test_a_unit_starts_what_exists_with_options_that_exist(unit: Path) -> None:
    program, *arguments = given(unit, "Service", "ExecStart").split()
    if program != f"{CHECKOUT}.venv/bin/gorod":
        assert (PROJECT / program.removeprefix(CHECKOUT)).stat().st_mode & 0o111
        return
    command = get_command(app).commands[arguments[0]]  # type: ignore[attr-defined]
    parsed = command.make_context(arguments[0], arguments[1:], resilient_parsing=False)
    assert parsed.params.get("daemon", False) is False  # the daemon has a unit of its own
    settings = given(unit, "Service", "EnvironmentFile")
    assert f"deploy/gorod.env {settings}" in SHELL
    assert f". {settings}" in (DEPLOY / "gorod").read_text(encoding="utf-8")
    home = given(unit, "Service", "WorkingDirectory")
    assert home == f"/var/lib/{given(unit, 'Service', 'StateDirectory')}"
    for path in ("gorod.env", "backup"):
        assert re.search(rf"home={home}$", (DEPLOY / path).read_text(), flags=re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("unit", SERVICES, ids=named)
def test_a_unit_can_touch_nothing_but_its_state(unit: Path) -> None:
    wanted = {
        "NoNewPrivileges": "true", "ProtectSystem": "strict", "ProtectHome": "true", "PrivateTmp": "true",
        "PrivateDevices": "true", "RestrictSUIDSGID": "true", "SystemCallFilter": "@system-service",
    }  # fmt: skip
    assert {key: given(unit, "Service", key) for key in wanted} == wanted
    text = unit.read_text(encoding="utf-8")
    if given(unit, "Service", "User"):
        # who ends sessions of others is the server's own user
        assert given(unit, "Service", "User") == ("postgres" if unit.stem == "gorod-sessions" else "gorod")
        assert "\nCapabilityBoundingSet=\n" in text
        assert "ReadWritePaths" not in text
    else:
        assert given(unit, "Service", "ReadWritePaths") == "/var/backups/gorod"


def test_timers_start_services_that_are_there() -> None:
    assert {timer.stem for timer in TIMERS} <= {unit.stem for unit in SERVICES}
    units = {path.name for path in (*SERVICES, *TIMERS)} | {path.stem for path in SERVICES}
    told = {
        word
        for line in re.findall(r"systemctl [a-z-]+ (?:--\S+ )*(.*)", SHELL)
        for word in re.findall(r"\bgorod-[\w.-]+", line)
    }
    assert told
    assert told <= units


def test_the_environment_names_settings_that_there_are() -> None:
    text = (DEPLOY / "gorod.env").read_text(encoding="utf-8")
    names = re.findall(r"^#?(GOROD_\w+)=", text, flags=re.MULTILINE)
    own = {f"GOROD_{name.upper()}" for name in Settings.model_fields}
    assert names
    assert [
        name for name in names if name not in own and not re.fullmatch(r"GOROD_\w+_(URL|TOKEN)", name)
    ] == []
    assert re.findall(r"^(?:PGPASSWORD|GOROD_PSEUDONYM_KEY)=(.+)", text, flags=re.MULTILINE) == []


def test_scripts_are_sound_and_run_as_programs() -> None:
    scripts = [path for path in FILES if path.read_text(encoding="utf-8").startswith("#!")]
    assert {named(path) for path in scripts} == {"backup", "gorod", "postgresql/archive-wal"}
    for path in scripts:
        assert path.stat().st_mode & 0o111, path
        assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.DOTALL)
    for block in blocks:
        assert subprocess.run(["sh", "-n"], input=block, text=True, check=False).returncode == 0, block


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    """Where systemd is: with the programs in the place of those that a server has."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed here")
    for path in (*SERVICES, *TIMERS):
        text = re.sub(
            r"^(ExecStart=)\S+", r"\1/bin/true", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
