"""The `envsuite` command: its options, its table of commands, and how errors end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import envsuite
from envsuite.cli.board import board
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
from envsuite.errors import EnvsuiteError

COMMANDS: Mapping[str, Callable[..., None]] = {
    "list": list_tasks,
    "info": info,
    "doctor": doctor,
    "evaluate": evaluate,
    "merge": merge,
    "board": board,
    "export": export,
    "play": play_command,
    "replay": replay_command,
    "demo": demo,
}
"""Every command by name, in the order of `envsuite --help`. Their modules import what is heavy when they run."""

GROUPS: Mapping[str, tuple[str, Mapping[str, Callable[..., None]]]] = {}
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
) -> None:
    """Reinforcement-learning environments, agents and scores under one contract."""
    del version, traceback  # Read by the callback of `--version` and by `_Group`.


for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
for _name, (_help, _commands) in GROUPS.items():
    _group = typer.Typer(name=_name, help=_help, no_args_is_help=True)
    for _sub_name, _command in _commands.items():
        _group.command(_sub_name)(_command)
    app.add_typer(_group)
