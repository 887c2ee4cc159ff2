"""dbt without the cost of its imports and of parsing: run in a fork of a process that has imported it.

``install`` makes this process start dbt so. What it starts is a child like any other, with its own process number, in
the same process group and with the same pipes; only no programme is executed in it. The project is parsed once for all
workers of a session: what dbt keeps of it (``partial_parse.msgpack``) is laid into each new target folder.

What is about the real command (``run_on_samples``) does not come here.

A fork of a process with threads has none of them, and would wait for ever for a lock that one of them held. Here the
threads are of native libraries, which hold no lock while they have nothing to do, and in a worker of pytest the one that
waits for its master; what Python, glibc and jemalloc hold they let go of in a fork. Should one hang all the same, it says
where and ends, long before its test would.
"""

from __future__ import annotations

import faulthandler
import fcntl
import gc
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from multiprocessing import resource_tracker, util
from pathlib import Path
from typing import Any

from pipelines.dbt_project import DBT_PROJECT, dbt_command, dbt_executable
from pipelines.settings import PROJECT

# the name that every DuckDB file of the tests has: dbt writes it into what it keeps
USUAL = "warehouse.duckdb"
# seconds after which a dbt that was forked from here is taken to hang
LONGEST_S = 1200
# names the folder of parsed projects; not GOROD_*, which tests take out of the environment
PARSED = "PARSED_DBT_PROJECTS"


class _Popen(subprocess.Popen[Any]):
    """``subprocess.Popen``, but dbt is run in a fork of this process."""

    def __init__(self, args: Any, *others: Any, **options: Any) -> None:
        command = dbt_command()
        of_dagster = isinstance(args, list) and args[: len(command)] == command
        if of_dagster or (isinstance(args, list) and args and args[0] == dbt_executable()):
            import dbt.cli.main  # noqa: F401 - once, for all that are forked from here

            environment = dict(options.get("env") or os.environ)
            own = args[len(command) :] if of_dagster else args[1:]
            options["preexec_fn"] = lambda: _become_dbt(own, environment, of_dagster)
        super().__init__(args, *others, **options)


def install() -> None:
    """Run dbt in forks of this process from now on."""
    subprocess.Popen = _Popen  # type: ignore[misc]


def parse_once() -> None:
    """Have the project parsed, by whichever worker comes first; the other waits for it."""
    folder = Path(os.environ[PARSED])
    kept = folder / f"duckdb.{Path(USUAL).stem}"
    with (folder / "lock").open("w") as lock, tempfile.TemporaryDirectory() as target:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            return
        where = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
        paths = ["--target-path", target, "--log-path", target]
        parse = f"from tests.support import warm_dbt; warm_dbt.run({['parse', *where, *paths]!r})"
        kept_out = {name: value for name, value in os.environ.items() if not name.startswith("GOROD_")}
        subprocess.run(
            [sys.executable, "-c", parse], cwd=PROJECT, env={**kept_out, "GOROD_WAREHOUSE_PATH": USUAL},
            check=True, capture_output=True,
        )  # fmt: skip


