"""Which names the files of a bundle may have: those that mean the same file on every system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

EXCLUDED = frozenset({".git", ".hg", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Folders that are no part of a bundle, at any depth: `pack` leaves them out, an archive may not hold them."""
SHOWN = 80
"""How many characters of a foreign text a message quotes."""
_RESERVED = re.compile(r'[<>:"|?*\\]')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10))})
MAX_PROBLEMS = 50
"""How many problems of one kind are told; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a bundle may be; more is refused before it fills a disk."""

    archive_bytes: int = 264 * 2**20
    """Of the zip file: an archive of `pack` is a little larger than the files in it."""
    unpacked_bytes: int = 256 * 2**20
    """Of all files together."""
    files: int = 5000
    """Files and folders."""
    depth: int = 16
    """Parts of a path."""
    part_bytes: int = 200
    """Of one part of a path, in UTF-8."""
    path_bytes: int = 400
    """Of a path, in UTF-8."""
    ratio: int = 200
    """Unpacked size of a file over its packed size, for files above 1 MiB."""


def shown(value: object) -> str:
    """Returns a foreign value as it may stand in a message: quoted, in ASCII, at most `SHOWN` characters of it."""
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 4]}...{text[-1]}"


def few(problems: Iterable[str]) -> list[str]:
    """Returns the first `MAX_PROBLEMS` of the problems, and a line that counts the others."""
    problems = list(problems)
    rest = len(problems) - MAX_PROBLEMS
    return problems if rest <= 0 else [*problems[:MAX_PROBLEMS], f"... and {rest} more problems like these"]


def name_problem(name: str, limits: Limits) -> str | None:
    """Returns what is wrong with the name of a file, a path with slashes; None where nothing is."""
    parts = name.split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "expected a path inside the bundle, got an absolute one"
    if ".." in parts:
        return "expected a path inside the bundle, got one with `..`"
    if "" in parts or "." in parts:
        return "expected a plain path, got one with an empty part or `.`"
    if len(parts) > limits.depth:
        return f"expected at most {limits.depth} parts, got {len(parts)}"
    if len(name.encode(errors="replace")) > limits.path_bytes:
        return f"expected at most {limits.path_bytes} bytes, got {len(name.encode(errors='replace'))}"
    excluded = EXCLUDED.intersection(parts)
    if excluded:
        return f"expected no {min(excluded)}, which is no part of a bundle; remove it"
    return next((problem for part in parts if (problem := _part_problem(part, limits))), None)


def _part_problem(part: str, limits: Limits) -> str | None:
    if not part.isprintable():
        return "expected printable characters"
    if unicodedata.normalize("NFC", part) != part:
        return "expected composed characters (Unicode NFC)"
    if _RESERVED.search(part):
        return 'expected none of < > : " | ? * \\, which some systems reserve'
    if part.endswith((" ", ".")) or part.startswith(" "):
        return "expected no space at either end and no dot at the end"
    if part.split(".")[0].rstrip().casefold() in _DEVICES:
        return f"expected another name than {part!r}, which is a device on some systems"
    if len(part.encode()) > limits.part_bytes:
        return f"expected at most {limits.part_bytes} bytes in a part, got {len(part.encode())}"
    return None


def clashes(names: Iterable[tuple[str, bool]]) -> list[str]:
    """Returns a problem for every name, given with whether it is a folder, that another stands in the way of.

    That is the same name twice, names that differ only by case, and a file where a folder has to be.
    """
    problems = []
    folders: dict[str, str] = {}
    files: dict[str, str] = {}
    for name, is_folder in names:
        parts = name.split("/")
        for count in range(1, len(parts) + is_folder):
            parent = "/".join(parts[:count])
            first = folders.setdefault(_folded(parent), parent)
            if first != parent:
                problems.append(f"{shown(parent)}: expected no other spelling of it, got {shown(first)} too")
        if is_folder:
            continue
        other = files.get(_folded(name))
        if other is not None:
            got = "the same name twice" if other == name else f"{shown(other)} too"
            problems.append(f"{shown(name)}: expected no other spelling of it, got {got}")
        files.setdefault(_folded(name), name)
    problems += [f"{shown(files[key])}: expected a file or a folder, got both" for key in files if key in folders]
    return list(dict.fromkeys(problems))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())
