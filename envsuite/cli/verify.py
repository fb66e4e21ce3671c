"""`envsuite verify`: check a result without trusting whoever publishes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from envsuite.cli.console import console, print_json, progress
from envsuite.errors import InvalidArgument

if TYPE_CHECKING:
    from envsuite.leaderboard.verify import Verification

FAILED = 1
"""Exit status when a check failed."""
INCOMPLETE = 3
"""Exit status when none failed and some were not made: skipped is not passed."""
_HEX_KEY = re.compile(r"[0-9a-f]{64}")
_COLOURS = {"ok": "green", "failed": "bold red", "skipped": "yellow"}


def verify_command(
    result: Annotated[Path, typer.Argument(help="A board's result file, or a folder of results.", show_default=False)],
    key: Annotated[str | None, typer.Option(help="The board's first public key: a file, or 64 hex digits.")] = None,
    chain: Annotated[Path | None, typer.Option(help="The board's chain, as it exports it.")] = None,
    secret: Annotated[
        str | None, typer.Option(help="The season's secret, 64 hex digits, once it is published.")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay/--no-replay", help="Play the recorded actions again.")] = True,
    workers: Annotated[int, typer.Option(min=0, help="Processes that replay; 0 plays in this one.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a result: bytes, signature, chain, score, and every episode by playing its actions again.

    The exit status is 0 if every check was made and passed, 1 if one failed, and 3 if none failed and some
    were skipped.
    """
    from envsuite.leaderboard.keys import read_public_key

    _check_files(result, key, chain)
    options: dict[str, Any] = {
        "public_key": None if key is None else read_public_key(key),
        "chain": chain,
        "secret": None if secret is None else _bytes_of(secret),
        "replay": replay,
        "workers": workers,
    }
    verification = _run(result, options)
    if as_json:
        print_json(verification.to_json())
    else:
        _print(verification)
    if verification.failed:
        raise typer.Exit(FAILED)
    if verification.skipped:
        raise typer.Exit(INCOMPLETE)


def _bytes_of(secret: str) -> bytes:
    try:
        return bytes.fromhex(secret)
    except ValueError as error:
        raise InvalidArgument(
            f"secret: expected hexadecimal digits, as the board shows them once the season has closed, got {secret!r}"
        ) from error


def _check_files(result: Path, key: str | None, chain: Path | None) -> None:
    """Raises `InvalidArgument` for the first file that is not there, whatever else is missing."""
    if not result.exists():
        raise InvalidArgument(
            f"result: expected a board's result file or a folder of results, got {result}, which does not exist; the "
            "submission's page has the file once its season has closed, and `envsuite evaluate --out` writes a folder"
        )
    if key is not None and not _HEX_KEY.fullmatch(key) and not Path(key).exists():
        raise InvalidArgument(
            f"key: expected 64 hexadecimal digits or a file with a public key, got {key}, which does not exist; "
            "SERVER/api/v1/key.pem is a board's"
        )
    if chain is not None and not chain.exists():
        raise InvalidArgument(
            f"chain: expected the file with a board's chain, got {chain}, which does not exist; "
            "SERVER/api/v1/ledger.jsonl is a board's"
        )


def _run(result: Path, options: dict[str, Any]) -> Verification:
    """Returns what the checks have found; a bar counts the replayed episodes."""
    from envsuite.leaderboard.verify import verify

    with progress(transient=True) as bars:
        bar = bars.add_task("episodes replayed", total=None)
        return verify(result, **options, on_replay=lambda _: bars.advance(bar))


def _print(verification: Verification) -> None:
    width = max(len(check.name) for check in verification.checks)
    for check in verification.checks:
        status = f"[{_COLOURS[check.status]}]{check.status:<7}[/]"
        console.print(f"{status}  {check.name:<{width}}  {escape(_harmless(check.sentence))}", soft_wrap=True)
    if verification.failed:
        console.print(f"[bold red]Not verified[/]: {', '.join(verification.failed)} failed.", soft_wrap=True)
    elif verification.skipped:
        names = ", ".join(verification.skipped)
        console.print(f"[yellow]Not verified in full[/]: nothing failed, but {names} skipped.", soft_wrap=True)
    else:
        console.print("[green]Verified[/]: every check was made and passed.", soft_wrap=True)


def _harmless(text: str) -> str:
    """Returns the text with what could steer a terminal made visible: a result is a stranger's."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
