"""Makes the pictures of the board's pages, from a board of made-up agents: `python docs/pictures/pages.py`."""

from __future__ import annotations

import base64
import contextlib
import io
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from board_filling import AGENTS, Board

from envsuite.leaderboard.service.app import create_app
from envsuite.leaderboard.service.logs import Log
from envsuite.leaderboard.service.settings import Settings

LARGEST = 200_000
"""Bytes of a picture."""
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking")


@contextlib.contextmanager
def served(home: Path) -> Iterator[str]:
    """Yields the address of a server over a board."""
    app = create_app(Settings(home=home), log=Log(io.StringIO()))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def browser(*, dark: bool) -> Iterator[webdriver.Chrome]:
    """Yields a browser without a screen."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--blink-settings=preferredColorScheme={0 if dark else 1}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def picture(driver: webdriver.Chrome, address: str, path: Path, width: int, height: int) -> None:
    """Writes a PNG of a page with at most 256 colours, which keeps text sharp and the file small."""
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    driver.get(address)
    driver.execute_async_script(
        "const done = arguments[0]; const all = [...document.images]; all.forEach(i => { i.loading = 'eager'; });"
        "Promise.all(all.map(i => i.decode().catch(() => 0))).then(() => done());"
    )
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    image = Image.open(io.BytesIO(base64.b64decode(shot))).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path}: expected at most {LARGEST} bytes, got {path.stat().st_size}")


def main() -> None:
    """Writes every picture."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Board(Path(folder))) as board:
        board.open_season("2026-summer")
        board.submit(AGENTS[2])
        board.work()
        board.close_season("2026-summer")
        board.open_season("2026-autumn")
        for agent in (*AGENTS[:2], *AGENTS[3:]):
            board.submit(agent)
        board.work()
        here = Path(__file__).parent
        agent = f"/submissions/{board.ids['dream-planner']}"
        replays = f"/submissions/{board.ids['scripted-core']}#replays"
        compare = f"/compare?a={board.ids['dream-planner']}&b={board.ids['recurrent-ppo']}"
        with served(Path(folder)) as server, browser(dark=False) as light, browser(dark=True) as dark:
            light.set_script_timeout(300)
            picture(light, f"{server}/boards/quick-v1", here / "page-board.png", 1240, 1000)
            picture(dark, f"{server}/boards/quick-v1", here / "page-board-dark.png", 1240, 1000)
            picture(dark, f"{server}/boards/quick-v1", here / "page-board-narrow.png", 390, 1000)
            picture(light, server + agent, here / "page-submission.png", 1240, 1330)
            picture(light, server + replays, here / "page-replays.png", 1240, 760)
            picture(light, server + compare, here / "page-compare.png", 1240, 1130)


if __name__ == "__main__":
    main()
