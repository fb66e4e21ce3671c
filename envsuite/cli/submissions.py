"""`envsuite submissions`: what has become of yours: state, place in the queue, time left, reasons, log."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from envsuite.cli.console import columns, error_console, print_json, print_plain
from envsuite.cli.submit import Server, Token

if TYPE_CHECKING:
    from envsuite.leaderboard.client import Client
    from envsuite.leaderboard.schemas import SubmissionView

EVERY_S = 2.0
ENDED = ("scored", "rejected", "failed", "cancelled")
_MINUTE, _HOUR = 60, 3600


def submissions(
    submission: Annotated[str | None, typer.Argument(help="Id of one, for its detail and the end of its log.")] = None,
    server: Server = None,
    token: Token = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until it has ended, or all have.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take it out of the queue, or stop it.")] = False,
    everyone: Annotated[bool, typer.Option("--all", help="Everybody's that have a score.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show your submissions to a board, or one of them."""
    from envsuite.errors import InvalidArgument
    from envsuite.leaderboard.client import connect

    if cancel and submission is None:
        raise InvalidArgument("cancel: expected the id of a submission before it")
    with connect(server, token) as client:
        if submission is None:
            _show_all(client, mine=not everyone, watch=watch, as_json=as_json)
            return
        if cancel:
            client.cancel(submission)
        view = _watch(client, submission) if watch else client.submission(submission)
        if as_json:
            print_json(view.model_dump(mode="json"))
        else:
            _show(client, view)
    if view.state in ("rejected", "failed"):
        raise typer.Exit(1)


def _show_all(client: Client, *, mine: bool, watch: bool, as_json: bool) -> None:
    views = client.submissions(mine=mine)
    while watch and any(view.state not in ENDED for view in views):
        waiting = [view for view in views if view.state not in ENDED]
        error_console.print("; ".join(_progress(view) for view in waiting), markup=False, highlight=False)
        time.sleep(EVERY_S)
        views = client.submissions(mine=mine)
    if as_json:
        print_json([view.model_dump(mode="json") for view in views])
    elif not views:
        print_plain("No submissions yet; `envsuite submission new` begins one, `envsuite submit` sends it.")
    else:
        rows: list[tuple[str, ...]] = [
            ("id", "name", "version", "suite", "state", "trust", "place", "left", "episodes", "reason")
        ]
        rows += [_row(view) for view in views]
        for line in columns(rows):
            print_plain(line)


def _row(view: SubmissionView) -> tuple[str, ...]:
    return (
        view.id,
        view.name,
        view.version,
        view.suite,
        view.state,
        view.trust or "",
        "" if view.place is None else str(view.place),
        "" if view.eta_s is None or view.state in ENDED else duration(view.eta_s),
        f"{view.episodes_done}/{view.episodes_total}",
        view.reason.partition("\n")[0] or _failures(view)[0],
    )


def _watch(client: Client, submission: str) -> SubmissionView:
    """Returns the submission when it has ended; says every change until then."""
    told = ""
    while True:
        view = client.submission(submission)
        now = _progress(view)
        if now != told:
            error_console.print(now, markup=False, highlight=False, soft_wrap=True)
            told = now
        if view.state in ENDED:
            return view
        time.sleep(EVERY_S)


def _progress(view: SubmissionView) -> str:
    left = "" if view.eta_s is None else f", about {duration(view.eta_s)} left"
    if view.state == "queued":
        return f"{view.name}: waits{'' if view.place is None else f' at place {view.place}'}{left}"
    if view.state == "running":
        return f"{view.name}: {view.episodes_done} of {view.episodes_total} episodes{left}"
    return f"{view.name}: {view.state}"


def _show(client: Client, view: SubmissionView) -> None:
    rows = [
        ("submission", view.id),
        ("name", f"{view.name} {view.version}"),
        ("suite", view.suite),
        ("state", view.state),
        ("trust", view.trust or ""),
        ("place", "" if view.place is None else str(view.place)),
        ("time left", "" if view.eta_s is None or view.state in ENDED else duration(view.eta_s)),
        ("episodes", f"{view.episodes_done} of {view.episodes_total}"),
        ("season", view.season or ""),
        ("sandbox", str(view.sandbox.get("provider", "")) if view.sandbox else ""),
        ("ledger", "" if view.ledger_index is None else f"entry {view.ledger_index}"),
        ("page", f"{client.server}/submissions/{view.id}"),
    ]
    for line in columns([row for row in rows if row[1]]):
        print_plain(line)
    if view.score is not None:
        from envsuite.cli.board import print_scores
        from envsuite.leaderboard.records import SuiteScore

        print_scores([SuiteScore.from_json(view.score)])
    if view.reason:
        print_plain()
        print_plain(view.reason)
    count, outcomes = _failures(view)
    if count:
        print_plain()
        print_plain(f"{count}: {outcomes}.")
        print_plain("`envsuite submission check BUNDLE` plays one episode of each task here and shows why.")
    if view.log_tail:
        print_plain()
        print_plain("The agent printed last:")
        for line in view.log_tail.splitlines():
            print_plain(f"  {printable(line)}")


def _failures(view: SubmissionView) -> tuple[str, str]:
    """Returns how many episodes the agent has failed, and by which outcomes; "" where none, or none is known."""
    from envsuite.episode import FAILED_BY_AGENT

    tasks = view.score["tasks"] if view.score else []
    failed = sum(task["failed"] for task in tasks)
    if not failed:
        return "", ""
    counts: Counter[str] = Counter()
    for task in tasks:
        counts.update({name: n for name, n in task["outcomes"].items() if name in FAILED_BY_AGENT})
    outcomes = ", ".join(f"{n} {name}" for name, n in counts.most_common())
    return f"{failed} of {sum(task['episodes'] for task in tasks)} episodes failed", outcomes


def printable(line: str) -> str:
    """Returns a line of a stranger without what would steer a terminal."""
    return "".join(character if character.isprintable() or character == "\t" else "\ufffd" for character in line)


def duration(seconds: float) -> str:
    """Returns seconds in words: 40 s, 12 min, 3 h 20 min."""
    if seconds < 2 * _MINUTE:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    hours, rest = divmod(round(seconds / _MINUTE), _MINUTE)
    return f"{hours} h {rest} min"
