"""Assembles the filter of system calls that the kernel runs before every call of a guest.

A classic BPF program over `struct seccomp_data`: it looks at the architecture, the number of the call and, for
a few calls, at arguments that are numbers (pointers cannot be followed). What is not denied is allowed: an
agent may bring any library, and what it can reach is decided by namespaces or Landlock, not here.
"""

from __future__ import annotations

import errno
import hashlib
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from envsuite.errors import SandboxUnavailable
from envsuite.leaderboard.sandbox.syscalls import DENIED, DENIED_WITHOUT_NAMESPACES, NUMBERS

ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""Machine -> AUDIT_ARCH constant of linux/audit.h and the column of `NUMBERS`."""
X32_BIT = 0x40000000
"""Set in the numbers of the x32 calls, which would go around rules for the ordinary ones."""
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
"""SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS and SECCOMP_RET_ERRNO of linux/seccomp.h."""
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
"""BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_JMP|JSET|K, BPF_ALU|AND|K, BPF_RET|K of linux/filter.h."""
NEW_NAMESPACE = 0x7E020000
"""All CLONE_NEW* flags that clone(2) takes."""
CLONE_FILES, CLONE_THREAD = 0x400, 0x10000
MAP_SHARED, MAP_ANONYMOUS, MAP_HUGETLB = 0x1, 0x20, 0x40000
F_SETPIPE_SZ = 1031
SOCKET_BUFFERS = (7, 8, 32, 33)
"""SO_SNDBUF, SO_RCVBUF and the same with FORCE. Unix sockets, and there are no others, have no option by these
numbers at another level."""
AF_UNIX = 1
PERSONALITIES = (0x0, 0xFFFFFFFF)
"""PER_LINUX, and the question which one it is."""
TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: types into the terminal of whoever started the host."""
SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
OTHERS = {
    "prlimit64": 0,
    "sched_setaffinity": 0,
    "sched_setscheduler": 0,
    "sched_setparam": 0,
    "sched_setattr": 0,
    "setpriority": 1,
    "ioprio_set": 1,
}
"""Calls that change a process of the same user -> the argument that names it; 0 is the caller."""
PR_SET_DUMPABLE = 4
F_SETLEASE = 1024
SIGNAL_OWNERS = (8, 15)
"""F_SETOWN and F_SETOWN_EX: let the kernel send a signal in the caller's place."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a call is refused, seen at one of its arguments' lower 32 bits."""

    call: str
    argument: int = 0
    equal: tuple[int, ...] = ()
    """Refused at these values."""
    unless: tuple[int, ...] = ()
    """Refused at all values but these."""
    any_bit: int = 0
    """Refused where one of these bits is set."""
    mask: int = 0xFFFFFFFF
    """Bits of the argument that are looked at."""
    error: int = errno.EPERM


def build(*, namespaces: bool, landlock_abi: int = 0, machine: str | None = None) -> bytes:
    """Returns the program: 8 bytes an instruction, in this machine's byte order.

    Args:
        namespaces: whether namespaces separate the guest from its host; where not, more is refused.
        landlock_abi: the version of Landlock that is enforced; what an old one lacks is refused here.
        machine: as `platform.machine()` tells it; None is this one.

    Raises `SandboxUnavailable` for a machine without a table of numbers.
    """
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        raise SandboxUnavailable(
            f"seccomp: expected a machine of {' or '.join(ARCHITECTURES)}, got {machine}; "
            "numbers of its system calls are missing in envsuite/leaderboard/sandbox/syscalls.py"
        )
    arch, column = ARCHITECTURES[machine]
    program = [_op(LOAD, 4), _op(JUMP_EQUAL, arch, 1, 0), _op(RETURN, KILL), _op(LOAD, 0)]
    if machine == "x86_64":
        program += [_op(JUMP_AT_LEAST, X32_BIT, 0, 1), _op(RETURN, ERRNO | errno.ENOSYS)]
    for name in _names(DENIED.values()) + ([] if namespaces else _names(DENIED_WITHOUT_NAMESPACES.values())):
        program += _refuse(NUMBERS[name][column], [_op(RETURN, ERRNO | errno.EPERM)])
    for rule in _rules(namespaces, landlock_abi):
        program += _refuse(NUMBERS[rule.call][column], _look(rule))
    return b"".join([*program, _op(RETURN, ALLOW)])


