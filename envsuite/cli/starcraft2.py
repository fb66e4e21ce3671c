"""`envsuite starcraft2`: the simulator of StarCraft II for programs that were written for the game."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envsuite.cli.console import print_plain


def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8168,
    listen: Annotated[str, typer.Option(help="Address to listen on; there is no password.")] = "127.0.0.1",
) -> None:
    """Answer the game's protocol on a websocket until a client quits. One client plays at a time."""
    from envsuite.families.starcraft2.protocol.pysc2_shim import load_protocol

    load_protocol()
    from envsuite.families.starcraft2.protocol.info import LABEL
    from envsuite.families.starcraft2.protocol.server import Server

    server = Server(listen, port)
    print_plain(f"{LABEL} answers on {server.url} (Ctrl-C ends it)")
    try:
        server.serve()
    except KeyboardInterrupt:
        print_plain("ended")


def install_sim(
    folder: Annotated[Path, typer.Argument(help="Folder to make; SC2PATH is to name it.", metavar="DIR")],
) -> None:
    """Make a folder in which pysc2 and other programs find the simulator in the game's place."""
    from envsuite.families.starcraft2.protocol.pysc2_shim import load_protocol

    load_protocol()
    from envsuite.families.starcraft2.protocol.install import install_simulator

    files = install_simulator(folder)
    root = folder.expanduser().absolute()
    print_plain(f"{root}: a program in the game's place, and {len(files) - 2} stubs of maps")
    print_plain(
        f"SC2PATH={root} lets programs written for the game play on the simulator; its scores are not the game's"
    )
