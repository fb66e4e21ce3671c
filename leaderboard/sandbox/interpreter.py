"""Which folders this interpreter and its packages need, so that a sandbox can show them and nothing else."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEM = tuple(Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"))
"""Where a Linux system has its programs and libraries; links among them are kept as links."""
LOADER = tuple(Path(name) for name in ("/etc/ld.so.cache", "/etc/alternatives"))
"""What the dynamic loader reads of /etc: where libraries lie, and Debian's links to numerical libraries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python and what it needs."""

    executable: str
    folders: tuple[Path, ...]
    """Read-only folders beside the system's; none lies in another or in the system's."""
    sites: tuple[str, ...]
    """Folders for the end of the module path."""
    mapped: Mapping[str, str]
    """Packages of an editable installation of envsuite -> their folders; empty for an ordinary one."""
    sandbox: Path
    """The folder that holds the package `guest`."""


@functools.cache
def this_interpreter() -> Interpreter:
    """Returns what the running interpreter needs; found out once."""
    sites = tuple(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
    mapped = _mapped_packages(sites)
    executable = os.path.realpath(sys.executable)
    sandbox = Path(__file__).resolve().parent
    wanted = [sys.base_prefix, sys.prefix, *sites, *mapped.values(), str(sandbox)]
    if not _inside(Path(executable), [*SYSTEM, Path(sys.base_prefix)]):
        wanted.append(str(Path(executable).parent))
    return Interpreter(
        executable=executable, folders=outermost(map(Path, wanted)), sites=sites, mapped=mapped, sandbox=sandbox
    )


def outermost(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Returns the folders that lie neither in another of them nor in the system's, sorted."""
    kept: list[Path] = []
    for folder in sorted({Path(os.path.realpath(folder)) for folder in folders}):
        if not _inside(folder, [*SYSTEM, *kept]):
            kept.append(folder)
    return tuple(kept)


def _inside(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _mapped_packages(sites: tuple[str, ...]) -> dict[str, str]:
    """Returns the packages of envsuite that lie outside of the site folders."""
    mapped = {}
    for name in ("envsuite", "envsuite.baselines", "envsuite.leaderboard", "envsuite.wrappers"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).resolve().parent
            if not _inside(folder, map(Path, sites)):
                mapped[name] = str(folder)
    return mapped
