"""The board in a real browser: it is drawn without a network, in a light and a dark theme."""

import functools
import http.server
import re
import shutil
import subprocess
import threading

import pytest

import envsuite
from envsuite.leaderboard.page import write_page
from envsuite.task import Suite, SuiteTask

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=900,900"),
)
SUITE = Suite(name="browser-v1", summary="", tasks=(SuiteTask(task_id="envsuite/bipedal-flat-v1", episodes=2),))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("board") / "board.html"
    scores = [envsuite.evaluate(agent, SUITE).score(reps=100) for agent in ("random", "constant")]
    write_page(scores, path, title="A board", provenance={})
    return path


@pytest.fixture
def browse(needs, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    needs("chromium", chromium, "apt-get install chromium")

    def run(*arguments: str) -> str:
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    return run


def test_the_page_is_drawn_with_every_agent_and_a_bar_each(browse, page):
    document = browse("--dump-dom", page.as_uri())
    for agent in ("random", "constant"):
        assert agent in document
    assert document.count("<svg") >= 2


def test_light_and_dark_are_two_pictures(browse, page, tmp_path):
    pictures = []
    for scheme in (1, 0):  # Blink's numbers for light and dark
        picture = tmp_path / f"{scheme}.png"
        browse(f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}", page.as_uri())
        pictures.append(picture.read_bytes())
    assert pictures[0] != pictures[1]


def test_the_page_asks_for_nothing_but_itself(browse, page):
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=page.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browse("--dump-dom", f"http://127.0.0.1:{server.server_port}/board.html")
        server.shutdown()
    assert set(asked) <= {"/board.html", "/favicon.ico"}
    assert not re.findall(r"(?:src|href)=\"https?:", page.read_text())
