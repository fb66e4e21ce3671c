"""What Landlock takes away, in every version of it that a kernel may have."""

import errno
import os
from pathlib import Path

import pytest
from guests import SMALL, answer, bundle

from envsuite.leaderboard.sandbox import PROVIDERS
from envsuite.leaderboard.sandbox.base import Request
from envsuite.leaderboard.sandbox.guest.harden import PR_SET_NO_NEW_PRIVS
from envsuite.leaderboard.sandbox.guest.landlock import restrict, version
from envsuite.leaderboard.sandbox.landlock import NEWEST, Landlock


@pytest.fixture(autouse=True)
def _works(needs):
    needs("landlock", version(), "Linux 5.13 or later with landlock among its security modules")


def restricted(abi, tmp_path, call) -> int:
    """Returns the errno of `call` in a process that may read `tmp_path/read` and write `tmp_path/write`."""
    child = os.fork()
    if child == 0:
        import ctypes

        code = 255
        try:
            ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            restrict(abi, [str(tmp_path / "read"), "/absent"], [str(tmp_path / "write")], ["/dev/null"])
            call()
            code = 0
        except OSError as error:
            code = error.errno
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def folders(tmp_path):
    for name in ("read", "write", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    return tmp_path


@pytest.mark.parametrize("abi", range(1, NEWEST + 1))
def test_paths(abi, folders):
    if abi > version():
        pytest.skip(f"this kernel has version {version()}")
    allowed = [
        lambda: (folders / "read" / "file").read_text(),
        lambda: list((folders / "read").iterdir()),
        lambda: (folders / "write" / "new").write_text("text"),
        lambda: (folders / "write" / "file").unlink(),
        lambda: Path("/dev/null").write_text("text"),
    ]
    denied = [
        lambda: (folders / "other" / "file").read_text(),
        lambda: (folders / "read" / "file").write_text("text"),
        lambda: (folders / "read" / "file").unlink(),
        lambda: (folders / "read" / "new").mkdir(),
        lambda: list((folders / "other").iterdir()),
        lambda: (folders / "other" / "file").rename(folders / "write" / "taken"),
        lambda: Path("/proc/1/cmdline").read_text(),
    ]
    assert [restricted(abi, folders, call) for call in allowed] == [0] * len(allowed)
    assert {restricted(abi, folders, call) for call in denied} <= {errno.EACCES, errno.EXDEV}


def test_signals_from_version_6(folders):
    if version() < 6:
        pytest.skip(f"this kernel has version {version()}")
    assert restricted(6, folders, lambda: os.kill(os.getppid(), 0)) == errno.EPERM
    assert restricted(5, folders, lambda: os.kill(os.getppid(), 0)) == 0


def test_no_tcp_from_version_4(folders):
    import socket

    def bind():
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))

    if version() < 4:
        pytest.skip(f"this kernel has version {version()}")
    assert restricted(4, folders, bind) == errno.EACCES
    assert restricted(3, folders, bind) == 0


@pytest.mark.parametrize("newest", [1, 3, 5, NEWEST])
def test_guests_start_under_every_version(newest):
    probe = Landlock(newest).probe()
    assert probe.available, probe.reason
    assert f"version {min(newest, version())}" in probe.enforced.features["files"]
    assert "not enforced" in probe.enforced.features


def test_its_folder_is_its_own_and_goes_with_it(tmp_path):
    act = "open(os.environ['TMPDIR'] + '/x', 'w').write('1')\nreturn os.environ['TMPDIR']"
    found, _ = answer(tmp_path, "landlock", act)
    assert not Path(found).exists()


def test_the_processes_of_others_cannot_be_listed(tmp_path):
    act = "try:\n    return os.listdir('/proc')\nexcept OSError as error:\n    return error.errno"
    assert answer(tmp_path, "landlock", act)[0] == errno.EACCES


def test_its_guardian_cannot_be_signalled(tmp_path):
    act = "try:\n    os.kill(os.getppid(), 0)\nexcept OSError as error:\n    return error.errno"
    assert answer(tmp_path, "landlock", act)[0] == errno.EPERM


def test_it_gives_what_the_interface_promises(tmp_path):
    guest = PROVIDERS["landlock"].start(Request(bundle=bundle(tmp_path, "return 1"), budget=SMALL))
    try:
        assert guest.exit_code() is None
        assert guest.breach() is None
        assert not os.get_blocking(guest.to_guest)
        assert not os.get_blocking(guest.from_guest)
    finally:
        guest.stop()
    assert guest.exit_code() is not None
