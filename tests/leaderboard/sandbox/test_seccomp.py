"""The filter as the kernel runs it: what it refuses and what it lets through, in forked processes."""

import ctypes
import errno
import mmap
import os
import platform
import shutil
import signal
import socket

import pytest

from envsuite.errors import SandboxUnavailable
from envsuite.leaderboard.sandbox import seccomp
from envsuite.leaderboard.sandbox.guest.harden import PR_SET_NO_NEW_PRIVS, install_filter
from envsuite.leaderboard.sandbox.syscalls import DENIED, DENIED_WITHOUT_NAMESPACES, NUMBERS

COLUMN = 0 if platform.machine() == "x86_64" else 1
pytestmark = pytest.mark.skipif(platform.machine() not in seccomp.ARCHITECTURES, reason="no table for this machine")


def under(program, call) -> int:
    """Returns what `call` returns in a process under the filter, 0 to 254; minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            install_filter(program)
            result = call(libc)
        except OSError as error:
            result = error.errno
        except BaseException:  # noqa: BLE001  # a forked child may not return
            result = 255
        os._exit(result or 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def raw(name, *arguments):
    """Returns a function that makes a system call with numbers and gives its errno, 0 for success."""

    def call(libc):
        boxed = [ctypes.c_long(argument) for argument in arguments]
        return ctypes.get_errno() if libc.syscall(ctypes.c_long(NUMBERS[name][COLUMN]), *boxed) < 0 else 0

    return call


@pytest.fixture(scope="module")
def inside():
    return seccomp.build(namespaces=True)


@pytest.fixture(scope="module")
def alone():
    return seccomp.build(namespaces=False, landlock_abi=1)


@pytest.mark.parametrize("name", " ".join(DENIED.values()).split())
def test_it_refuses_in_every_sandbox(name, inside, alone):
    if NUMBERS[name][COLUMN] is None:
        pytest.skip("no such call on this machine")
    for program in (inside, alone):
        assert under(program, raw(name, -1, -1, -1, -1, -1, -1)) == errno.EPERM


@pytest.mark.parametrize("name", " ".join(DENIED_WITHOUT_NAMESPACES.values()).split())
def test_it_refuses_more_without_namespaces(name, inside, alone):
    if NUMBERS[name][COLUMN] is None:
        pytest.skip("no such call on this machine")
    assert under(alone, raw(name, -1, -1, -1, -1)) == errno.EPERM
    assert under(inside, raw(name, -1, -1, -1, -1)) != 255


@pytest.mark.parametrize("name", ["clone3", "memfd_create"])
def test_what_libraries_can_do_without_does_not_exist(name, inside):
    assert under(inside, raw(name, 0, 0)) == errno.ENOSYS


@pytest.mark.parametrize("flag", [1 << 17, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30])
def test_no_namespace_comes_from_clone(flag, inside):
    assert under(inside, raw("clone", flag | signal.SIGCHLD, 0, 0, 0, 0)) == errno.EPERM


def test_processes_and_threads_still_start(inside):
    import threading

    def both(libc):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        child = os.fork()
        if child == 0:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert under(inside, both) == 7


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, 38])
def test_no_socket_of_a_network(family, inside, alone):
    for program in (inside, alone):
        assert under(program, raw("socket", family, socket.SOCK_STREAM, 0)) == errno.EPERM


def test_unix_sockets_only_where_no_one_else_is(inside, alone):
    assert under(inside, raw("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0)) == 0
    assert under(alone, raw("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0)) == errno.EPERM


def test_pairs_that_can_name_no_receiver(alone):
    def pair(kind):
        def call(libc):
            for end in socket.socketpair(socket.AF_UNIX, kind):
                end.close()

        return call

    assert under(alone, pair(socket.SOCK_STREAM)) == 0
    assert under(alone, pair(socket.SOCK_SEQPACKET)) == 0
    assert under(alone, pair(socket.SOCK_DGRAM)) == errno.EPERM


def test_terminals_take_no_typing(inside):
    for request in seccomp.TERMINAL_INPUT:
        assert under(inside, raw("ioctl", 0, request, 0)) == errno.EPERM
    assert under(inside, raw("ioctl", -1, 0x5401, 0)) == errno.EBADF


def test_personality_may_only_be_asked(inside):
    assert under(inside, raw("personality", 0xFFFFFFFF)) == 0
    assert under(inside, raw("personality", 0x0040000)) == errno.EPERM


@pytest.mark.parametrize("name", seccomp.SIGNALS)
def test_an_old_landlock_gets_no_signals(name):
    old, new = (seccomp.build(namespaces=False, landlock_abi=version) for version in (5, 6))
    assert under(old, raw(name, 0, 0, 0, 0)) == errno.EPERM
    assert under(new, raw(name, 1 << 22, 0, 0, 0)) in (0, errno.ESRCH, errno.EINVAL, errno.EFAULT, errno.EBADF)


def test_others_of_the_same_user_are_left_alone(alone):
    for name, argument in seccomp.OTHERS.items():
        arguments = [0, 0, 0, 0]
        arguments[argument] = os.getpid()
        assert under(alone, raw(name, *arguments)) == errno.EPERM, name
    assert under(alone, raw("prlimit64", 0, 7, 0, 0)) == 0


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has x32 calls")
def test_x32_calls_do_not_exist(inside):
    def call(libc):
        libc.syscall(ctypes.c_long(seccomp.X32_BIT | 39))
        return ctypes.get_errno()

    assert under(inside, call) == errno.ENOSYS


def test_another_architectures_calls_kill():
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    assert under(seccomp.build(namespaces=True, machine=other), lambda libc: os.getppid() and 0) == -signal.SIGSYS


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_program_is_one_and_its_hash_is_stable(machine):
    program = seccomp.build(namespaces=True, machine=machine)
    assert len(program) % 8 == 0
    assert 100 < len(program) // 8 < 4096  # the kernel takes no more instructions
    assert seccomp.fingerprint(program) == seccomp.fingerprint(seccomp.build(namespaces=True, machine=machine))
    assert program != seccomp.build(namespaces=False, machine=machine)


def test_an_unknown_machine_is_told():
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        seccomp.build(namespaces=True, machine="riscv64")


def test_no_leases_on_files_of_the_host(inside):
    assert under(inside, raw("fcntl", 0, seccomp.F_SETLEASE, 0)) == errno.EPERM
    assert under(inside, raw("fcntl", -1, 1, 0)) == errno.EBADF


def test_no_shared_memory_without_a_file(inside, alone):
    private, shared, huge = 0x22, 0x21, 0x40022
    for program in (inside, alone):
        assert under(program, raw("mmap", 0, 4096, 3, shared, -1, 0)) == errno.EPERM
        assert under(program, raw("mmap", 0, 1 << 21, 3, huge, -1, 0)) == errno.EPERM
        assert under(program, raw("mmap", 0, 4096, 3, private, -1, 0)) == 0


def test_a_file_can_be_mapped_and_shared(inside, alone, tmp_path):
    (tmp_path / "file").write_bytes(b"1" * 4096)

    def share(libc):
        with (tmp_path / "file").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
            return mapped[0] - ord("1")

    assert under(inside, share) == under(alone, share) == 0


def test_buffers_in_the_kernel_keep_their_size(inside, alone):
    def enlarge(name):
        def call(libc):
            left, right = socket.socketpair()
            left.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            left.setsockopt(socket.SOL_SOCKET, name, 1 << 20)
            right.close()

        return call

    for program in (inside, alone):
        for name in seccomp.SOCKET_BUFFERS:
            assert under(program, enlarge(name)) == errno.EPERM
        assert under(program, raw("fcntl", 1, seccomp.F_SETPIPE_SZ, 1 << 20)) == errno.EPERM


def test_a_thread_shares_its_open_files(inside):
    alone_with_files = 0x100 | 0x200 | 0x800 | seccomp.CLONE_THREAD
    assert under(inside, raw("clone", alone_with_files, 0, 0, 0, 0)) == errno.EPERM


def test_nobody_hides_from_the_watcher(inside, alone):
    for program in (inside, alone):
        assert under(program, raw("prctl", seccomp.PR_SET_DUMPABLE, 0, 0, 0, 0)) == errno.EPERM


def test_files_are_copied_where_the_kernel_may_not(inside, tmp_path):
    (tmp_path / "from").write_bytes(b"1" * 100_000)

    def copy(libc):
        return shutil.copyfile(tmp_path / "from", tmp_path / "to").stat().st_size != 100_000

    assert under(inside, raw("sendfile", 1, 0, 0, 1)) == errno.EPERM
    assert under(inside, copy) == 0


def test_open_files_are_sent_only_where_the_file_system_is_the_guests_own(inside, alone):
    def send(libc):
        left, right = socket.socketpair()
        socket.send_fds(left, [b"x"], [0])
        right.close()

    assert under(inside, send) == 0
    assert under(alone, send) == errno.EPERM
