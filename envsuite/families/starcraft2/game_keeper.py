"""Runs the game until it ends or the process that started this one is gone, and then leaves nothing of it running.

Started as a script with the standard library only: `game_keeper.py PARENT COMMAND...`. PARENT is the number of the
process that started this one. A killed interpreter cannot end its game, which would otherwise go on for ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

POLL_S = 0.2
GRACE_S = 1.0
"""Seconds that the game has to end by itself; pysc2 kills this process after three."""
_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> int:
    """Returns the exit status of the command, 128 and the signal where one ended it."""
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes its game
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_keeper,  # no other thread runs here
    )
    try:
        while process.poll() is None and not stopped and os.getppid() == parent:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
    finally:
        _end(process)
    return 128 - process.returncode if process.returncode < 0 else process.returncode


def _die_with_keeper() -> None:
    """Asks Linux to kill the game when this process is killed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    with contextlib.suppress(OSError):  # what it has started, too
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
