"""Where a board keeps its files: the folder `ENVSUITE_HOME`, and the database beside or behind it."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME = "ENVSUITE_HOME"
"""Environment variable that names the folder."""
DATABASE = "DATABASE_URL"
"""Environment variable that names a database elsewhere."""


def home() -> Path:
    """Returns the folder of this machine's board: `ENVSUITE_HOME`, or the user's data folder; it may not exist yet."""
    named = os.environ.get(HOME, "")
    return Path(named).expanduser().absolute() if named else Path(platformdirs.user_data_dir("envsuite"))


def database_url(folder: Path | None = None) -> str:
    """Returns `DATABASE_URL`, or the URL of the SQLite file `board.sqlite` in `folder` (by default `home()`).

    `postgres://` and `postgresql://`, as hosts of databases hand them out, are read as `postgresql+psycopg://`.
    """
    url = os.environ.get(DATABASE, "")
    if not url:
        return f"sqlite:///{(folder or home()) / 'board.sqlite'}"
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url
