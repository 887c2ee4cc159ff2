"""dagster-webserver behind the guard: ``python -m pipelines.orchestration.webserver``, with the arguments of its own command.

The token comes from the environment (``GOROD_UI_TOKEN``), or from a file of Dagster's home that only its owner reads.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Any

from pipelines.orchestration.guard import Guard
from pipelines.settings import Settings, get_settings

KEPT = "ui-token"


def token_of(settings: Settings) -> str:
    """The token of the UI; made once where the environment gives none, so that a browser stays known after a restart."""
    given = settings.ui_token.get_secret_value()
    if given:
        return given
    kept = settings.dagster_home / KEPT
    try:
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return kept.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(32))
    return kept.read_text(encoding="ascii").strip()


def hosts_of(settings: Settings, port: int) -> frozenset[str]:
    """The hosts that the UI answers under: the loopback interface, and the names that a proxy passes on."""
    named = settings.ui_hosts.lower().replace(",", " ").split()
    return frozenset({f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", *named})


def main() -> None:
    """dagster-webserver's own command, its application guarded."""
    from importlib import import_module

    cli: Any = import_module("dagster_webserver.cli")
    settings = get_settings()
    arguments = sys.argv[1:]
    port = int(arguments[arguments.index("-p") + 1])
    create = cli.create_app_from_workspace_process_context

    def guarded(*given: Any, **options: Any) -> Any:
        return Guard(create(*given, **options), token_of(settings), hosts_of(settings, port))

    # dagster-webserver takes no middleware; the tests see that no request gets by
    cli.create_app_from_workspace_process_context = guarded
    sys.argv[0] = str(Path(sys.executable).with_name("dagster-webserver"))
    cli.main()


if __name__ == "__main__":
    main()
