"""The pages in a real Chromium: light and dark, wide and narrow, by keyboard, without JavaScript, with htmx."""

import pytest

pytest.importorskip("fastapi")

from board_browsing import (
    NAMES,
    WAIT_S,
    address,
    background,
    board,
    complaints,
    dark,
    follow,
    light,
    open_browser,
    resize,
    server,
)
from board_filling import Agent
from boards import JOBS
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from envsuite import assets
from envsuite.leaderboard import static_export

__all__ = ["board", "dark", "light", "open_browser", "server"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_its_screen_and_the_console_is_silent(board, server, scheme, width, request):
    browser = request.getfixturevalue(scheme)
    resize(browser, width)
    for name in NAMES:
        browser.get(server + address(board, name))
        # Beyond the screen only what scrolls in a box of its own.
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, (name, wide)
        assert browser.find_element(By.TAG_NAME, "h1").is_displayed(), name
        assert complaints(browser) == [], name
        assert background(browser) == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 19, 24)"}[scheme], name


def test_hostile_text_runs_nowhere(board, server, light):
    resize(light, 1280)
    for name in ("hostile", "board", "compare", "task", "home"):
        light.get(server + address(board, name))
        assert light.title.endswith("envsuite"), name
        assert "pwned" not in light.title.partition("·")[2], name
        assert light.find_elements(By.CSS_SELECTOR, "img[src='x'], main script") == [], name
        assert complaints(light) == [], name


def test_the_policy_keeps_even_an_injected_script_from_running(server, light):
    light.get(server + "/")
    light.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s);"
    )
    assert light.execute_script("return window.ran") is None
    assert any("Content Security Policy" in entry for entry in complaints(light))


def test_pictures_of_a_closed_season_are_drawn(board, server, light):
    resize(light, 1280)
    light.get(server + address(board, "submission"))
    pictures = light.find_elements(By.CSS_SELECTOR, ".strips img")
    assert len(pictures) == JOBS
    first = pictures[0]
    light.execute_script("arguments[0].scrollIntoView()", first)
    WebDriverWait(light, WAIT_S).until(lambda _: light.execute_script("return arguments[0].naturalWidth", first) > 500)


def test_the_keyboard_reaches_everything_and_focus_is_seen(board, server, light):
    resize(light, 1280)
    light.get(server + address(board, "board"))
    seen = []
    for _ in range(60):
        light.switch_to.active_element.send_keys(Keys.TAB)
        now = light.switch_to.active_element
        outline = light.execute_script("return getComputedStyle(arguments[0]).outlineStyle", now)
        assert outline == "solid", now.get_attribute("outerHTML")
        seen.append(now.get_attribute("name") or now.text.split("\n")[0] or now.get_attribute("class"))
        if now.get_attribute("name") == "b":
            break
    for expected in ("Skip to the content", "Rules", "verified or better", "family", "trust", "budget", "sort", "a"):
        assert expected in seen, seen
    light.get(server + address(board, "board"))
    light.switch_to.active_element.send_keys(Keys.TAB)
    light.switch_to.active_element.send_keys(Keys.ENTER)
    assert light.switch_to.active_element.get_attribute("id") == "main"


def test_everything_works_without_javascript(board, server, open_browser):
    browser = open_browser(javascript=False)
    browser.get(server + address(board, "board"))
    assert len(browser.find_elements(By.CSS_SELECTOR, "#standings tbody tr:not(.group)")) == 4
    Select(browser.find_element(By.NAME, "trust")).select_by_value("reproduced")
    follow(browser, browser.find_element(By.CSS_SELECTOR, "form[aria-label='Filters'] button"), "trust=reproduced")
    follow(browser, browser.find_element(By.LINK_TEXT, "IQM"), "sort=iqm")
    assert "trust=reproduced" in browser.current_url
    browser.get(server + address(board, "board"))
    button = browser.find_element(By.CSS_SELECTOR, "form[aria-label='Compare two agents'] button")
    follow(browser, button, "/compare?a=")
    assert browser.find_element(By.CSS_SELECTOR, "table").is_displayed()
    browser.get(server + address(board, "task"))
    assert "DreamerV3" in browser.find_element(By.TAG_NAME, "main").text


def text_of(browser, element):
    """The text of an element, read at once: between two steps of a driver htmx may put another in its place."""
    return browser.execute_script("return document.getElementById(arguments[0])?.innerText ?? ''", element)


def test_htmx_swaps_what_the_filters_change_and_nothing_else(board, server, light, needs):
    needs("htmx", assets.find("htmx"), "envsuite assets fetch htmx")
    resize(light, 1280)
    light.get(server + address(board, "board"))
    light.execute_script("window.still = true")
    before = light.find_element(By.ID, "standings")
    family = light.find_element(By.NAME, "family")
    assert light.find_element(By.ID, "facts").text.startswith("4 entries")
    Select(light.find_element(By.NAME, "learned")).select_by_value("true")
    WebDriverWait(light, WAIT_S).until(lambda _: "learned=true" in light.current_url)
    WebDriverWait(light, WAIT_S).until(lambda _: "scripted-core" not in text_of(light, "standings"))
    assert light.execute_script("return window.still"), "the page was not loaded again"
    assert light.find_element(By.ID, "standings") != before
    assert light.find_element(By.ID, "facts").text.startswith("1 entry shown")
    chips = light.find_elements(By.CSS_SELECTOR, "#levels a")
    assert len(chips) == 4
    assert all("learned=true" in chip.get_attribute("href") for chip in chips), "the chips keep the new filter"
    assert light.find_elements(By.CSS_SELECTOR, "#compare select") == [], "there is nothing left to compare"
    assert family.is_displayed(), "the form stays as it is"
    assert complaints(light) == []


def test_htmx_follows_a_submission_that_waits(board, server, light, needs):
    needs("htmx", assets.find("htmx"), "envsuite assets fetch htmx")
    identity = board.submit(Agent(name="followed", user="grace"))
    light.get(f"{server}/submissions/{identity}")
    assert "It waits for a worker." in light.find_element(By.ID, "submission").text
    board.reject(identity, "taken out by the test")
    WebDriverWait(light, WAIT_S).until(lambda _: "taken out by the test" in text_of(light, "submission"))
    assert light.find_element(By.ID, "submission").get_attribute("hx-trigger") is None, "it asks no more"
    assert complaints(light) == []


def test_the_export_is_read_from_a_folder(board, light, dark, tmp_path):
    with static_export.local(board.home) as fetch:
        # Everything but tasks, which take their time.
        static_export.export(lambda at: fetch(at) if not at.startswith("/tasks/") else _nothing(), tmp_path / "out")
    for browser, colour in ((light, "rgb(246, 247, 249)"), (dark, "rgb(15, 19, 24)")):
        resize(browser, 390)
        browser.get((tmp_path / "out" / "index.html").as_uri())
        assert background(browser) == colour
        browser.find_element(By.LINK_TEXT, "quick-v1").click()
        browser.find_element(By.LINK_TEXT, "scripted-core 0.3.1").click()
        assert browser.find_element(By.TAG_NAME, "h1").text == "scripted-core 0.3.1"
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        picture = browser.find_element(By.CSS_SELECTOR, ".strips img")
        browser.execute_script("arguments[0].scrollIntoView()", picture)
        WebDriverWait(browser, WAIT_S).until(
            lambda driver, shown=picture: driver.execute_script("return arguments[0].naturalWidth", shown) > 500
        )
        assert complaints(browser) == []


def _nothing():
    return static_export.Answer(200, "text/html; charset=utf-8", b"<!doctype html><title>left out</title>")
