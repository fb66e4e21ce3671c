"""Makes the pictures of the docs: `make pictures`, after `make demo`."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)


def screenshot(page: Path, picture: Path, width: int, height: int) -> None:
    """Writes a PNG of a local page as headless Chromium shows it."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *CHROMIUM,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            f"--screenshot={picture}",
        ]
        subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    screenshot(ROOT / "runs" / "board.html", ROOT / "docs" / "pictures" / "board.png", 1100, 1000)
