"""``python -m sandbox up``, or ``gorod sandbox up``: the simulated systems as real servers on loopback."""

from __future__ import annotations

import argparse
import re
import signal
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from shlex import quote

from sandbox.protocols import PROTOCOLS, serve
from sandbox.server import Fault, FaultOf, no_faults, running
from sandbox.systems import SYSTEMS

ALL = "all"
FAULTS = {
    "429": Fault("status", status=429, retry_after="1"),
    "500": Fault("status", status=500),
    "503": Fault("status", status=503, retry_after="1"),
    "slow": Fault("slow", seconds=3),
    "hang": Fault("hang", seconds=60),
    "drop": Fault("close"),
    "cut": Fault("cut"),
    "html": Fault("html"),
    "total": Fault("total"),
    "duplicate": Fault("duplicate"),
    "missing": Fault("missing"),
    "drift": Fault("drift"),
    "empty": Fault("empty"),
    "schema": Fault("schema"),
    "person": Fault("person"),
}
WHEN = re.compile(r"(?P<first>[1-9]\d*)(-(?P<last>[1-9]\d*))?|1/(?P<each>[1-9]\d*)")


def parsed_fault(text: str) -> tuple[str, FaultOf]:
    """System and faults of ``SYSTEM=FAULT[@WHEN]``; WHEN is ``2``, ``1-3`` or ``1/4`` (each fourth request); without: all.

    Raises:
        ValueError: it is written in another way.
    """
    name, _, what = text.partition("=")
    kind, at, when = what.partition("@")
    match = WHEN.fullmatch(when) if at else None
    if name not in (ALL, *SYSTEMS) or kind not in FAULTS or (at and match is None):
        raise ValueError(
            f"{text!r}: write SYSTEM=FAULT or SYSTEM=FAULT@WHEN; systems: {', '.join((ALL, *SYSTEMS))}; "
            f"faults: {', '.join(FAULTS)}; when: 2, 1-3, 1/4"
        )
    fault = FAULTS[kind]
    if match is None:
        return name, lambda _number: fault
    if match["each"]:
        each = int(match["each"])
        return name, lambda number: fault if number % each == 0 else None
    first = int(match["first"])
    last = int(match["last"] or first)
    return name, lambda number: fault if first <= number <= last else None


def _protocol_fault(text: str) -> tuple[str, str]:
    """Name and fault of ``sftp=corrupt``.

    Raises:
        ValueError: it has no such fault.
    """
    name, _, fault = text.partition("=")
    known = PROTOCOLS[name].faults
    if fault not in known:
        raise ValueError(f"{text!r}: faults of {name}: {', '.join(known) or 'none'}")
    return name, fault


def _first_of(faults: Sequence[FaultOf]) -> FaultOf:
    """The first of several faults that a request meets."""

    def of(number: int) -> Fault | None:
        return next((fault for one in faults if (fault := one(number)) is not None), None)

    return of if faults else no_faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted, or as long as ``--for`` says."""
    parser = argparse.ArgumentParser(
        prog="gorod sandbox", description="Simulated systems on loopback; all data are synthetic."
    )
    commands = parser.add_subparsers(required=True, metavar="up")
    up = commands.add_parser("up", help="start the simulated systems", description=parser.description)
    up.add_argument(
        "systems", nargs="*", metavar="SYSTEM", help=f"all, or some of: {', '.join((*SYSTEMS, *PROTOCOLS))}"
    )
    up.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end after so long")
    up.add_argument(
        "--port", type=int, default=0, help="port of the first system, the others follow; 0 takes free ones"
    )
    up.add_argument("--scale", type=float, default=1, help="times as much data")
    up.add_argument("--env", type=Path, metavar="FILE", help="write the variables there, to be sourced")
    up.add_argument(
        "--fault", action="append", default=[], metavar="SYSTEM=FAULT[@WHEN]", help=", ".join(FAULTS)
    )
    given = parser.parse_args(arguments)
    try:
        # what goes wrong with a server of another protocol is not counted by requests
        own = [text for text in given.fault if text.partition("=")[0] in PROTOCOLS]
        protocol_faults = dict(map(_protocol_fault, own))
        faults = [parsed_fault(text) for text in given.fault if text not in own]
    except ValueError as error:
        up.error(str(error))
    if unknown := set(given.systems) - {*SYSTEMS, *PROTOCOLS}:
        up.error(f"no system {', '.join(sorted(unknown))}; there are {', '.join((*SYSTEMS, *PROTOCOLS))}")
    chosen = {name: one for name, one in SYSTEMS.items() if not given.systems or name in given.systems}
    others = {name: one for name, one in PROTOCOLS.items() if not given.systems or name in given.systems}
    over = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: over.set())
    with ExitStack() as stack:
        variables: dict[str, str] = {}
        print("Synthetic data / вымышленные данные. Ctrl-C to stop.")
        for number, (name, simulated) in enumerate(chosen.items()):
            own = [one for system, one in faults if system in (ALL, name)]
            sandbox = stack.enter_context(
                running(simulated.make(given.scale), _first_of(own), given.port + number if given.port else 0)
            )
            print(f"{name:14} {sandbox.url:24} {simulated.title}")
            variables |= simulated.environment(sandbox.url)
        for name, protocol in others.items():
            if not protocol.is_installed():
                print(f"{name:14} {'not installed':24} {protocol.title}")
                continue
            served = serve(stack, name, given.scale, protocol_faults.get(name))
            print(f"{name:14} {served.address:24} {protocol.title}")
            variables |= served.variables
        exports = [f"export {name}={quote(value)}" for name, value in variables.items()]
        if given.env:
            given.env.write_text("\n".join([*exports, ""]), encoding="utf-8")
            print(f"source {given.env}", flush=True)
        else:
            print("\n".join(exports), flush=True)
        over.wait(given.seconds)
    return 0
