"""The `envsuite` command: its options, its table of commands, and how errors end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import envsuite
from envsuite.cli import admin, assets, board, sandbox, starcraft2, submission
from envsuite.cli.compare import compare
from envsuite.cli.console import print_error, print_plain
from envsuite.cli.demo import demo
from envsuite.cli.doctor import doctor
from envsuite.cli.evaluate import evaluate
from envsuite.cli.export import export
from envsuite.cli.info import info
from envsuite.cli.list import list_tasks
from envsuite.cli.merge import merge
from envsuite.cli.play import play_command
from envsuite.cli.replay import replay_command
from envsuite.cli.serve import serve
from envsuite.cli.submissions import submissions
from envsuite.cli.submit import submit
from envsuite.cli.verify import verify_command
from envsuite.cli.worker import worker
from envsuite.errors import EnvsuiteError

COMMANDS: Mapping[str, Callable[..., None]] = {
    "list": list_tasks,
    "info": info,
    "doctor": doctor,
    "evaluate": evaluate,
    "merge": merge,
    "compare": compare,
    "export": export,
    "play": play_command,
    "replay": replay_command,
    "verify": verify_command,
    "demo": demo,
    "submit": submit,
    "submissions": submissions,
    "serve": serve,
    "worker": worker,
    "requeue": admin.requeue,
}
"""Every command by name, in the order of `envsuite --help`. Their modules import what is heavy when they run."""

GROUPS: Mapping[str, tuple[str, Mapping[str, Callable[..., None]]]] = {
    "board": ("Show results, or write a board as plain files.", {"show": board.show, "export": board.export}),
    "submission": (
        "Start a submission, and check it before it is sent.",
        {"new": submission.new, "check": submission.check},
    ),
    "sandbox": ("Try the sandbox that untrusted agents run in.", {"check": sandbox.check}),
    "user": ("Accounts of a board; for its admins.", admin.USER),
    "token": ("Tokens of a board's accounts; for its admins.", admin.TOKEN),
    "season": ("Seasons of held-out seeds; opened and closed by a board's admins.", admin.SEASON),
    "assets": (
        "Fetch third-party files that envsuite uses and does not carry.",
        {"list": assets.list_assets, "fetch": assets.fetch},
    ),
    "starcraft2": (
        "Let programs written for StarCraft II play on the simulator.",
        {"serve": starcraft2.serve, "install-sim": starcraft2.install_sim},
    ),
}
"""Commands that have sub-commands: name -> (help, sub-command by name)."""

USAGE_ERROR = 2
"""Exit status of an error that the user can mend; the shell's convention for wrong usage."""


class _Group(TyperGroup):
    """Ends what a user can mend, an `EnvsuiteError` or a file that cannot be used, as one line on standard error."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (EnvsuiteError, OSError) as error:
            print_error(error, with_traceback=bool(ctx.params.get("traceback")))
            raise typer.Exit(USAGE_ERROR) from error


class _SubGroup(TyperGroup):
    """A command with sub-commands; what names none of them goes to its `show`, where it has one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and "show" in self.commands and args[0] not in (*self.commands, "-h", "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="envsuite",
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_plain(f"envsuite {envsuite.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", envvar="ENVSUITE_TRACEBACK", help="Show where an error was raised.")
    ] = False,
    suites: Annotated[
        Path | None, typer.Option(envvar="ENVSUITE_SUITES", help="TOML or JSON file with suites of a private board.")
    ] = None,
) -> None:
    """Reinforcement-learning environments, agents and scores under one contract."""
    del version, traceback  # Read by the callback of `--version` and by `_Group`.
    if suites is not None:
        from envsuite.leaderboard.suitefile import add_suites

        add_suites(suites)


for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
for _name, (_help, _commands) in GROUPS.items():
    _group = typer.Typer(name=_name, help=_help, no_args_is_help=True, cls=_SubGroup)
    for _sub_name, _command in _commands.items():
        _group.command(_sub_name)(_command)
    app.add_typer(_group)
