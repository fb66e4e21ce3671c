"""The watcher on real processes, and breaches as a guest's host sees them."""

import dataclasses
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from guests import SMALL, answer

from envsuite.errors import AgentKilled
from envsuite.leaderboard.sandbox import PROVIDERS
from envsuite.leaderboard.sandbox.guest.guardian import descendants
from envsuite.leaderboard.sandbox.usage import MAX_OPEN_FILES, PIPE_BYTES, SOCKET_BYTES
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
    """Returns what so many looks find that two close ones are among them."""
    return next(filter(None, (watcher.look() for _ in range(2 * SELDOM))), None)


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


def test_so_much_sharing_that_looking_would_be_slow(run):
    pid = run("held = bytearray(b'1') * (96 * 2**20)\nfor _ in range(4): os.fork()")
    assert breach(Watcher(Budget(memory_bytes=256 * MEGABYTE), pid)) is None
    assert "more than once" in breach(Watcher(Budget(memory_bytes=160 * MEGABYTE), pid))


def test_shared_memory_that_nobody_has_resident(run):
    pid = run("import mmap\nm = mmap.mmap(-1, 96 * 2**20)\nm.write(bytes(96 * 2**20))\nm.madvise(mmap.MADV_DONTNEED)")
    assert "bytes of memory" in breach(Watcher(Budget(memory_bytes=64 * MEGABYTE), pid))


def test_pieces_of_one_shared_memory_count_together(run):
    code = """import ctypes, mmap
m = mmap.mmap(-1, 96 * 2**20)
a = ctypes.addressof(ctypes.c_char.from_buffer(m))
for i in range(0, 96, 2): ctypes.CDLL(None).mprotect(ctypes.c_void_p(a + i * 2**20), ctypes.c_size_t(2**20), 1)"""
    assert "bytes of memory" in breach(Watcher(Budget(memory_bytes=64 * MEGABYTE), run(code)))


def test_page_tables_count(run):
    code = """import ctypes, mmap
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
a = libc.mmap(None, ctypes.c_size_t(64 * 2**30), 1, 0x4022, -1, 0)
libc.madvise(ctypes.c_void_p(a), ctypes.c_size_t(64 * 2**30), 15)
for i in range(0, 64 * 2**30, 2 * 2**20): ctypes.c_ubyte.from_address(a + i).value"""
    pid = run(code)
    assert "bytes of memory" in breach(Watcher(Budget(memory_bytes=96 * MEGABYTE), pid))
    assert breach(Watcher(Budget(memory_bytes=256 * MEGABYTE), pid)) is None


def test_a_process_whose_first_thread_has_ended(run):
    code = """import ctypes, threading
def go():
    global held
    held = bytearray(b'1') * (96 * 2**20)
    print(flush=True)
    time.sleep(60)
threading.Thread(target=go).start()
ctypes.CDLL(None).pthread_exit(None)"""
    pid = run(code)
    time.sleep(0.2)
    (child, _), *_ = descendants(pid)
    assert "(zombie)" in Path(f"/proc/{child}/status").read_text()
    assert "bytes of memory" in breach(Watcher(Budget(memory_bytes=64 * MEGABYTE), pid))
    assert breach(Watcher(Budget(processes=1), pid)) == "it had 2 processes and threads, at most 1 are allowed"


@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("import socket\nheld = [socket.socketpair() for _ in range(20)]", 40 * SOCKET_BYTES),
        ("import socket\nheld = [socket.socketpair()[0] for _ in range(20)]", 20 * SOCKET_BYTES),
        ("held = [os.pipe() for _ in range(20)]", 20 * PIPE_BYTES),
        ("held = [os.openpty() for _ in range(20)]", 40 * PIPE_BYTES),
    ],
)
def test_buffers_in_the_kernel_count(run, code, held):
    def beside(code):
        watcher = Watcher(Budget(), run(code))
        watcher.look()
        return watcher._beside

    assert beside(code) - beside("pass") == held
    if "pty" not in code:  # of terminals one cannot tell whether two have the same open
        assert beside(f"{code}\nfor _ in range(3): os.fork()") - beside("pass") == held


