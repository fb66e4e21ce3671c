"""Finds, starts and owns one Chromium, by Selenium; what goes on in it afterwards is `devtools.py`."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from urllib3.exceptions import HTTPError

from envsuite.errors import MissingSimulator
from envsuite.families.miniwob import keeper

CHROME_VARIABLE, DRIVER_VARIABLE, FLAGS_VARIABLE = "ENVSUITE_CHROME", "ENVSUITE_CHROMEDRIVER", "ENVSUITE_CHROME_FLAGS"
START_S = 30.0
"""Seconds within which driver and browser must have started."""
INSTALL = "install them, on Debian and Ubuntu with: apt-get install chromium chromium-driver"
_CHROMES = (
    # The browser without windows: 1.13 to 1.23 times the steps a second of the one with them.
    "chromium-headless-shell",
    "chrome-headless-shell",
    "headless_shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    # The address bar's lists, a page of the browser's own that it prepares after every start, a second of a core.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
    "--disable-popup-blocking",
    # Pages of many environments are in the background of each other.
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    # Whatever a page asks for goes to a proxy that is not there; names resolve to nothing.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # its name before
    # The same picture and geometry on every machine with the same fonts.
    "--lang=en-US",
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--disable-smooth-scrolling",
)
# A screenshot waits for two frames, of which there are 60 a second without these: 38 ms against 9 ms.
_FAST_FRAMES = ("--disable-frame-rate-limit", "--disable-gpu-vsync")
_PORT = re.compile(r"started successfully on port (\d+)")
_CLOSE_S = 15.0
_ATTEMPTS = 3
_LONGEST = 33
"""Characters of a folder for temporary files: the browser makes a socket below it, of whose path systems take 100."""


def find_chrome() -> str | None:
    """Returns the browser: `ENVSUITE_CHROME`, or the first of the usual names on the PATH; None without one."""
    named = os.environ.get(CHROME_VARIABLE)
    if named:
        return shutil.which(named)
    return next((path for name in _CHROMES if (path := shutil.which(name))), None)


def find_driver(chrome: str) -> str | None:
    """Returns the driver: `ENVSUITE_CHROMEDRIVER`, beside the browser, or on the PATH; None without one."""
    named = os.environ.get(DRIVER_VARIABLE)
    if named:
        return shutil.which(named)
    return shutil.which("chromedriver", path=str(Path(chrome).resolve().parent)) or shutil.which("chromedriver")


class Chrome:
    """A running browser that ends with `close`, and with this process whatever ends that."""

    def __init__(self, frames: bool) -> None:
        """Starts the browser; raises `MissingSimulator` where there is none, or it does not start.

        Args:
            frames: Whether frames are drawn as fast as they are asked for, and not at most 60 a second.
        """
        chrome, driver = _require()
        deadline = time.monotonic() + START_S
        self._folder = _new_folder()
        self._keeper: subprocess.Popen[bytes] | None = None
        try:
            port = self._drive(driver, deadline)
            capabilities = _new_session(port, _options(chrome, frames), deadline)
            self.version = str(capabilities["browserVersion"])
            self.address = str(capabilities["goog:chromeOptions"]["debuggerAddress"])
            """Host and port of the DevTools server."""
        except (WebDriverException, HTTPError, OSError, KeyError) as error:
            self.close()
            text = str(getattr(error, "msg", None) or error).partition("; For documentation on this error")[0]
            lines = text.strip().splitlines() or [type(error).__name__]
            raise MissingSimulator(
                f"miniwob: expected {chrome} to start under {driver}, got: {lines[0]}. "
                f"Browser and driver must have one version; {INSTALL}. {CHROME_VARIABLE} and {DRIVER_VARIABLE} name "
                f'others, {FLAGS_VARIABLE} further flags (in a container without user namespaces: "--no-sandbox")'
            ) from error
        except BaseException:
            self.close()
            raise

    def _drive(self, driver: str, deadline: float) -> int:
        """Starts the driver and returns its port; again where it ends: a port it found free may be taken by then."""
        attempt = 1
        while True:
            self._keeper = self._start(driver)
            try:
                return self._port(self._keeper, deadline)
            except OSError:
                if attempt == _ATTEMPTS or self._keeper.poll() is None:
                    raise
            attempt += 1
            shutil.rmtree(self._folder, ignore_errors=True)  # most often the keeper has taken it along
            self._folder = _new_folder()

    def _start(self, driver: str) -> subprocess.Popen[bytes]:
        """Starts the driver under the keeper; it finds a port itself, for one found here could be taken by then."""
        here = str(os.getpid())
        command = [sys.executable, "-I", "-S", str(Path(keeper.__file__).resolve()), here, self._folder, driver]
        command += ["--port=0", f"--log-path={self._log}"]
        locale = dict.fromkeys(("LANG", "LC_ALL", "LANGUAGE"), "en_US.UTF-8")
        # What a killed browser leaves in the folders for temporary files and settings goes with ours.
        env = {**os.environ, **locale, "TZ": "UTC", "TMPDIR": self._folder, "XDG_CONFIG_HOME": self._folder}
        null = subprocess.DEVNULL
        return subprocess.Popen(command, env=env, stdin=null, stdout=null, stderr=null)

    @property
    def _log(self) -> Path:
        return Path(self._folder) / "driver.log"

    def _port(self, process: subprocess.Popen[bytes], deadline: float) -> int:
        """Returns the port that the driver says it listens on; raises OSError."""
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            if self._log.is_file():
                found = _PORT.search(self._log.read_text(encoding="utf-8", errors="replace"))
                if found:
                    return int(found[1])
            if ended:
                raise OSError(f"the driver ended with exit code {process.returncode}")
            time.sleep(0.01)
        raise OSError(f"the driver took no connections within {START_S:g} s")

    @property
    def pid(self) -> int:
        """The process that keeps the browser's processes; they end with it."""
        return self._keeper.pid if self._keeper else 0

    def pids(self) -> list[int]:
        """Returns every process of the browser and its driver."""
        return keeper.descendants_of(self._keeper.pid) if self._keeper and self._keeper.poll() is None else []

    def close(self) -> None:
        """Ends the browser and waits until it is gone; may be called twice, and by several threads."""
        if self._keeper is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        with contextlib.suppress(OSError):
            self._keeper.send_signal(signal.SIGTERM)
        try:
            self._keeper.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        if self._keeper.returncode < 0:  # killed itself, it left everything running
            for pid in keeper.users_of(self._folder):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)