def fingerprint(program: bytes) -> str:
    """Returns `sha256:` and the hash of a program, as it stands in a result."""
    return f"sha256:{hashlib.sha256(program).hexdigest()}"


def _rules(namespaces: bool, landlock_abi: int) -> list[Rule]:
    """Returns the rules that look at arguments."""
    rules = [
        Rule("clone", any_bit=NEW_NAMESPACE),
        # A thread with open files of its own, which the watcher would have to look for thread by thread.
        Rule("clone", mask=CLONE_FILES | CLONE_THREAD, equal=(CLONE_THREAD,)),
        Rule("clone3", error=errno.ENOSYS),  # its flags lie behind a pointer; libraries then use clone
        Rule("memfd_create", error=errno.ENOSYS),  # as MEMORY, but libffi has another way where it does not exist
        # Shared memory without a name stays when it is unmapped but for a page, and huge pages are nobody's: what
        # remains is memory of one process, or a file in a folder with a size.
        Rule("mmap", argument=3, mask=MAP_SHARED | MAP_ANONYMOUS, equal=(MAP_SHARED | MAP_ANONYMOUS,)),
        Rule("mmap", argument=3, any_bit=MAP_HUGETLB),
        # Buffers in the kernel keep the size that the watcher takes them for.
        Rule("setsockopt", argument=2, equal=SOCKET_BUFFERS),
        Rule("fcntl", argument=1, equal=(F_SETPIPE_SZ,)),
        Rule("prctl", equal=(PR_SET_DUMPABLE,)),  # would hide mappings and open files from the watcher
        Rule("personality", unless=PERSONALITIES),
        Rule("ioctl", argument=1, equal=TERMINAL_INPUT),
        Rule("fcntl", argument=1, equal=(F_SETLEASE,)),  # would keep the host from writing its own files
    ]
    if namespaces:
        return [*rules, Rule("socket", unless=(AF_UNIX,)), Rule("socketpair", unless=(AF_UNIX,))]
    rules += [
        Rule("socketpair", unless=(AF_UNIX,)),
        Rule("socketpair", argument=1, mask=0xF, unless=(1, 5)),  # a datagram socket could name any receiver
        *(Rule(call, argument=argument, unless=(0,)) for call, argument in OTHERS.items()),
    ]
    if landlock_abi < 3:
        rules.append(Rule("truncate"))
    if landlock_abi < 6:
        rules += [*map(Rule, SIGNALS), Rule("fcntl", argument=1, equal=SIGNAL_OWNERS)]
    return rules


def _look(rule: Rule) -> list[bytes]:
    """Returns instructions that refuse where the rule says so and else leave the call's number loaded."""
    refuse = _op(RETURN, ERRNO | rule.error)
    if not (rule.equal or rule.unless or rule.any_bit):
        return [refuse]
    program = [_op(LOAD, 16 + 8 * rule.argument)]
    if rule.mask != 0xFFFFFFFF:
        program.append(_op(AND, rule.mask))
    if rule.any_bit:
        program += [_op(JUMP_ANY_BIT, rule.any_bit, 0, 1), refuse]
    for value in rule.equal:
        program += [_op(JUMP_EQUAL, value, 0, 1), refuse]
    if rule.unless:
        count = len(rule.unless)
        program += [_op(JUMP_EQUAL, value, count - index, 0) for index, value in enumerate(rule.unless)]
        program.append(refuse)
    return [*program, _op(LOAD, 0)]


def _refuse(number: int | None, block: list[bytes]) -> list[bytes]:
    """Returns a block that is entered for one call only; nothing for a call that does not exist."""
    return [] if number is None else [_op(JUMP_EQUAL, number, 0, len(block)), *block]


def _names(groups: Iterable[str]) -> list[str]:
    return " ".join(groups).split()


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Returns one instruction, a `struct sock_filter`."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
