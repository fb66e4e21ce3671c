"""`envsuite board`: show results as a table, write them as a page, or export a whole board as plain files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envsuite.cli.console import console, error_console, print_plain

if TYPE_CHECKING:
    from envsuite.leaderboard.results import Results
    from envsuite.leaderboard.score import SuiteScore


def show(
    folders: Annotated[list[Path], typer.Argument(help="Results folders of one suite, one per agent.")],
    page: Annotated[Path | None, typer.Option(help="Write the board as one HTML file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:
    """Show results: a table, Markdown, JSON or a page; `envsuite board FOLDER...` does the same."""
    from envsuite.leaderboard import board as boards
    from envsuite.leaderboard.results import Results

    results = [Results.load(folder) for folder in folders]
    scores = scores_of(results)
    if json:
        typer.echo(boards.to_json(scores))
    elif markdown:
        typer.echo(boards.to_markdown(scores))
    else:
        print_scores(scores)
    if page is not None:
        write_board(page, results, scores)


def export(
    static: Annotated[Path, typer.Option(help="Folder that the files go to; it must be empty or an earlier export.")],
    server: Annotated[
        str | None, typer.Option(help="Address of a board; without it, the board of this machine's database.")
    ] = None,
) -> None:
    """Write a board as plain files, for any web host or to be opened from disk."""
    from envsuite.leaderboard import static_export

    with static_export.remote(server) if server else static_export.local() as fetch:
        written = static_export.export(fetch, static)
    print_plain(f"{written.pages} pages and {written.files} other files: {static / 'index.html'}")


def scores_of(results: Sequence[Results]) -> list[SuiteScore]:
    """Returns the scores of results of one suite, split and seed; raises `ResultsMismatch` otherwise."""
    from envsuite.errors import ResultsMismatch

    first = results[0].manifest
    for result in results[1:]:
        other = result.manifest
        if (other.suite, other.split, other.seed) != (first.suite, first.split, first.seed):
            raise ResultsMismatch(
                f"{result.folder}: {other.suite.name}, split {other.split}, seed {other.seed} cannot stand beside "
                f"{first.suite.name}, split {first.split}, seed {first.seed}; show them on two boards"
            )
    return [result.score() for result in results]


def print_scores(scores: Sequence[SuiteScore]) -> None:
    """Prints the board as tables."""
    from envsuite.leaderboard import board as boards

    console.print(boards.to_text(scores))


def write_board(path: Path, results: Sequence[Results], scores: Sequence[SuiteScore]) -> None:
    """Writes the page and says where it is."""
    from envsuite.leaderboard.page import write_page

    manifests = [result.manifest for result in results]
    manifest = manifests[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(
        scores,
        path,
        title=f"envsuite board: {manifest.suite.name}",
        provenance={
            "Date": datetime.now(UTC).date().isoformat(),
            "Suite": f"{manifest.suite.name}: {manifest.suite.summary}",
            "Seeds": f"split {manifest.split}, root {manifest.seed}",
            "envsuite": _each(each.envsuite for each in manifests),
            **{
                f"Simulator {name}": _each(each.simulators[name] for each in manifests)
                for name in sorted(manifest.simulators)
            },
        },
    )
    error_console.print(f"Page: {path}", markup=False, highlight=False, soft_wrap=True)


def _each(versions: Iterable[str]) -> str:
    """Returns the versions that the results were measured with, each once."""
    return ", ".join(sorted(set(versions)))
