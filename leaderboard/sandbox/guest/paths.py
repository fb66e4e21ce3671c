"""Where the guest's modules come from: folders put on the path, and envsuite where it is installed as editable."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class MappedPackages:
    """Finds packages whose folders bear another name or lie elsewhere, as setuptools' `package-dir` has them."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = dict(folders)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns where a mapped package is; None for everything else."""
        del path, target
        folder = self._folders.get(name)
        if folder is None:
            return None
        return importlib.util.spec_from_file_location(
            name, str(Path(folder) / "__init__.py"), submodule_search_locations=[folder]
        )


def extend(folders: Sequence[str], mapped: Mapping[str, str]) -> None:
    """Appends folders to the module path, without looking at their .pth files, and adds the mapped packages."""
    sys.path += folders
    if mapped:
        sys.meta_path.append(MappedPackages(mapped))
