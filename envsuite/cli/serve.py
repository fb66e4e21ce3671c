"""`envsuite serve`: a board with its API and its workers on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envsuite.cli.console import print_plain


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=0, help="Processes that evaluate; 0 leaves it to `envsuite worker`.")] = 1,
    home: Annotated[Path | None, typer.Option(help="Folder of the board. [ENVSUITE_HOME, or the user's data]")] = None,
    database: Annotated[str, typer.Option(help="URL of the database. [DATABASE_URL, or SQLite in the folder]")] = "",
    suites: Annotated[Path | None, typer.Option(help="TOML or JSON file with suites of a private board.")] = None,
    uploads_per_day: Annotated[int, typer.Option(min=1, help="Uploads of one account in 24 hours.")] = 20,
    trust_proxy: Annotated[bool, typer.Option(help="Take callers' addresses from a proxy's X-Forwarded-For.")] = False,
) -> None:
    """Serve a board; the first start makes all it needs and prints an admin's token."""
    from envsuite.leaderboard.home import home as default_home
    from envsuite.leaderboard.service.run import serve as run
    from envsuite.leaderboard.service.settings import ServiceLimits, Settings
    from envsuite.leaderboard.suitefile import read_suites

    settings = Settings(
        home=(home or default_home()).absolute(),
        database=database,
        suites=tuple(read_suites(suites)) if suites else (),
        limits=ServiceLimits(uploads_per_day=uploads_per_day),
        trust_proxy=trust_proxy,
    )
    run(settings, host=host, port=port, workers=workers, say=print_plain)
