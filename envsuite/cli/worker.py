"""`envsuite worker`: evaluate submissions for a board, here or on another machine."""

from __future__ import annotations

import platform
import re
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from envsuite.cli.console import error_console

FROM_INPUT = "-"
"""Value of --token that reads it from standard input, so that it is in no list of processes."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")


def worker(
    server: Annotated[str | None, typer.Option(envvar="ENVSUITE_SERVER", help="Address of the board.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="ENVSUITE_TOKEN", help="A worker's token; - reads it from standard input.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Jobs that are played at once.")] = 1,
    provider: Annotated[str | None, typer.Option(help="Sandbox: bubblewrap or landlock. [the best that works]")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder of bundles and packages. [in ENVSUITE_HOME]")] = None,
    name: Annotated[str | None, typer.Option(help="Of this worker, never that of another one. [made up]")] = None,
    embedded: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Evaluate submissions for a board until ctrl-C; unfinished work goes back to it."""
    from envsuite.errors import InvalidArgument
    from envsuite.leaderboard.worker import check_sandbox

    check_sandbox(provider)
    if name is not None and not _NAME.fullmatch(name):
        raise InvalidArgument(f"name: expected letters, digits, dots, hyphens and underscores, got {name[:80]!r}")
    stop = threading.Event()
    if embedded:
        from envsuite.leaderboard.processes import end_with_parent

        token = end_with_parent(stop.set)
    elif token == FROM_INPUT:
        token = sys.stdin.readline().strip()
    if not server:
        raise InvalidArgument("server: expected the address of a board, got none; pass --server or set ENVSUITE_SERVER")
    if not token:
        raise InvalidArgument("token: expected a worker's token, got none; `envsuite token new WORKER` makes one")
    name = name or f"{_host()}-{secrets.token_hex(4)}"
    options = [f"--provider={provider}"] if provider else []
    folder = (cache or _cache()).absolute()
    if processes == 1:
        _work(server, token, name, folder, provider, stop, as_json=embedded)
    else:
        names = [f"{name}-{slot}" for slot in range(processes)]
        _work_together(server, token, names, [*options, f"--cache={folder}"])


def _work(
    server: str, token: str, name: str, cache: Path, provider: str | None, stop: threading.Event, *, as_json: bool
) -> None:
    from envsuite.leaderboard.client import Client
    from envsuite.leaderboard.service.logs import Log
    from envsuite.leaderboard.worker import work

    def say(line: str) -> None:
        if as_json:  # beside the server's own lines
            Log().write("worker", worker=name, message=line)
        else:
            error_console.print(f"{name}: {line}", markup=False, highlight=False, soft_wrap=True)

    with Client(server, token) as client:
        work(client, name=name, cache=cache, provider=provider, stop=stop, say=say)


def _work_together(server: str, token: str, names: list[str], options: list[str]) -> None:
    """Keeps worker processes running until a signal comes, or none of them can work here."""
    from envsuite.errors import ServerRefused
    from envsuite.leaderboard.processes import Crew, worker_command

    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    commands = [worker_command(server, name, *options) for name in names]
    try:
        with Crew(commands, secret=token, say=error_console.print) as crew:
            while not stop.wait(0.5):
                if crew.all_refused:
                    raise ServerRefused("no worker process can work here; each has said why above")
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", platform.node()).strip("-")[:40] or "worker"


def _cache() -> Path:
    """Returns the folder of a worker's bundles and packages."""
    from envsuite.leaderboard.home import home

    return home() / "worker"
