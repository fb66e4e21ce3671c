"""Packs a bundle into a zip file of which there is only one, and unpacks what a stranger sends."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from envsuite.errors import InvalidArgument, InvalidSubmission
from envsuite.leaderboard.submission.names import EXCLUDED, Limits, clashes, few, name_problem, shown
from envsuite.leaderboard.submission.zip_reader import Entry, read_data, read_entries

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can tell."""
_MODE = stat.S_IFREG | 0o644
_CHUNK = 2**20


def pack(folder: Path, file: Path, limits: Limits | None = None) -> str:
    """Returns the SHA-256 of the archive of a folder, in hexadecimal, after writing it to `file`.

    Equal files give equal bytes on every machine: names are sorted, times and modes fixed, and nothing is
    compressed, since compressed bytes depend on the version of zlib. Empty folders and those named in `EXCLUDED`
    are left out.

    Raises `InvalidSubmission` with every file that cannot be packed: links, devices, names that other systems
    cannot hold, too many, too large. `file` is then untouched.
    """
    files, problems = list_files(folder, limits or Limits())
    if problems:
        raise InvalidSubmission(problems)
    handle, name = tempfile.mkstemp(prefix=f".{file.name[:100]}-", dir=file.parent)
    staged = Path(name)
    try:
        with os.fdopen(handle, "w+b") as out:
            _write(out, folder, files)
            out.seek(0)
            sha256 = hashlib.file_digest(out, "sha256").hexdigest()
        staged.chmod(0o644)
        staged.replace(file)
    finally:
        staged.unlink(missing_ok=True)
    return sha256


def list_files(folder: Path, limits: Limits) -> tuple[list[str], list[str]]:
    """Returns the sorted paths of a folder's files, with slashes, and a line for each that no bundle may have."""
    problems: list[str] = []
    names: list[str] = []
    total = 0
    for name, entry in _walk(folder, "", limits.depth):
        if len(names) >= limits.files:
            problems.append(f"expected at most {limits.files} files, got more")
            break
        problem = name_problem(name, limits)
        if entry.is_symlink():
            problem = "expected a file, got a link; put the file itself here"
        elif entry.is_file():
            total += entry.stat().st_size
            names.append(name)
        elif not entry.is_dir():
            problem = "expected a file or a folder, got a device, pipe or socket"
        problems += [f"{shown(name)}: {problem}"] if problem else []
    if total > limits.unpacked_bytes:
        problems.append(f"expected at most {limits.unpacked_bytes} bytes in all files, got {total}")
    problems += clashes((name, False) for name in names)
    return sorted(names, key=lambda name: name.encode(errors="surrogateescape")), few(problems)


def unpack(file: Path, folder: Path, limits: Limits | None = None, *, shown_as: str | None = None) -> None:
    """Makes `folder` of a zip file from a stranger; it appears whole or not at all.

    Accepted are stored and deflated files with plain, unambiguous UTF-8 names; times and modes are dropped.
    Problems name the file `shown_as`, by default as it is called.

    Raises `InvalidSubmission` with every problem found in the archive, `InvalidArgument` where `folder` holds
    something already, OSError where it cannot be written.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise InvalidArgument(f"folder: expected none or an empty one, got {folder}, which is there already")
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name[:100]}-", dir=folder.parent))
    try:
        with file.open("rb") as archive:
            for entry in read_entries(archive, limits or Limits()):
                _extract(archive, entry, staging)
        staging.chmod(0o755)
        staging.replace(folder)
    except InvalidSubmission as error:
        raise InvalidSubmission(f"{shown_as or file.name}: {problem}" for problem in error.problems) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yields what lies below a folder in a fixed order, without following links; of folders only those too deep."""
    with os.scandir(folder) as entries:
        below = sorted(entries, key=lambda entry: entry.name)
    for entry in below:
        if entry.name in EXCLUDED:
            continue
        if depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", depth - 1)
        else:
            yield prefix + entry.name, entry


def _write(out: BinaryIO, folder: Path, names: list[str]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in names:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, _MODE << 16
            source = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(source, "rb") as content, archive.open(info, "w") as target:
                shutil.copyfileobj(content, target, _CHUNK)


def _extract(archive: BinaryIO, entry: Entry, staging: Path) -> None:
    path = staging / entry.name
    for folder in reversed((path, *path.parents) if entry.is_folder else path.parents):
        if folder.is_relative_to(staging) and not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)  # whatever the umask, the sandbox's user can read it
    if entry.is_folder:
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle, "wb") as target:
        os.fchmod(target.fileno(), 0o644)
        for piece in read_data(archive, entry):
            target.write(piece)
