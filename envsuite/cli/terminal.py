"""The terminal as the screen of `envsuite play`: the picture in half blocks, the panel as text, keys as they come."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.cli.canvas import Canvas, scale
from envsuite.cli.decoder import KeyDecoder
from envsuite.cli.keyboard import KeyEvent
from envsuite.cli.panel import DIM, GOOD, OWN_KEYS, TEXT, Colour, Panel, fit, in_columns, wrap
from envsuite.cli.replay import Session
from envsuite.cli.screen import InvalidOption
from envsuite.env import TaskEnv

PANEL_COLUMNS, PANEL_ROWS = 34, 10
"""Size of the panel: the columns where it stands beside the picture, the rows where it stands below."""
_LABEL_COLUMNS = 8
ESCAPE_S = 0.1
"""So long after escape may come what makes another key of it; over a network a key can arrive in pieces."""
_LETTERS = {"?": "keys", "n": "next episode", "m": "same seed again", "q": "quit"}
"""Instead of the function keys, which some terminals keep to themselves; only where the family leaves them free."""
_OPEN, _CLOSED = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J", "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
"""The alternate screen without cursor and without line breaks of its own; and back."""


def why_no_terminal() -> str | None:
    """Returns why nobody could play in a terminal here; None where they can."""
    try:
        import termios  # noqa: F401  # what a terminal is set with; Windows lacks it
    except ImportError:
        return f"a system without termios ({sys.platform})"
    if os.environ.get("TERM") == "dumb":
        return "TERM=dumb"
    missing = [name for name in ("stdin", "stdout") if not _is_terminal(name)]
    return f"no terminal as {' and '.join(missing)}" if missing else None


def require_terminal() -> None:
    """Raises `InvalidOption` where nobody could play in a terminal."""
    reason = why_no_terminal()
    if reason is not None:
        raise InvalidOption(
            f"terminal: expected a terminal as stdin and stdout, got {reason}; "
            "run it in a terminal without redirecting it, or leave --terminal out for a window"
        )


def _is_terminal(name: str) -> bool:
    stream = getattr(sys, name)
    return stream is not None and stream.isatty()


class TerminalScreen:
    """A terminal, from its making on, until it is closed."""

    releases = False

    def __init__(self, env: TaskEnv, keys: Mapping[str, Any]) -> None:
        require_terminal()
        self.own_keys: Mapping[str, str] = {**OWN_KEYS, **_free(_LETTERS, keys), "ctrl+c": "quit"}
        self.panel = Panel(env, keys, self.own_keys)
        self._decoder = KeyDecoder()
        self._typed_at = self._waited_at = time.monotonic()
        self._shown: Canvas | None = None
        self._ended = False
        self._input = sys.stdin.fileno()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._interrupts())
            stack.enter_context(_single_keys(self._input))
            stack.enter_context(_alternate_screen())
            self._left = stack.pop_all()

    def events(self) -> list[KeyEvent]:
        """Returns the keys that have been pressed since the last call; the end of the input quits."""
        keys, now = [], time.monotonic()
        while not self._ended and select.select([self._input], [], [], 0)[0]:
            data = _read(self._input)
            # Ctrl-C may have ended it while this was read.
            self._ended = self._ended or not data
            self._typed_at = now
            keys += self._decoder.feed(data)
        if self._decoder.pending and now - self._typed_at >= ESCAPE_S:
            keys += self._decoder.flush()
        return [KeyEvent("down", names[-1], names) for names in keys] + [KeyEvent("quit")] * self._ended

    def show(self, session: Session, frame: NDArray[np.uint8]) -> None:
        """Draws uint8 (height, width, 3) and the panel of the session, in the size that the terminal has now."""
        self.panel.look(session)
        canvas = Canvas(*shutil.get_terminal_size())
        draw(canvas, self.panel, session, frame)
        resized = self._shown is not None and (self._shown.columns, self._shown.rows) != (canvas.columns, canvas.rows)
        _send(("\x1b[2J" if resized else "") + canvas.changes(None if resized else self._shown))
        self._shown = canvas

    def wait(self, fps: int) -> None:
        """Waits until a frame's time has passed since the last call."""
        time.sleep(max(0.0, self._waited_at + 1 / fps - time.monotonic()))
        self._waited_at = time.monotonic()

    def close(self) -> None:
        """Leaves the terminal as it was; may be called twice."""
        self._left.close()

    @contextlib.contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Lets Ctrl-C quit between two steps, or break off at once when it comes again."""

        def interrupt(*_: Any) -> None:
            if self._ended:
                raise KeyboardInterrupt
            self._ended = True

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def draw(canvas: Canvas, panel: Panel, session: Session, frame: NDArray[np.uint8]) -> None:
    """Draws the picture, and the panel beside or below it, whichever leaves the larger square."""
    beside, below = canvas.columns - PANEL_COLUMNS, canvas.rows - PANEL_ROWS
    if min(beside, 2 * canvas.rows) >= min(canvas.columns, 2 * below):
        _draw_picture(canvas, frame, beside - 1, canvas.rows)
        _Writer(canvas, max(0, beside), 0, PANEL_COLUMNS).write(panel, session)
    else:
        _draw_picture(canvas, frame, canvas.columns, below)
        half = canvas.columns // 2
        _Writer(canvas, 0, max(0, below), half - 1).write_facts(panel, session)
        _Writer(canvas, half, max(0, below), canvas.columns - half).write_keys(panel)


def _draw_picture(canvas: Canvas, frame: NDArray[np.uint8], columns: int, rows: int) -> None:
    """Draws the picture into the middle of the upper left part of the canvas, unless there is no room."""
    if columns > 0 and rows > 0:
        picture = scale(frame, columns, 2 * rows)
        canvas.picture(picture, (columns - picture.shape[1]) // 2, (2 * rows - picture.shape[0]) // 4)


class _Writer:
    """Writes the panel line by line, from a cell of the canvas downwards."""

    def __init__(self, canvas: Canvas, left: int, top: int, width: int) -> None:
        self._canvas, self._left, self._top, self._width = canvas, left, top, width

    def write(self, panel: Panel, session: Session) -> None:
        """Writes all of the panel that fits."""
        self.write_facts(panel, session)
        self._top += 1
        self.write_keys(panel)

    def write_facts(self, panel: Panel, session: Session) -> None:
        """Writes how the episode goes and, where there is room below it, what is to be done."""
        self._line(panel.title, TEXT)
        for label, text, colour in panel.facts(session):
            self._canvas.write(label, self._left, self._top, DIM)
            for line in wrap(text, len, self._width - _LABEL_COLUMNS):
                self._line(line, colour, _LABEL_COLUMNS)
        for line in wrap(panel.goal, len, self._width):
            self._line(line, DIM)

    def write_keys(self, panel: Panel) -> None:
        """Writes the last events and, into the rest of the canvas, the keys."""
        for text in panel.events:
            self._line(text, TEXT)
        room = self._canvas.rows - self._top
        if not panel.help or room < 1:
            return
        columns, top = in_columns(panel.keys, room), self._top
        column_width = max(1, self._width // len(columns))
        key_width = min(max(len(key) for key, _ in panel.keys) + 1, column_width // 2)
        for column, rows in enumerate(columns):
            self._top = top
            for key, meaning in rows:
                at = column * column_width
                self._canvas.write(fit(key, len, key_width - 1), self._left + at, self._top, GOOD)
                self._line(meaning, TEXT, at + key_width, column_width - key_width - 1)

    def _line(self, text: str, colour: Colour, indent: int = 0, width: int | None = None) -> None:
        """Writes a line, cut to its width, and goes on to the next."""
        room = self._width - indent if width is None else width
        if room > 0:
            self._canvas.write(fit(text, len, room), self._left + indent, self._top, colour)
        self._top += 1


def _free(letters: Mapping[str, str], keys: Mapping[str, Any]) -> dict[str, str]:
    """Returns the letters that no key binds, small or capital: a capital letter is also known by its small one."""
    return {letter: meaning for letter, meaning in letters.items() if not {letter, letter.upper()} & keys.keys()}


@contextlib.contextmanager
def _single_keys(terminal: int) -> Iterator[None]:
    """Lets every key through at once and unseen, but for Ctrl-C, which may have to end a step that hangs."""
    import termios

    before = termios.tcgetattr(terminal)
    flags, _, _, local, *_, special = changed = termios.tcgetattr(terminal)
    changed[0] = flags & ~(termios.ICRNL | termios.INLCR | termios.IXON | termios.ISTRIP)
    changed[3] = local & ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
    none = os.fpathconf(terminal, "PC_VDISABLE").to_bytes(1, "little", signed=False)
    special[termios.VQUIT] = special[termios.VSUSP] = none
    special[termios.VMIN], special[termios.VTIME] = 1, 0
    termios.tcsetattr(terminal, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        # A terminal that is gone has nothing to be restored; keys typed meanwhile are no command for the shell.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


@contextlib.contextmanager
def _alternate_screen() -> Iterator[None]:
    """Leaves the lines of the shell alone: what is drawn meanwhile vanishes at the end."""
    try:
        _send(_OPEN)
        yield
    finally:
        with contextlib.suppress(OSError):
            _send(_CLOSED)


def _send(text: str) -> None:
    """Writes to the terminal, in UTF-8 whatever the locale says: half blocks are in few other encodings."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _read(terminal: int) -> bytes:
    """Returns what has been typed; nothing where the terminal is gone."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
