"""What plays the pages here: the browser's version and the pages'."""

from __future__ import annotations

import functools
import subprocess

from envsuite import assets
from envsuite.families.miniwob.document import ASSET

_TIMEOUT_S = 20.0


@functools.cache
def version() -> str:
    """Returns the browser's version with that of the pages, "" without a browser."""
    from envsuite.families.miniwob.chrome import find_chrome  # imports Selenium

    chrome = find_chrome()
    if chrome is None:
        return ""
    try:
        done = subprocess.run([chrome, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    number = next((word for word in done.stdout.split() if word[:1].isdigit()), "")
    return f"{number} (miniwob {assets.ASSETS[ASSET].version})" if number else ""
