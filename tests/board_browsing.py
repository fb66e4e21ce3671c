"""A board with pages of every kind, served, and browsers to look at it: fixtures for the modules that import them."""

import contextlib
import io
import shutil
import threading

import pytest
import uvicorn
from board_filling import AGENTS, Agent, Board, submit_hostile
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from envsuite.leaderboard.service.app import create_app
from envsuite.leaderboard.service.logs import Log
from envsuite.leaderboard.service.settings import Settings

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
WAIT_S = 20
NAMES = (
    *("home", "board", "board-empty", "board-filtered", "submission", "waiting", "rejected", "hostile", "compare"),
    *("tasks", "task", "rules", "ledger", "missing"),
)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with contextlib.closing(Board(tmp_path_factory.mktemp("board"))) as board:
        board.open_season("2026-summer")
        board.submit(AGENTS[2])
        board.work()
        board.close_season("2026-summer")
        board.open_season("2026-autumn")
        for agent in (AGENTS[5], AGENTS[6]):
            board.submit(agent)
        submit_hostile(board)
        board.work()
        board.submit(Agent(name="waiting", user="ada", learned=True, runs=5))
        board.reject(board.submit(Agent(name="rejected", user="alan")), "agent.py:3: cannot be imported " + "x" * 300)
        yield board


@pytest.fixture(scope="module")
def server(board):
    """The address of a service over the board, in a thread."""
    app = create_app(Settings(home=board.home), log=Log(io.StringIO()))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def open_browser(needs):
    """A function that opens a browser; all are closed at the end."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    needs("chromium", chromium and driver, "apt-get install chromium chromium-driver")
    opened = []

    def browser(*, dark=False, javascript=True):
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--blink-settings=preferredColorScheme={0 if dark else 1}"):
            options.add_argument(flag)
        if not javascript:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        opened.append(webdriver.Chrome(options=options, service=Service(driver)))
        return opened[-1]

    yield browser
    for driver in opened:
        driver.quit()


@pytest.fixture(scope="module")
def light(open_browser):
    return open_browser()


@pytest.fixture(scope="module")
def dark(open_browser):
    return open_browser(dark=True)


def address(board, name):
    """The address of a page by its name in `NAMES`."""
    own = board.ids
    return {
        "home": "/",
        "board": "/boards/quick-v1",
        "board-empty": "/boards/core-v1",
        "board-filtered": "/boards/quick-v1?family=crafter&trust=verified&sort=family",
        "submission": f"/submissions/{own['scripted-core']}",
        "waiting": f"/submissions/{own['waiting']}",
        "rejected": f"/submissions/{own['rejected']}",
        "hostile": f"/submissions/{own['hostile']}",
        "compare": f"/compare?a={own['hostile']}&b={own['random']}",
        "tasks": "/tasks",
        "task": "/tasks/crafter-reward-v1",
        "rules": "/rules",
        "ledger": "/ledger",
        "missing": "/nowhere",
    }[name]


def resize(browser, width):
    screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def complaints(browser):
    """What the console has said since it was last asked; a page that was not found is no complaint."""
    return [entry["message"] for entry in browser.get_log("browser") if "404 (Not Found)" not in entry["message"]]


def background(browser):
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


def follow(browser, element, part):
    """Clicks, and waits until the address has this part."""
    element.click()
    WebDriverWait(browser, WAIT_S).until(lambda _: part in browser.current_url)
