"""`envsuite demo`: score the agents that need no training and show the board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SUITE = "quick-v1"


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the results, a folder per agent.")] = Path("runs/demo"),
    page: Annotated[Path, typer.Option(help="The board as a page.")] = Path("runs/board.html"),
    workers: Annotated[int, typer.Option(min=0, help="Processes that play.")] = 2,
) -> None:
    """Score random, constant and scripted agents on quick-v1 and write the board."""
    from envsuite.agent import BUILT_IN
    from envsuite.catalogue import get_suite
    from envsuite.cli.board import print_scores, scores_of, write_board
    from envsuite.cli.console import console
    from envsuite.cli.evaluate import play

    suite = get_suite(SUITE)
    console.print(f"{suite.name}: {suite.summary} {len(suite.tasks)} tasks, {suite.episodes} episodes per agent.")
    results = [play(agent, SUITE, out / agent, workers=workers) for agent in BUILT_IN]
    scores = scores_of(results)
    print_scores(scores)
    write_board(page, results, scores)
