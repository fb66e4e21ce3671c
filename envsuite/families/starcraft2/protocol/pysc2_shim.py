"""Imports pysc2 4.0.0, which does not import on Python 3.11 and later without mends, and prepares its flags."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, MutableSequence
from typing import Any

from envsuite.errors import MissingSimulator

INSTALL = 'pip install "envsuite[starcraft2]"'
REPAIR = "pip install --force-reinstall --no-deps pys2clientprotocol"
_MODULES = (
    *("pysc2.lib.colors", "pysc2.lib.features", "pysc2.lib.remote_controller", "pysc2.lib.sc_process"),
    *("pysc2.run_configs", "pysc2.maps", "pysc2.env.sc2_env"),
)
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
_lock = threading.RLock()
_loaded = False


def load_pysc2() -> None:
    """Makes pysc2's modules importable; a second call costs nothing.

    Raises `MissingSimulator` with the command that helps where pysc2 or a part of it is missing, or where the old
    `s2clientprotocol`, which protobuf 4 and later refuse, lies in the folder that `pys2clientprotocol` has to own.
    """
    global _loaded
    with _lock:
        if _loaded:
            return
        with warnings.catch_warnings(), _two_argument_shuffle(), _without_window():
            warnings.simplefilter("ignore")  # about Python's past, not about the caller
            load_protocol()
            for name in _MODULES:
                try:
                    importlib.import_module(name)
                except ImportError as error:
                    raise MissingSimulator(f"pysc2: expected {name} to import, got: {error}; run: {INSTALL}") from error
        from absl import flags

        if not flags.FLAGS.is_parsed():
            flags.FLAGS(["envsuite"])
        _loaded = True


def load_protocol() -> None:
    """Imports the protocol's messages, which need no pysc2; raises `MissingSimulator` as `load_pysc2` does."""
    try:
        importlib.import_module("s2clientprotocol.sc2api_pb2")
    except ImportError as error:
        raise MissingSimulator(f"pysc2: expected the module s2clientprotocol, got: {error}; run: {INSTALL}") from error
    except TypeError as error:  # "Descriptors cannot be created directly."
        raise MissingSimulator(
            "pysc2: expected the module s2clientprotocol of the distribution pys2clientprotocol, got that of the old "
            f"s2clientprotocol, which protobuf 4 and later refuse; run: {REPAIR}"
        ) from error


@contextlib.contextmanager
def _two_argument_shuffle() -> Iterator[None]:
    """Gives `random.shuffle` its second argument back, which Python 3.11 took away and pysc2's palettes use."""
    whole: Callable[[Any], None] = random.shuffle

    def shuffle(items: MutableSequence[Any], draw: Callable[[], float] | None = None) -> None:
        if draw is None:
            whole(items)
            return
        for last in range(len(items) - 1, 0, -1):
            other = int(draw() * (last + 1))
            items[last], items[other] = items[other], items[last]

    random.shuffle = shuffle  # type: ignore[assignment]  # for a moment
    try:
        yield
    finally:
        random.shuffle = whole  # type: ignore[assignment]


@contextlib.contextmanager
def _without_window() -> Iterator[None]:
    """Keeps pygame, which pysc2 imports, from greeting and, on a machine without a screen, from looking for one."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.platform != "linux" or any(os.environ.get(name) for name in _DISPLAYS):
        yield
        return
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    try:
        yield
    finally:
        del os.environ["SDL_VIDEODRIVER"]
