"""`envsuite merge`: join the shards of one evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envsuite.cli.evaluate import report


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Results folders of `--shard i/N`.")],
    out: Annotated[Path, typer.Option(help="New folder of the whole.")],
) -> None:
    """Join the shards of one evaluation into a new folder."""
    from envsuite.leaderboard.results import merge as join

    report(join(folders, out))
