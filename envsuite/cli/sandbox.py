"""`envsuite sandbox check`: try to break out of the sandbox of this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from envsuite.cli.console import columns, print_json, print_plain, progress

HOW_WIDTH = 100
"""Characters of the last column."""


def check(
    provider: Annotated[
        str | None, typer.Option(help="bubblewrap, landlock or subprocess; by default the best that works here.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
) -> None:
    """Let hostile agents try to break out of a sandbox, and say what became of each.

    The exit status is 1 when one gets out. Nothing is harmed: what they aim at was laid out for them.
    """
    from dataclasses import asdict

    from envsuite.leaderboard.sandbox import choose, escapes
    from envsuite.leaderboard.sandbox.attacks import ATTACKS

    chosen = choose(provider)
    outcomes = []
    with progress(transient=True) as bar:
        task = bar.add_task(f"attacking {chosen.name}", total=len(ATTACKS))
        for outcome in escapes.check(chosen.name):
            outcomes.append(outcome)
            bar.advance(task)
    escaped = [outcome for outcome in outcomes if not outcome.contained]
    enforced = escapes.enforced(chosen.name)
    if json:
        print_json(
            {
                "provider": enforced.provider,
                "safe": enforced.safe,
                "enforced": dict(enforced.features),
                "attacks": [asdict(outcome) for outcome in outcomes],
                "contained": not escaped,
            }
        )
    else:
        rows = [(o.attack, "contained" if o.contained else "ESCAPED", _short(o.how)) for o in outcomes]
        for line in columns([("attack", "outcome", "how"), *rows]):
            print_plain(line)
        print_plain()
        print_plain(f"{enforced.provider}{'' if enforced.safe else ' (UNSAFE)'} enforces:")
        for line in columns([(f"  {name}", text) for name, text in enforced.features.items()]):
            print_plain(line)
        print_plain()
        print_plain(f"{len(outcomes) - len(escaped)} of {len(outcomes)} attacks contained")
    if escaped:
        raise typer.Exit(1)


def _short(text: str) -> str:
    """Returns a text on one line that fits the table."""
    text = " ".join(text.split())
    return text if len(text) <= HOW_WIDTH else text[: HOW_WIDTH - 3] + "..."