def test_sockets_are_counted_that_nobody_has_open(tmp_path, needs):
    probe = PROVIDERS["bubblewrap"].probe()
    needs("bwrap", probe.available, probe.reason)
    act = """
import socket
server = self.server = socket.socket(socket.AF_UNIX)
server.bind('/tmp/s')
server.listen(1000)
for _ in range(1000):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect('/tmp/s')
time.sleep(5)
return 'held'
"""
    with pytest.raises(AgentKilled, match="bytes of memory, at most"):
        answer(tmp_path, "bubblewrap", act)


def test_so_many_mappings_that_looking_would_be_slow(run):
    code = """import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
a = libc.mmap(None, ctypes.c_size_t(4096 * 24000), 3, 0x22, -1, 0)
for i in range(0, 24000, 2): libc.mprotect(ctypes.c_void_p(a + i * 4096), ctypes.c_size_t(4096), 1)"""
    pid = run(code)
    started = time.monotonic()
    assert "mappings" in breach(Watcher(Budget(), pid))
    assert time.monotonic() - started < 1.0


def test_so_many_open_files_that_looking_would_be_slow(run):
    code = f"import resource\nresource.setrlimit(7, (8192,) * 2)\nh = [os.dup(0) for _ in range({MAX_OPEN_FILES})]"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 8192:
        pytest.skip(f"this host may open {hard} files")
    assert breach(Watcher(Budget(), run(code))) == f"it had more than {MAX_OPEN_FILES:,} open files"


def test_the_kernel_ends_guests_first(run):
    pid = run("pass")
    Watcher(Budget(), pid).look()
    assert [Path(f"/proc/{child}/oom_score_adj").read_text() for child, _ in descendants(pid)] == ["1000\n"]


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


def test_a_deleted_file_counts_once_whoever_holds_it(run, tmp_path):
    code = f"f = open({str(tmp_path / 'x')!r}, 'wb')\nos.unlink(f.name)\nf.write(bytes(2 * 2**20))\nf.flush()"
    pid = run(f"{code}\ng = os.dup(f.fileno())\nos.fork()\nos.fork()")
    assert breach(Watcher(Budget(disk_bytes=4 * MEGABYTE), pid, folder=tmp_path)) is None


@pytest.mark.parametrize("flag", ["MAP_PRIVATE", "MAP_SHARED"])
def test_a_deleted_file_that_only_a_mapping_holds(run, tmp_path, flag):
    code = f"""import ctypes, mmap
libc = ctypes.CDLL(None)
f = open({str(tmp_path / "x")!r}, 'wb+')
f.write(bytes(2 * 2**20))
f.flush()
os.unlink(f.name)
libc.mmap(None, ctypes.c_size_t(4096), 1, mmap.{flag}, f.fileno(), ctypes.c_long(0))
"""
    assert breach(Watcher(Budget(disk_bytes=4 * MEGABYTE), run(code), folder=tmp_path)) is None
    assert "mapped" in breach(Watcher(Budget(disk_bytes=4 * MEGABYTE), run(f"{code}f.close()"), folder=tmp_path))
    assert breach(Watcher(Budget(disk_bytes=4 * MEGABYTE), run(f"{code}f.close()"), folder=tmp_path / "other")) is None


def test_it_can_be_mapped_as_python_does(run, tmp_path):
    code = f"""import mmap
with open({str(tmp_path / "x")!r}, 'wb+') as f:
    f.write(bytes(4096))
    f.flush()
    m = mmap.mmap(f.fileno(), 0)
os.unlink(f.name)"""
    assert breach(Watcher(Budget(), run(code), folder=tmp_path)) is None


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
