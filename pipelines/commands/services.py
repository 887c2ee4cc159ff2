"""``gorod ui`` and ``gorod daemon``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import console
from pipelines.commands.answering import handle_errors
from pipelines.settings import get_settings


@handle_errors
def ui(
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 3000,
    daemon: Annotated[
        bool, typer.Option("--daemon/--no-daemon", help="With the daemon, or only the UI (as a service).")
    ] = True,
) -> None:
    """Start Dagster's UI on this state; the printed address contains the access token. Ctrl-C stops it."""
    from pipelines.orchestration import services
    from pipelines.orchestration.webserver import KEPT, token_of

    settings = get_settings()
    if not daemon:
        # a service's output is stored: it must not contain the token
        console.out.print(
            f"http://127.0.0.1:{port}; the token: GOROD_UI_TOKEN, or {settings.dagster_home / KEPT}"
        )
        services.become_webserver(settings, port)
    services.prepare(settings)
    console.out.print(f"http://127.0.0.1:{port}/?token={token_of(settings)}")
    raise typer.Exit(services.run_both(settings, port))


@handle_errors
def daemon() -> None:
    """Run only Dagster's daemon (as a service): schedules, sensors, the run queue. Used with ui --no-daemon."""
    from pipelines.orchestration import services

    services.become_daemon(get_settings())
