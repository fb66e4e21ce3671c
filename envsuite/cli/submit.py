"""`envsuite submit`: check a submission here, and send it to a board."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envsuite.cli.console import error_console, print_json, print_plain

if TYPE_CHECKING:
    from envsuite.leaderboard.client import Client
    from envsuite.leaderboard.schemas import SubmissionView

Server = Annotated[str | None, typer.Option(envvar="ENVSUITE_SERVER", help="Address of the board.")]
Token = Annotated[
    str | None, typer.Option(envvar="ENVSUITE_TOKEN", help="Your token; a shell keeps what is typed in its history.")
]


def submit(
    path: Annotated[Path, typer.Argument(help="Folder or zip of a submission, or a folder of results.")],
    server: Server = None,
    token: Token = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the submission as JSON.")] = False,
) -> None:
    """Send a submission to a board; results of your own are taken as self-reported."""
    from envsuite.leaderboard.client import connect
    from envsuite.leaderboard.results import MANIFEST
    from envsuite.leaderboard.submission.check import require

    if not (path / MANIFEST).is_file():
        require(path)
    with connect(server, token) as client:
        _learn_suites(client)
        view = _send_results(client, path) if (path / MANIFEST).is_file() else _send_bundle(client, path)
        if as_json:
            print_json(view.model_dump(mode="json"))
            return
        print_plain(f"Submission {view.id}: {view.name} {view.version} on {view.suite}, {view.state}")
        print_plain(f"{client.server}/submissions/{view.id}")
        error_console.print(f"`envsuite submissions {view.id} --watch` shows how it goes on.", markup=False)


def _learn_suites(client: Client) -> None:
    """Makes the board's own suites known here, so that a manifest may name them."""
    from envsuite.catalogue import SUITES, add_suite
    from envsuite.errors import UnknownName

    for suite in client.suites():
        if suite.name not in SUITES:
            try:
                add_suite(suite)
            except UnknownName:  # of tasks that this version lacks; what uses it is refused by name
                continue


def _send_bundle(client: Client, path: Path) -> SubmissionView:
    from envsuite.errors import InvalidSubmission
    from envsuite.leaderboard.submission.bundle import Bundle
    from envsuite.leaderboard.submission.check import check

    report = check(path, play=False)
    if not report.ok:
        raise InvalidSubmission(report.problems)
    for note in report.notes:
        error_console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
    with Bundle.open(path) as bundle:
        return _with_progress(client.submit, bundle.archive, f"Sending {bundle.manifest.name}")


def _send_results(client: Client, folder: Path) -> SubmissionView:
    from envsuite.leaderboard.results import Results
    from envsuite.leaderboard.service.claims import LIMITS
    from envsuite.leaderboard.submission.archive import pack

    name = Results.load(folder).manifest.agent
    error_console.print(
        "These numbers will be shown as self-reported, or validated once a replay has confirmed them.", markup=False
    )
    with tempfile.TemporaryDirectory(prefix="envsuite-submit-") as temporary:
        archive = Path(temporary) / "results.zip"
        pack(folder, archive, LIMITS)
        return _with_progress(client.upload_results, archive, f"Sending {name}")


def _with_progress(send: Callable[..., SubmissionView], archive: Path, label: str) -> SubmissionView:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    hidden = not error_console.is_terminal
    with Progress(*columns, console=error_console, disable=hidden, transient=True) as bars:
        bar = bars.add_task(label, total=archive.stat().st_size)
        return send(archive, on_progress=lambda sent, total: bars.update(bar, completed=sent, total=total))