def preload() -> None:
    """Read what was parsed, so that no fork of this process reads it again."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    kept = Path(os.environ[PARSED]) / f"duckdb.{Path(USUAL).stem}"
    read = Manifest.from_msgpack
    content = kept.read_bytes()
    parsed = [read(content, decoder=extended_mashumuro_decoder)]
    # the first conversion of each kind of node makes its code
    for node in read(content, decoder=extended_mashumuro_decoder).nodes.values():
        node.to_resource().to_dict(omit_none=False)

    def from_msgpack(given: bytes, **options: Any) -> Any:
        return parsed.pop() if parsed and given == content else read(given, **options)

    Manifest.from_msgpack = from_msgpack


def _become_dbt(arguments: Sequence[str], environment: dict[str, str], of_dagster: bool) -> None:
    """The rest of a process that has just been forked, with its pipes and its folder in place."""
    code = 1
    try:
        # its parent waits for the end of a pipe that would say why no programme could be executed
        tracker = getattr(resource_tracker._resource_tracker, "_fd", None) or 2
        os.closerange(3, tracker)
        os.closerange(tracker + 1, os.sysconf("SC_OPEN_MAX"))
        # Python's own streams may have been turned elsewhere
        sys.stdout, sys.stderr = (
            os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", closefd=False) for descriptor in (1, 2)
        )
        os.environ.clear()
        os.environ.update(environment)
        faulthandler.dump_traceback_later(LONGEST_S, exit=True, file=sys.stderr)
        run(arguments, of_dagster)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        # what this process made for itself; not what its parent has registered for its own end
        util._run_finalizers()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(arguments: Sequence[str], of_dagster: bool = False) -> None:
    """dbt itself, in this process, with the project as it was parsed before; or as Dagster starts it.

    Raises:
        SystemExit: always; with dbt's exit code.
    """
    from dbt.cli.main import cli

    from pipelines.dbt_command import main

    if list(arguments) == ["--version"]:
        # dbt itself asks a package index for the newest
        print(f"installed: {version('dbt-core')}")
        raise SystemExit(0)
    if "debug" not in arguments:
        _parse_by_name_of_database()
    kept, target = _parsed(arguments), _target(arguments) / "partial_parse.msgpack"
    if kept is not None:
        _lay(kept, target)
    # a process that soon ends: what it has no more use for may stay
    gc.disable()
    if not of_dagster:
        os.environ.setdefault("DBT_LOG_LEVEL_FILE", "none")
    sys.argv = ["dbt", *arguments]
    try:
        sys.exit(main()) if of_dagster else cli()
    finally:
        if kept is not None and target.exists() and not kept.exists():
            _replace(kept, target.read_bytes())


def _parse_by_name_of_database() -> None:
    """dbt parses anew if anything of the connection is another; only the name of the database counts for what it reads."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.postgres.connections import PostgresCredentials

    for credentials in (DuckDBCredentials, PostgresCredentials):
        credentials._connection_keys = lambda _: ("database",)


def _parsed(arguments: Sequence[str]) -> Path | None:
    """Where the parsed project is kept, by the name of the database; None for a copy of the project or given variables."""
    folder = os.environ.get(PARSED)
    project = _option(arguments, "--project-dir") or os.environ.get("DBT_PROJECT_DIR") or Path.cwd()
    if folder is None or Path(project).resolve() != DBT_PROJECT or {"--vars", "debug"} & set(arguments):
        return None
    if os.environ.get("GOROD_DBT_TARGET") == "postgres":
        return Path(folder) / f"postgres.{os.environ.get('PGDATABASE')}"
    return Path(folder) / f"duckdb.{Path(os.environ.get('GOROD_WAREHOUSE_PATH', 'none')).stem}"


def _lay(kept: Path, target: Path) -> None:
    """Put the parsed project into a target folder that has none, or that of another database."""
    if target.exists() and _hash(kept) in target.read_bytes():
        return
    if not kept.exists():
        # that of another database of the tests differs in the name alone, which is as long and found nowhere else
        for other in kept.parent.glob(f"{kept.stem}.gorod_*"):
            if ".gorod_" in kept.name and len(other.name) == len(kept.name):
                parsed = other.read_bytes().replace(_hash(other), _hash(kept))
                _replace(kept, parsed.replace(other.suffix[1:].encode(), kept.suffix[1:].encode()))
                break
    if kept.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, target)


def _hash(kept: Path) -> bytes:
    """What dbt compares to see whether the connection is still the same."""
    return hashlib.sha256(str([("database", kept.suffix[1:])]).encode()).hexdigest().encode()


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)


def _target(arguments: Sequence[str]) -> Path:
    return Path(
        _option(arguments, "--target-path") or os.environ.get("DBT_TARGET_PATH") or DBT_PROJECT / "target"
    )


def _option(arguments: Sequence[str], name: str) -> str | None:
    return arguments[arguments.index(name) + 1] if name in arguments else None
