"""What an agent sees inside, and that nothing of it outlives its end, its host's or a race of starts."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from guests import SMALL, TASK, answer, bundle, descriptors, gone

from envsuite.errors import AgentFailed, InvalidArgument, SandboxUnavailable
from envsuite.leaderboard.sandbox import PROVIDERS
from envsuite.leaderboard.sandbox.agent import _message
from envsuite.leaderboard.sandbox.base import Request
from envsuite.leaderboard.sandbox.guest.codec import encode
from envsuite.leaderboard.sandbox.guest.guardian import descendants
from envsuite.leaderboard.sandbox.interpreter import this_interpreter

TESTS = Path(__file__).resolve().parents[2]
SANDBOXES = ["bubblewrap", "landlock"]
ALL = [*SANDBOXES, "subprocess"]
FORK_AND_HIDE = """
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
time.sleep(600)
"""
HOST = """
import sys, time
from pathlib import Path
from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from guests import TASK
import threading
submission = SandboxedSubmission(Path(sys.argv[1]), provider=sys.argv[2], unsafe_ok=True)
agent = submission(TASK)
agent.reset(0)
threading.Thread(target=agent.act, args=(None,), daemon=True).start()
time.sleep(1)
print(submission._session.guest.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _works(request, needs):
    for name in SANDBOXES:
        probe = PROVIDERS[name].probe()
        needs("bwrap" if name == "bubblewrap" else name, probe.available, probe.reason)


def test_it_tells_what_it_enforces():
    enforced = PROVIDERS["bubblewrap"].probe().enforced
    assert enforced.safe
    assert enforced.provider == "bubblewrap"
    assert enforced.features["seccomp"].startswith("sha256:")


def test_inside_are_only_the_agents_processes(tmp_path):
    found, _ = answer(tmp_path, "bubblewrap", "return [int(n) for n in os.listdir('/proc') if n.isdigit()]")
    assert len(found) == 2
    assert 1 in found


@pytest.mark.parametrize("provider", SANDBOXES)
def test_the_environment_is_cleared(tmp_path, provider, monkeypatch):
    monkeypatch.setenv("ENVSUITE_SECRET", "canary")
    found, _ = answer(tmp_path, provider, "return dict(os.environ)")
    assert "canary" not in str(found)
    assert found["OMP_NUM_THREADS"] == "1"
    assert Path(found["HOME"]).name == "tmp" or found["HOME"] == found["TMPDIR"]


@pytest.mark.parametrize("provider", ALL)
def test_no_descriptor_leaks_in(tmp_path, provider):
    extra = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(extra, True)
    try:
        found, _ = answer(tmp_path, provider, "return sorted(map(int, os.listdir('/proc/self/fd')))")
    finally:
        os.close(extra)
    assert found[:5] == [0, 1, 2, 3, 4]
    assert len(found) == 6  # the last one is the listing's own


@pytest.mark.parametrize("provider", SANDBOXES)
def test_the_agent_is_nobody_without_rights(tmp_path, provider):
    act = "return [os.getuid(), os.getgroups(), open('/proc/self/status').read()]"
    uid, groups, status = answer(tmp_path, provider, act)[0]
    assert uid != 0 or os.getuid() == 0
    assert os.geteuid() == 0 or provider == "bubblewrap" or uid == os.getuid()
    assert os.geteuid() != 0 or uid != 0
    assert os.geteuid() != 0 or set(groups) <= {uid}
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(lines["CapEff"], 16) == int(lines["CapPrm"], 16) == 0
    assert lines["NoNewPrivs"] == "1"
    assert lines["Seccomp"] == "2"


def test_only_tmp_can_be_written_to(tmp_path):
    act = """
writable = []
for line in open('/proc/self/mountinfo'):
    path = line.split()[4]
    try:
        os.close(os.open(path + '/x', os.O_CREAT | os.O_WRONLY))
        writable.append(path)
    except OSError:
        pass
return writable
"""
    assert answer(tmp_path, "bubblewrap", act)[0] == ["/tmp"]


@pytest.mark.parametrize("provider", ALL)
def test_envsuite_can_be_imported(tmp_path, provider):
    act = "import envsuite.wrappers, envsuite.agent\nreturn envsuite.agent.RandomAgent.__name__"
    assert answer(tmp_path, provider, act)[0] == "RandomAgent"


@pytest.mark.parametrize("provider", ALL)
def test_what_was_forked_and_hidden_ends_with_the_guest(tmp_path, provider):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "agent.py").write_text(
        "import os, time\ndef make_agent(task):\n" + "".join(f"    {line}\n" for line in FORK_AND_HIDE.splitlines())
    )
    before = descriptors()
    guest = PROVIDERS[provider].start(Request(bundle=tmp_path / "bundle", budget=SMALL))
    try:
        body = encode(["make", _message(TASK, SMALL)])
        os.write(guest.to_guest, len(body).to_bytes(4, "little") + body)
        deadline = time.monotonic() + 20
        while len(descendants(guest.pid)) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        pids = [pid for pid, _ in descendants(guest.pid)]
        assert len(pids) >= 4
    finally:
        guest.stop()
    guest.stop()
    assert all(gone(pid, 0.0) or gone(pid) for pid in [guest.pid, *pids])
    assert descriptors() == before