def _new_folder() -> str:
    short = len(tempfile.gettempdir()) <= _LONGEST or not Path("/tmp").is_dir()  # noqa: S108  # mkdtemp follows
    return tempfile.mkdtemp(prefix="envsuite-chrome-", dir=None if short else "/tmp")  # noqa: S108


def _new_session(port: int, options: webdriver.ChromeOptions, deadline: float) -> dict[str, Any]:
    """Starts the browser and returns what it is; raises `WebDriverException` or urllib3's `HTTPError`."""
    config = ClientConfig(
        remote_server_addr=f"http://127.0.0.1:{port}",
        keep_alive=False,
        proxy=Proxy(raw={"proxyType": ProxyType.DIRECT}),
        timeout=max(1, round(deadline - time.monotonic())),
    )
    capabilities: dict[str, Any] = webdriver.Remote(
        RemoteConnection(client_config=config), options=options
    ).capabilities
    return capabilities


def _options(chrome: str, frames: bool) -> webdriver.ChromeOptions:
    options = webdriver.ChromeOptions()
    options.binary_location = chrome
    flags = [
        *_FLAGS,
        *(_FAST_FRAMES if frames else ()),
        *os.environ.get(FLAGS_VARIABLE, "").split(),
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses to run as root with it
    for flag in flags:
        options.add_argument(flag)
    options.add_experimental_option("excludeSwitches", ["enable-logging"])  # a file that grows with what pages do
    return options


def _require() -> tuple[str, str]:
    chrome = find_chrome()
    if chrome is None:
        named = os.environ.get(CHROME_VARIABLE)
        got = f"{CHROME_VARIABLE}={named!r}, which is no program" if named else "none of them on the PATH"
        raise MissingSimulator(f"miniwob: expected a Chrome or Chromium with its driver, got {got}; {INSTALL}")
    driver = find_driver(chrome)
    if driver is None:
        named = os.environ.get(DRIVER_VARIABLE)
        got = f"{DRIVER_VARIABLE}={named!r}, which is no program" if named else "none beside it or on the PATH"
        raise MissingSimulator(f"miniwob: expected a chromedriver for {chrome}, got {got}; {INSTALL}")
    return chrome, driver
