"""Compiler: Numba functions compiled once a machine, whose machine code is kept in the user's cache folder.

Numba looks at the file of the function that it caches, not at those of the functions called from it, so the folder's
name is a hash of all files that an engine is made of: an edit anywhere compiles anew.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import platformdirs

_SHOWN_HASH = 16
_config: Any = numba.config
_njit: Any = numba.njit
_OPTIONS = {"_nrt": False, "error_model": "numpy"}
"""No counting of references to arrays, which cost a third of a new Crafter world: kernels get what they write to."""


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that other compiled ones call. It may not make arrays."""
    compiled: Callable[..., Any] = _njit(**_OPTIONS)(function)
    return compiled


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a `kernel` that is compiled into each of its callers; passing arrays costs some nanoseconds a call."""
    compiled: Callable[..., Any] = _njit(forceinline=True, **_OPTIONS)(function)
    return compiled


class Compiler:
    """Compiles the entry points of one engine."""

    def __init__(self, name: str, title: str, files: Iterable[Path]) -> None:
        """Notes what the engine is made of.

        Args:
            name: begins the folder's name.
            title: what messages call the engine.
            files: whatever changes the machine code: an edit of one compiles anew.
        """
        self._name, self._title = name, title
        self._files = sorted(files)

    @functools.cached_property
    def folder(self) -> Path:
        """Where this version's machine code is kept, under `NUMBA_CACHE_DIR` if that is set."""
        digest = hashlib.sha256()
        for file in (*self._files, Path(__file__)):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        root = Path(_config.CACHE_DIR) if _config.CACHE_DIR else platformdirs.user_cache_path("envsuite")
        return root / f"{self._name}-{digest.hexdigest()[:_SHOWN_HASH]}"

    def entry_point(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function as machine code that runs without the interpreter's lock, kept for later processes."""
        folder, before = str(self.folder), _config.CACHE_DIR
        _config.CACHE_DIR = folder
        try:
            compiled: Callable[..., Any] = _njit(nogil=True, cache=True, **_OPTIONS)(function)
        except RuntimeError as error:  # no folder can be written to
            problem = f"{folder} cannot be written ({error})"
            _tell(f"{problem}, so {self._title} is compiled anew every time; set NUMBA_CACHE_DIR")
            compiled = _njit(nogil=True, **_OPTIONS)(function)
        finally:
            _config.CACHE_DIR = before
        return compiled

    @contextmanager
    def announced(self, function: Any) -> Iterator[None]:
        """Tells on standard error of an entry point's first compilation on this machine, before and after it."""
        loaded = _config.DISABLE_JIT or function.signatures
        if loaded or any(self.folder.rglob(f"*.{function.py_func.__name__}-*.nbi")):
            yield
            return
        started = time.monotonic()
        _tell(f"compiling {self._title}'s {function.py_func.__name__}, once for this version (up to a minute) ...")
        yield
        _tell(f"compiled in {time.monotonic() - started:.0f} s")


def _tell(text: str) -> None:
    print(f"envsuite: {text}", file=sys.stderr, flush=True)