@pytest.mark.parametrize("provider", ALL)
def test_killing_the_host_kills_the_guest(tmp_path, provider):
    made = bundle(tmp_path, FORK_AND_HIDE)
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(made), provider],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS), "TMPDIR": str(tmp_path)},
        text=True,
    )
    with host:
        pid = int(host.stdout.readline())
        pids = [pid, *(child for child, _ in descendants(pid))]
        assert len(pids) >= 4
        host.send_signal(signal.SIGKILL)
    assert all(map(gone, pids))


@pytest.mark.parametrize("provider", ALL)
def test_many_start_at_once(tmp_path, provider):
    made, answers, before = bundle(tmp_path, "return 1"), [], descriptors()

    def run():
        guest = PROVIDERS[provider].start(Request(bundle=made, entry_point="", budget=SMALL))
        try:
            deadline = time.monotonic() + 20
            while guest.exit_code() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            answers.append((os.read(guest.from_guest, 16), guest.exit_code()))
        finally:
            guest.stop()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(b"ready", 0)] * 8
    assert descriptors() == before


@pytest.mark.parametrize("provider", ALL)
def test_a_guest_outlives_the_thread_that_started_it(tmp_path, provider):
    made, guests = bundle(tmp_path, "return 1"), []
    request = Request(bundle=made, budget=SMALL)
    thread = threading.Thread(target=lambda: guests.append(PROVIDERS[provider].start(request)))
    thread.start()
    thread.join()
    try:
        time.sleep(0.3)
        assert guests[0].exit_code() is None
    finally:
        guests[0].stop()


@pytest.mark.parametrize("provider", ALL)
def test_the_exit_code_tells_a_signal(tmp_path, provider):
    with pytest.raises(AgentFailed, match=r"SIGSEGV|signal 11"):
        answer(tmp_path, provider, "os.kill(os.getpid(), 11)")


def test_a_bundle_that_nobody_else_may_read(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only a host that is root runs its guests as another user")
    made = bundle(tmp_path, "return 1")
    (made / "weights").write_text("")
    (made / "weights").chmod(0o600)
    with pytest.raises(InvalidArgument, match="chmod -R a"):
        PROVIDERS["bubblewrap"].start(Request(bundle=made, budget=SMALL))


def test_a_bundle_that_is_none(tmp_path):
    with pytest.raises(InvalidArgument, match="expected a folder"):
        PROVIDERS["bubblewrap"].start(Request(bundle=tmp_path / "none", budget=SMALL))


def test_without_bwrap_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        PROVIDERS["bubblewrap"].start(Request(bundle=tmp_path, budget=SMALL))


def test_as_an_ordinary_user_too(tmp_path):
    """The same starts when the host is no root: run by this test as another user where it is root."""
    if os.geteuid() != 0:
        pytest.skip("this host is an ordinary user already")
    from envsuite.leaderboard.sandbox.identity import identity

    who = identity([*this_interpreter().folders, TESTS])
    if who.enter is None or who.uid is None:
        pytest.skip("this host may not mount")
    tmp_path.chmod(0o777)
    script = (
        "import sys; from pathlib import Path; from guests import *\n"
        "for p in ('bubblewrap', 'landlock'):\n"
        "    f = Path(sys.argv[1]) / p; f.mkdir(); print(answer(f, p, 'return os.getuid()')[0] != 0)\n"
    )
    found = []

    def run():
        from tempfile import mkdtemp

        home = mkdtemp()
        os.chown(home, who.uid, who.uid)
        who.enter()
        found.append(
            subprocess.run(
                [sys.executable, "-c", script, home],
                env={"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home, "PYTHONPATH": str(TESTS)},
                user=who.uid,
                group=who.uid,
                extra_groups=[],
                capture_output=True,
                text=True,
                check=False,
            )
        )
        subprocess.run(["rm", "-r", home], check=True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found[0].stdout.split() == ["True", "True"], found[0].stderr
