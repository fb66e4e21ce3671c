"""`envsuite assets`: the third-party files that envsuite uses and does not carry."""

from __future__ import annotations

from typing import Annotated

import typer

from envsuite.cli.console import columns, print_json, print_plain


def fetch(
    names: Annotated[list[str], typer.Argument(help="Names, as `envsuite assets list` shows them.")],
) -> None:
    """Fetch assets with pip, by version and SHA-256, unless they are there."""
    from envsuite import assets

    for name in names:
        print_plain(f"{name}: {assets.fetch(name)}")


def list_assets(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the assets, where each comes from and where it lies."""
    from envsuite import assets

    records = [
        {
            "name": name,
            "summary": asset.summary,
            "source": f"{asset.distribution}=={asset.version}",
            "sha256": asset.sha256,
            "licence": asset.licence,
            "folder": None if assets.find(name) is None else str(assets.find(name)),
        }
        for name, asset in assets.ASSETS.items()
    ]
    if as_json:
        print_json(records)
        return
    rows = [(str(r["name"]), str(r["source"]), str(r["folder"] or "not fetched"), str(r["summary"])) for r in records]
    for line in columns([("name", "from", "folder", "what for"), *rows]):
        print_plain(line)
