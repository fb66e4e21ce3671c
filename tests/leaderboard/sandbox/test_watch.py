"""The watcher on real processes, and breaches as a guest's host sees them."""

import dataclasses
import os
import signal
import subprocess
import sys

import pytest
from guests import SMALL, answer

from envsuite.errors import AgentKilled
from envsuite.leaderboard.sandbox import PROVIDERS
from envsuite.leaderboard.sandbox.watch import SELDOM, Watcher
from envsuite.task import Budget

MEGABYTE = 2**20


@pytest.fixture
def run():
    """A function that runs Python code below a process of its own and returns that process's number."""
    started = []

    def start(code: str) -> int:
        outer = (
            "import os, sys, time\n"
            "if os.fork() == 0:\n" + "".join(f"    {line}\n" for line in code.splitlines()) + "    print(flush=True)\n"
            "    time.sleep(60)\n"
            "time.sleep(60)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", outer], stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        process.stdout.readline()
        return process.pid

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def breach(watcher) -> str | None:
    """Returns what so many looks find that the seldom ones are among them."""
    return next(filter(None, (watcher.look() for _ in range(SELDOM))), None)


def test_an_idle_process_is_within_its_budget(run):
    assert breach(Watcher(Budget(), run("pass"))) is None


def test_a_process_that_is_gone(run):
    assert breach(Watcher(Budget(), 2**22 + 1)) is None


def test_memory(run):
    pid = run("held = bytearray(b'1') * (96 * 2**20)")
    assert "bytes of memory" in breach(Watcher(Budget(memory_bytes=64 * MEGABYTE), pid))
    assert breach(Watcher(Budget(memory_bytes=256 * MEGABYTE), pid)) is None


def test_pages_that_are_shared_count_once(run):
    pid = run("held = bytearray(b'1') * (96 * 2**20)\nif os.fork() and os.fork(): pass")
    assert breach(Watcher(Budget(memory_bytes=160 * MEGABYTE), pid)) is None


def test_shared_memory_that_nobody_has_resident(run):
    pid = run("import mmap\nm = mmap.mmap(-1, 96 * 2**20)\nm.write(bytes(96 * 2**20))\nm.madvise(mmap.MADV_DONTNEED)")
    assert "bytes of memory" in breach(Watcher(Budget(memory_bytes=64 * MEGABYTE), pid))


def test_processes_and_threads(run):
    pid = run("import threading\nfor _ in range(5): threading.Thread(target=time.sleep, args=(60,)).start()")
    assert breach(Watcher(Budget(processes=5), pid)) == "it had 6 processes and threads, at most 5 are allowed"
    assert breach(Watcher(Budget(processes=6), pid)) is None


def test_what_is_the_sandboxs_own_does_not_count(run):
    pid = run("pass")
    assert "had" not in str(breach(Watcher(Budget(processes=1), pid, own_depth=1)))


def test_disk(run, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"1" * 2 * MEGABYTE)
    assert "of files" in breach(Watcher(Budget(disk_bytes=MEGABYTE), run("pass"), folder=tmp_path))
    assert breach(Watcher(Budget(disk_bytes=4 * MEGABYTE), run("pass"), folder=tmp_path)) is None


def test_deleted_files_count(run, tmp_path):
    code = f"f = open({str(tmp_path / 'x')!r}, 'wb')\nos.unlink(f.name)\nf.write(bytes(2 * 2**20))\nf.flush()"
    assert "of files" in breach(Watcher(Budget(disk_bytes=MEGABYTE), run(code), folder=tmp_path))


@pytest.mark.parametrize("provider", ["bubblewrap", "landlock"])
def test_more_memory_than_allowed_ends_the_guest(tmp_path, provider, needs):
    probe = PROVIDERS[provider].probe()
    needs("bwrap" if provider == "bubblewrap" else provider, probe.available, probe.reason)
    with pytest.raises(AgentKilled, match="bytes of memory, at most"):
        answer(tmp_path, provider, "held = bytearray(b'1') * (400 * 2**20)\ntime.sleep(5)")


@pytest.mark.parametrize("provider", ["bubblewrap", "landlock"])
def test_a_log_is_cut_and_a_flood_ends_the_guest(tmp_path, provider, needs):
    probe = PROVIDERS[provider].probe()
    needs("bwrap" if provider == "bubblewrap" else provider, probe.available, probe.reason)
    found, log = answer(tmp_path, provider, "print('x' * 20_000)\nreturn 1", dataclasses.replace(SMALL, log_bytes=5000))
    assert found == 1
    assert log == "x" * 5000
    (tmp_path / "flood").mkdir()
    with pytest.raises(AgentKilled, match="printed"):
        answer(tmp_path / "flood", provider, "while True: print('x' * 1000)")
