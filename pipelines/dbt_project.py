"""The dbt project as Gorod runs it: its environment, its manifest and its output folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.catalogue.definition import definitions_hash
from pipelines.catalogue.staging import staging_models
from pipelines.declarations.exposures import exposures
from pipelines.declarations.generated_models import generate
from pipelines.declarations.indicator_catalogue import check_sources, load_catalogue
from pipelines.declarations.measure_columns import measure_problems
from pipelines.declarations.sources import load_sources
from pipelines.declarations.yaml_document import at, load_yaml
from pipelines.disk import disk_errors
from pipelines.errors import DeclarationError, GorodError
from pipelines.moments import today
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse import engine_of, error_from_log, server_of

DBT_PROJECT = PROJECT / "dbt"
# generated from the declarations before dbt reads its project; never edited, not under version control
GENERATED = DBT_PROJECT / "generated"


def staging_by_hand(folder: Path = DBT_PROJECT / "models" / "staging") -> dict[str, tuple[str, ...]]:
    """The hand-written staging models, with the columns that their YAML describes."""
    described = {
        model["name"]: tuple(column["name"] for column in model.get("columns", ()))
        for path in sorted(folder.rglob("*.yml"))
        for model in (load_yaml(path) or {}).get("models") or ()
    }
    return {path.stem: described.get(path.stem, ()) for path in sorted(folder.rglob("*.sql"))}


def generated_files() -> dict[str, str]:
    """The dbt files that are generated from the declarations, by their path below ``dbt/generated``.

    Raises:
        DeclarationError: the declarations are inconsistent.
    """
    sources, catalogue = load_sources(), load_catalogue()
    check_sources(catalogue, sources)
    staging = staging_by_hand()
    models = {path.stem for path in (DBT_PROJECT / "models").rglob("*.sql")}
    problems = [
        f"{at(path, *location)}: {problem}"
        for path, (location, problem) in measure_problems(sources, catalogue.measures, staging, models)
    ]
    if problems:
        raise DeclarationError("\n".join(problems), "How measures are declared: docs/indicators.md#measures.")
    contracts = {path.stem for path in (DBT_PROJECT / "models" / "published").glob("*.sql")}
    return {
        **generate(sources, catalogue.measures, staging),
        **staging_models(),
        "models/exposures.yml": exposures(contracts),
    }


def write_generated_files(folder: Path = GENERATED) -> list[Path]:
    """Write changed files, and remove those that are no longer generated; returns the paths it touched.

    Raises:
        DeclarationError: the declarations are inconsistent.
    """
    wanted = {folder / name: text for name, text in generated_files().items()}
    touched = []
    with disk_errors(folder):
        for path, text in wanted.items():
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            # another process may read or write it at the same time
            part = path.with_name(f".{path.name}.{os.getpid()}")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
            touched.append(path)
        for path in [one for one in folder.rglob("[!.]*.*") if one.is_file() and one not in wanted]:
            path.unlink(missing_ok=True)
            touched.append(path)
    return touched


# a run asks for the manifest several times, and its definitions do not change meanwhile
@lru_cache(maxsize=1)
def _ensure_generated(definitions: str) -> None:  # noqa: ARG001
    write_generated_files()


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The environment in which dbt runs."""
    server = server_of(settings)
    reached = {"GOROD_WAREHOUSE_PATH": settings.warehouse} if server is None else dict(server.environment)
    return {
        **reached,
        "GOROD_DBT_TARGET": engine_of(settings),
        "GOROD_TODAY": today().isoformat(),
        "GOROD_DEFINITIONS_HASH": definitions_hash(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_TARGET_PATH": str(dbt_target(settings)),
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
        # logging every statement costs a tenth of a build; the statements themselves are in target*/run
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
    }


def dbt_target(settings: Settings) -> Path:
    """dbt's folder for its manifest and compiled SQL, one for each warehouse engine."""
    return settings.home / "dbt" / f"target-{engine_of(settings)}"


def dbt_executable() -> str:
    """The dbt in this interpreter's environment, whether on PATH or not."""
    return str(Path(sys.executable).with_name("dbt"))


def dbt_command() -> list[str]:
    """How Dagster starts dbt, without its arguments: ``pipelines/dbt_command.py``."""
    # the project's folder is the working directory, and its folders are no packages
    return [sys.executable, "-P", "-m", "pipelines.dbt_command"]


def ensure_manifest(settings: Settings) -> Path:
    """Path of dbt's manifest; parses the dbt project first if its files have changed.

    Raises:
        GorodError: the project does not parse.
    """
    with prefetched_manifest(settings) as manifest:
        return manifest()


@contextmanager
def prefetched_manifest(settings: Settings) -> Iterator[Callable[[], Path]]:
    """Let dbt parse its project, if its files have changed, in the background of the body.

    Yields a form of :func:`ensure_manifest` that waits for the parsing to end.
    """
    _ensure_generated(definitions_hash())
    target = dbt_target(settings)
    kept = _kept_manifest(settings)
    if kept.exists():
        yield lambda: kept
        return
    with disk_errors(settings.home):
        target.mkdir(parents=True, exist_ok=True)
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    with subprocess.Popen(
        [dbt_executable(), "--no-use-colors", "--quiet", "parse", *project],
        env={**os.environ, **dbt_environment(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as parsing:

        def ensured() -> Path:
            if kept.exists():
                return kept
            said, _ = parsing.communicate()
            if parsing.returncode != 0:
                raise error_from_log(settings, said) or _does_not_parse(said)
            for older in target.glob("parsed-*"):
                older.unlink()
            with disk_errors(settings.home):
                part = kept.with_suffix(".part")
                shutil.copyfile(target / "manifest.json", part)
                part.replace(kept)
            return kept

        try:
            yield ensured
        finally:
            # the body did not need it
            if parsing.poll() is None:
                parsing.terminate()


def read_manifest(settings: Settings) -> Mapping[str, Any]:
    """dbt's manifest, for inspecting the project; writes nothing.

    If none is stored for the current definitions, a copy of the project is parsed, and removed.

    Raises:
        GorodError: the project does not parse.
    """
    kept = _kept_manifest(settings)
    if kept.exists():
        return _kept(kept)
    with TemporaryDirectory(prefix="gorod-dbt-") as folder:
        project, target = Path(folder, "project"), Path(folder, "target")
        shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("generated", "target", "logs"))
        write_generated_files(project / GENERATED.name)
        environment = {
            **dbt_environment(settings),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": folder,
            "DBT_PROFILES_DIR": str(project),
        }
        parsed = subprocess.run(
            [dbt_executable(), "--no-use-colors", "--quiet", "parse", "--project-dir", str(project)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if parsed.returncode != 0:
            said = parsed.stdout + parsed.stderr
            raise error_from_log(settings, said) or _does_not_parse(said)
        return _read_json(target / "manifest.json")


def _kept_manifest(settings: Settings) -> Path:
    """Where the manifest of the present definitions is kept."""
    # a copy: each build rewrites manifest.json, and may be killed or find the disk full meanwhile
    return dbt_target(settings) / f"parsed-{definitions_hash()[:16]}.json"


# what is kept under its definitions' hash does not change
@lru_cache(maxsize=1)
def _kept(path: Path) -> Mapping[str, Any]:
    return _read_json(path)


def _read_json(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _does_not_parse(said: str) -> GorodError:
    return GorodError(
        f"the dbt project does not parse: {said.strip()}",
        "Run `dbt parse` in dbt/ and correct what it reports.",
    )


if __name__ == "__main__":
    # after setup: for `dbt` by hand, and so that `make demo` finds the project parsed; whoever installs may not write to
    # any other home
    ensure_manifest(Settings(home=PROJECT / ".gorod", warehouse=""))
