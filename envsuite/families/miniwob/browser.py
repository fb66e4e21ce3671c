"""Browsers and their pages: one call runs commands in any number of pages of a browser."""

from __future__ import annotations

import atexit
import base64
import collections
import contextlib
import dataclasses
import itertools
import json
import os
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envsuite.families.miniwob.chrome import Chrome
from envsuite.families.miniwob.devtools import BrowserCrashed, DevTools
from envsuite.families.miniwob.document import Document

SCRIPT_MS = 20_000
"""Milliseconds that the scripts of one call may run; then they are cut off, and the browser is killed."""
ANSWER_S = 30.0
"""Seconds within which the browser must answer, scripts or not; then it is taken for dead and killed. What a page does
after its call, in answer to an event or a promise, nothing else cuts off."""
_LOAD_S = 30.0
Command = tuple[Any, ...]
"""Method of the page's runtime and its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What a page is opened with."""

    layout: dict[str, Any]
    """What `nodes.js` is told."""
    step_ms: float
    size: tuple[int, int]
    """Width and height of the window's inside, in pixels."""


class Browser:
    """One browser process group and the pages in it. Calls of several threads wait for each other."""

    def __init__(self, frames: bool = False) -> None:
        """Starts the browser; raises `MissingSimulator` and `BrowserCrashed`.

        Args:
            frames: Whether frames are drawn as fast as they are asked for, and not at most 60 a second.
        """
        self._chrome = Chrome(frames)
        self.frames = frames
        self.lock = threading.RLock()
        self.owner = os.getpid()
        self.alive = True
        self.reloads = 0
        """How often a page could not be brought back to its first state in place."""
        self.pages: set[int] = set()
        """Slots; the pages themselves are their owners', who may forget them."""
        self._slots = itertools.count()
        self._depth = 0
        self._sent_at = 0.0
        self._abandoned: collections.deque[int] = collections.deque()
        """Slots of pages that were collected as garbage."""
        try:
            self._tools = DevTools(self._chrome.address)
            self._call("Browser.setDownloadBehavior", {"behavior": "deny"})
            self._target = self._call("Target.createTarget", {"url": "about:blank", "newWindow": True})["targetId"]
            self._desk = self._attach(self._target)
            self._targets: set[str] = set()
            self._evaluate((Path(__file__).parent / "page" / "desk.js").read_text(encoding="utf-8"))
        except BaseException:
            self._chrome.close()
            raise

    @property
    def version(self) -> str:
        """The version of the browser."""
        return self._chrome.version

    def pids(self) -> list[int]:
        """Returns the processes of the browser, its driver and its keeper."""
        return [self._chrome.pid, *self._chrome.pids()]

    def open(self, document: Document, options: PageOptions) -> Page:
        """Returns a new page that shows the document and waits for its first `reset`."""
        with self._guard():
            slot = next(self._slots)
            if not self._evaluate(f"desk.knows({json.dumps(document.name)})"):
                whole = dataclasses.asdict(document)
                self._evaluate(f"desk.register({json.dumps(document.name)}, {json.dumps(whole)})")
            given = [
                slot,
                document.name,
                options.layout,
                {"stepMs": options.step_ms, "page": document.name},
                options.size,
            ]
            self._evaluate(f"desk.open(...{json.dumps(given)})")
            session = self._attach(self._new_target())
            self._show(session)
            width, height = options.size
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self._call("Emulation.setDeviceMetricsOverride", metrics, session)
            self._evaluate(f"desk.load({slot})", wait=True)
            self.pages.add(slot)
            return Page(self, slot, session)

    def close_page(self, slot: int) -> None:
        """Closes a page, and the browser with the last one; nothing happens where it is closed already."""
        if os.getpid() != self.owner:
            return
        with self.lock:
            if slot not in self.pages or not self.alive:
                return
            self.pages.remove(slot)
            with contextlib.suppress(BrowserCrashed), self._guard():
                self._evaluate(f"desk.close({slot})")
            if not self.pages:
                self.close()

    def run(self, commands: Sequence[tuple[int, Command]]) -> list[Any]:
        """Returns the answers of pages to commands, given as (slot, command), in one call.

        Raises `BrowserCrashed` when the browser is gone, scripts ran for too long, or a page broke.
        """
        with self._guard():
            return self.finish(commands, self.begin(commands))

    def begin(self, commands: Sequence[tuple[int, Command]]) -> int:
        """Sends commands; `finish` waits for the answers. No other call may come in between."""
        with self._guard():
            text = json.dumps([[slot, *command] for slot, command in commands])
            return self._send(f"desk.run({text})")

    def finish(self, commands: Sequence[tuple[int, Command]], number: int) -> list[Any]:
        """Returns the answers to what `begin` sent under that number."""
        with self._guard():
            answers: list[Any] = self._value(self._tools.receive(number, ANSWER_S))
            if time.monotonic() - self._sent_at >= SCRIPT_MS / 1000:
                # A promise's reaction that is cut off leaves no error behind.
                raise BrowserCrashed(f"the scripts of pages were cut off after {SCRIPT_MS} ms")
            for index, (slot, command) in enumerate(commands):
                if isinstance(answers[index], dict):
                    raise BrowserCrashed(f"a page is broken: {answers[index]['error']}")
                if answers[index] is None and command[0] in ("reset", "replay"):
                    answers[index] = self._again(slot, command)
            return answers

    def _again(self, slot: int, command: Command) -> Any:
        """Returns the answer of a page that was loaded anew, for its state could not be undone."""
        self._reload(slot)
        answer = self._value(self._tools.receive(self.begin([(slot, command)]), ANSWER_S))[0]
        if answer is None or isinstance(answer, dict):
            raise BrowserCrashed(f"a page is broken: {answer['error'] if answer else 'it is not fresh after loading'}")
        return answer

    def _show(self, session: str) -> None:
        """Makes a page take itself for the one in front; only with `frames` it is drawn.

        Drawing 32 pages 60 times a second costs more than stepping them; a minimised window is not drawn.
        """
        if self.frames:
            self._call("Emulation.setFocusEmulationEnabled", {"enabled": True}, session)
            return
        window = self._call("Browser.getWindowForTarget", {}, session)["windowId"]
        bounds = {"windowId": window, "bounds": {"windowState": "minimized"}}
        self._call("Browser.setWindowBounds", bounds)

    def _reload(self, slot: int) -> None:
        """Loads a page anew."""
        self.reloads += 1
        self._evaluate(f"desk.blank({slot})")
        deadline = time.monotonic() + _LOAD_S
        while not self._evaluate(f"desk.isBlank({slot})"):
            if time.monotonic() > deadline:
                raise BrowserCrashed(f"a page did not load within {_LOAD_S:g} s")
            time.sleep(0.002)
        self._evaluate(f"desk.load({slot})", wait=True)

    def screenshots(self, pages: Iterable[Page]) -> list[bytes]:
        """Returns what the windows of pages show as PNG files."""
        with self._guard():
            return self.finish_screenshots(self.begin_screenshots(pages))

    def begin_screenshots(self, pages: Iterable[Page]) -> list[int]:
        """Asks for screenshots of pages, which `finish_screenshots` waits for.

        They are of the whole window: for a part the browser lays the page out twice more, 20 ms against 6.
        """
        params = {"format": "png", "optimizeForSpeed": True}
        with self._guard():
            return [self._tools.send("Page.captureScreenshot", params, page.session) for page in pages]

    def finish_screenshots(self, numbers: Iterable[int]) -> list[bytes]:
        """Returns the PNG files that `begin_screenshots` asked for under these numbers."""
        with self._guard():
            return [base64.b64decode(self._tools.receive(number, ANSWER_S)["data"]) for number in numbers]

    def session_call(self, page: Page, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Returns the result of a DevTools command for one page."""
        with self._guard():
            return self._call(method, params, page.session)

    def close(self) -> None:
        """Ends the browser; may be called twice, and in a forked child does nothing."""
        if os.getpid() != self.owner:
            return
        self.alive = False
        self._chrome.close()  # before the lock: a thread that waits for an answer stops waiting
        with self.lock:
            self.pages.clear()
            self._tools.close()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Lets one thread in; a browser that crashed is ended, as is one that was interrupted before its answer."""
        if os.getpid() != self.owner:  # the lock of a forked child may never be released
            raise BrowserCrashed("the browser of this page belongs to another process; reset() starts a new one")
        with self.lock:
            if not self.alive:
                raise BrowserCrashed("the browser of this page has ended; reset() starts a new one")
            self._depth += 1
            try:
                yield
            except BaseException:
                self.close()
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    self._close_abandoned()

    def abandon(self, slot: int) -> None:
        """Closes a page now, or after the call under way: garbage is collected in the middle of anything."""
        if os.getpid() != self.owner:
            return
        self._abandoned.append(slot)
        if self.lock.acquire(blocking=False):
            try:
                if not self._depth:
                    self._close_abandoned()
            finally:
                self.lock.release()

    def _close_abandoned(self) -> None:
        while self._abandoned:
            self.close_page(self._abandoned.popleft())

    def _call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        return self._tools.receive(self._tools.send(method, params, session), ANSWER_S)

    def _send(self, expression: str) -> int:
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True, "timeout": SCRIPT_MS}
        self._sent_at = time.monotonic()
        return self._tools.send("Runtime.evaluate", params, self._desk)

    def _evaluate(self, expression: str, *, wait: bool = False) -> Any:
        """Returns the value of an expression; with `wait`, of the promise that it gives."""
        params = {"expression": expression, "returnByValue": True, "awaitPromise": wait}
        return self._value(self._call("Runtime.evaluate", params, self._desk))

    def _value(self, result: dict[str, Any]) -> Any:
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details.get("text")
            raise BrowserCrashed(f"a page's script did not end well: {str(text)[:600]}")
        return result["result"].get("value")

    def _attach(self, target: str) -> str:
        return str(self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"])

    def _new_target(self) -> str:
        """Returns the page that the desk has opened and that was not there before."""
        deadline = time.monotonic() + _LOAD_S
        while time.monotonic() < deadline:
            infos: list[dict[str, Any]] = self._call("Target.getTargets", {})["targetInfos"]
            targets = {info["targetId"] for info in infos if info.get("openerId") == self._target}
            fresh = targets - self._targets
            self._targets = targets
            if fresh:
                return str(fresh.pop())
            time.sleep(0.005)
        raise BrowserCrashed(f"the browser opened no page within {_LOAD_S:g} s")


class Page:
    """A page of a browser."""

    def __init__(self, browser: Browser, slot: int, session: str) -> None:
        self.browser = browser
        self.slot = slot
        self.session = session
        self._finalizer = weakref.finalize(self, _abandon, weakref.ref(browser), slot)
        self._finalizer.atexit = False  # then all browsers end at once

    @property
    def alive(self) -> bool:
        """Whether it can still be called, from this process."""
        return self.browser.alive and self.browser.owner == os.getpid()

    def call(self, *command: Any) -> Any:
        """Returns the answer to one command."""
        return self.browser.run([(self.slot, command)])[0]

    def close(self) -> None:
        """Closes the page; may be called twice."""
        self._finalizer.detach()
        self.browser.close_page(self.slot)


def _abandon(browser: weakref.ref[Browser], slot: int) -> None:
    found = browser()
    if found is not None:
        found.abandon(slot)


_browsers: dict[tuple[bool, int], Browser] = {}
_lock = threading.RLock()


def open_page(document: Document, options: PageOptions, *, shard: int = 0, frames: bool = False) -> Page:
    """Returns a new page in the `shard`-th browser of this process, which is started where it does not run.

    Environments with and without pixels have browsers of their own: those that draw frames as fast as they can are
    slower in all else. A browser ends with its last page. Raises `MissingSimulator` and `BrowserCrashed`.
    """
    with _lock:
        key = frames, shard
        browser = _browsers.get(key)
        if browser is not None and browser.alive:
            # It may have crashed unnoticed, or another thread is closing its last page.
            with contextlib.suppress(BrowserCrashed):
                return browser.open(document, options)
        browser = _browsers[key] = Browser(frames)
        return browser.open(document, options)


def _forget() -> None:
    """Leaves the browsers to the parent of a forked child, and the lock to whichever of its threads holds it."""
    global _browsers, _lock
    _browsers, _lock = {}, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@atexit.register
def _close_all() -> None:
    for browser in list(_browsers.values()):
        browser.close()
