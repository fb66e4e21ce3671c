"""Starting and ending browsers: a clear error where none can be had, and nothing left behind however a process ends."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from families.miniwob.playing import make
from selenium.webdriver.common.selenium_manager import SeleniumManager

from envsuite.errors import MissingSimulator
from envsuite.families.miniwob import chrome, keeper
from envsuite.families.miniwob.browser import BrowserCrashed

pytestmark = [
    pytest.mark.usefixtures("web"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"),
]
OWN_BROWSER = 31
"""A shard that no other environment is in: its browser starts and ends with the test."""
CHILD = """
import os, signal, sys
import envsuite, gymnasium
envs = [gymnasium.make("envsuite/miniwob-click-test-v1", render_mode=mode) for mode in MODES]
for env in envs:
    env.reset(seed=0)
print(*(pid for env in envs for pid in env.unwrapped.page.browser.pids()), flush=True)
"""


def running(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    return False


def until_gone(pids, seconds=15):
    """Returns the processes that are still there after so many seconds at most."""
    deadline = time.monotonic() + seconds
    while any(map(running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [pid for pid in pids if running(pid)]


@pytest.fixture
def temporary(monkeypatch):
    """The folder for temporary files of this process and its children, empty; short, as sockets are made in it."""
    folder = tempfile.mkdtemp(prefix="w")
    monkeypatch.setenv("TMPDIR", folder)
    monkeypatch.setattr(tempfile, "tempdir", folder)
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def program(temporary):
    """Writes an executable script and returns its path; it is gone before the temporary folder is looked at."""
    folder = Path(tempfile.mkdtemp(prefix="w", dir="/tmp"))

    def write(text):
        path = folder / "program"
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    yield write
    shutil.rmtree(folder)


def refused(temporary):
    """Returns the message of the error that `make` raises, when nothing is left behind by it."""
    before = set(keeper.children_of(os.getpid()))
    with pytest.raises(MissingSimulator) as caught:
        make("click-test", shard=OWN_BROWSER)
    assert set(keeper.children_of(os.getpid())) <= before
    assert not list(temporary.iterdir())
    message = str(caught.value)
    assert "apt-get install chromium chromium-driver" in message
    return message


@pytest.mark.parametrize("variable", [chrome.CHROME_VARIABLE, chrome.DRIVER_VARIABLE])
@pytest.mark.parametrize("named", ["/no/such/program", "/etc/passwd", "/"])
def test_what_is_named_and_is_no_program_is_an_error_at_make(monkeypatch, temporary, variable, named):
    monkeypatch.setenv(variable, named)
    assert f"{variable}={named!r}" in refused(temporary)


def test_no_browser_on_the_path_is_an_error_at_make(monkeypatch, temporary):
    monkeypatch.delenv(chrome.CHROME_VARIABLE, raising=False)
    monkeypatch.setattr(chrome, "_CHROMES", ("chromium", "google-chrome"))
    monkeypatch.setenv("PATH", "/no/such/folder")
    assert "none of them on the PATH" in refused(temporary)


def test_a_driver_that_ends_at_once_is_started_again(monkeypatch, program):
    driver = chrome.find_driver(chrome.find_chrome())
    tries = Path(tempfile.gettempdir()) / "tries"
    monkeypatch.setenv(
        chrome.DRIVER_VARIABLE,
        program(f'#!/bin/sh\necho >> {tries}\n[ $(wc -l < {tries}) -gt 2 ] || exit 1\nexec {driver} "$@"\n'),
    )
    env = make("click-test", shard=OWN_BROWSER)
    env.reset(seed=0)
    env.close()
    assert len(tries.read_text()) == 3


def test_a_browser_without_a_driver_is_an_error_at_make(monkeypatch, temporary):
    monkeypatch.setenv(chrome.CHROME_VARIABLE, "/bin/true")
    monkeypatch.delenv(chrome.DRIVER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/no/such/folder")
    monkeypatch.setattr(Path, "resolve", lambda self, strict=False: Path("/no/such/folder/program"))
    assert "got none beside it or on the PATH" in refused(temporary)


@pytest.mark.parametrize("variable", [chrome.CHROME_VARIABLE, chrome.DRIVER_VARIABLE])
@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 7\n", "#!/no/such/interpreter\n"])
def test_a_program_that_is_none_of_these_is_an_error_at_once(monkeypatch, temporary, program, variable, text):
    named = program(text)
    monkeypatch.setenv(variable, named)
    started = time.monotonic()
    assert named in refused(temporary)
    assert time.monotonic() - started < chrome.START_S - 5


@pytest.mark.parametrize("variable", [chrome.CHROME_VARIABLE, chrome.DRIVER_VARIABLE])
def test_a_program_that_does_nothing_is_given_up_and_killed(monkeypatch, temporary, program, variable):
    named = program("#!/bin/sh\nsleep 611 & sleep 611\n")
    monkeypatch.setenv(variable, named)
    monkeypatch.setattr(chrome, "START_S", 3.0)
    started = time.monotonic()
    refused(temporary)
    assert time.monotonic() - started < 20
    assert not until_gone(keeper.users_of(named))


def test_an_environment_full_of_proxies_and_other_drivers_does_not_matter(monkeypatch, temporary):
    def download(*_):
        raise AssertionError("Selenium looked for a driver to download")

    monkeypatch.setattr(SeleniumManager, "binary_paths", download)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SE_CHROMEDRIVER", "/bin/false")
    env = make("click-test", shard=OWN_BROWSER)
    env.reset(seed=0)
    env.close()
    assert not list(temporary.iterdir())


def test_a_long_path_of_the_temporary_folder_does_not_matter(monkeypatch, temporary):
    folder = temporary / ("long" * 20)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    env = make("click-test", shard=OWN_BROWSER)
    env.reset(seed=0)
    profile = Path(Path(f"/proc/{env.page.browser.pids()[0]}/cmdline").read_text().split("\0")[5])
    assert profile.is_dir()
    env.close()
    assert not profile.exists()
    assert not list(folder.iterdir())


def test_a_browser_ends_with_its_last_page(temporary):
    envs = [make("click-test", shard=OWN_BROWSER) for _ in range(2)]
    pids = envs[0].page.browser.pids()
    envs[0].close()
    assert all(map(running, pids))
    envs[1].reset(seed=0)
    envs[1].close()
    assert not [pid for pid in pids if running(pid)]
    assert not list(temporary.iterdir())
    assert envs[1].page.browser.pids() != pids  # and the next one starts another
    envs[1].close()


def test_a_browser_whose_keeper_was_killed_is_ended_too(temporary):
    env = make("click-test", shard=OWN_BROWSER)
    env.reset(seed=0)
    pids = env.page.browser.pids()
    os.kill(pids[0], signal.SIGKILL)
    assert not until_gone(pids[:1])
    with contextlib.suppress(BrowserCrashed):
        env.close()
    assert not until_gone(pids)
    assert not list(temporary.iterdir())


ENDS = {
    "closes": "[env.close() for env in envs]",
    "forgets": "",
    "raises": "raise RuntimeError('in the middle')",
    "exits": "sys.exit(3)",
    "exits at once": "os._exit(0)",
    "is terminated": "os.kill(os.getpid(), signal.SIGTERM)",
    "is interrupted": "os.kill(os.getpid(), signal.SIGINT)",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "is killed with two": "os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("how", ENDS)
def test_a_process_leaves_nothing_behind_when_it(temporary, how):
    modes = "(None, 'rgb_array')" if "two" in how else "(None,)"
    command = [sys.executable, "-c", CHILD.replace("MODES", modes) + ENDS[how]]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120)
    pids = [int(word) for word in child.stdout.split()]
    assert len(pids) > 3, child.stderr
    assert not until_gone(pids)
    assert not list(temporary.iterdir())


def test_a_process_that_is_killed_while_a_browser_starts_leaves_nothing_behind(temporary):
    command = [sys.executable, "-c", CHILD.replace("MODES", "(None,)")]
    for wait_s in (0.0, 0.02, 0.1, 0.4):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not (pids := keeper.descendants_of(child.pid)):  # the keeper, even before it runs
            assert child.poll() is None
        time.sleep(wait_s)
        pids = keeper.descendants_of(child.pid)
        child.kill()
        child.wait()
        assert not until_gone(pids)
        assert not until_gone(keeper.users_of(str(temporary)))
        assert not list(temporary.iterdir())
