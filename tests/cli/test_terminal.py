"""The terminal as a screen: the real command on the other end of a pseudo-terminal."""

import codecs
import os
import re
import select
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from envsuite.cli.canvas import HALF_BLOCK, Canvas
from envsuite.cli.panel import OWN_KEYS, Panel
from envsuite.cli.replay import read, replay
from envsuite.cli.screen import InvalidOption
from envsuite.cli.terminal import draw, require_terminal

fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

COMMAND = "from envsuite.cli.main import app; app()"
BROKEN = f"from envsuite.cli.replay import Session; Session.step = lambda *_: 1 / 0; {COMMAND}"
OPENED, CLOSED = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
UP, RIGHT, F1, F5, F6, ESCAPE = b"\x1b[A", b"\x1bOC", b"\x1bOP", b"\x1b[15~", b"\x1b[17~", b"\x1b"


class Game:
    """A terminal of some size in which a command plays, and the hands at its keyboard."""

    def __init__(self, *args, columns=80, rows=24, code=COMMAND, **environment):
        self.master, self.slave = os.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        usual = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "TERM")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "play", *args],
            env={**usual, "TERM": "xterm-256color", **environment},
            preexec_fn=lambda: os.login_tty(self.slave),
            pass_fds=[self.slave],
        )
        self.output, self.decoder = "", codecs.getincrementaldecoder("utf-8")()

    def __enter__(self):
        self.until(HALF_BLOCK)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns, rows):
        termios.tcsetwinsize(self.slave, (rows, columns))

    def look(self, seconds=0.02):
        """Takes what the terminal is sent, and returns whether that was anything."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.output += self.decoder.decode(os.read(self.master, 1 << 16))
        return True

    def until(self, text, since=0):
        """Waits for a text, of what is sent from `since` on."""
        end = time.monotonic() + 20
        while text not in self.output[since:]:
            self.look()
            assert time.monotonic() < end, f"no {text!r} in {self.output[-2000:]!r}"

    def press(self, *keys):
        for key in keys:
            os.write(self.master, key)

    def play(self, key, step=None):
        """Presses a key and waits for its step; without a number, where time goes on, for a few of them."""
        while self.look(0):
            pass
        shown = len(self.output)
        self.press(key)
        if step is not None:
            self.until(f"m{step} of ", since=shown)
            return
        # The step that is being drawn may be one of before, the next one takes the key.
        for _ in range(3):
            self.until(" of ", since=shown)
            shown = self.output.index(" of ", shown) + 1

    def ended(self):
        """Returns the exit status, once there is one."""
        end = time.monotonic() + 20
        while self.process.poll() is None or self.look():
            self.look()
            assert time.monotonic() < end, "it does not end"
        return self.process.returncode

    def restored(self):
        return termios.tcgetattr(self.slave) == self.before and self.output.count(CLOSED) == 1


def nonzero(actions):
    return [action for action in actions if np.any(action)]


@pytest.mark.parametrize(
    ("task_id", "keys", "actions"),
    [
        ("crafter-reward-v1", [b"a", RIGHT, b" "], [1, 2, 5]),
        ("bipedal-flat-v1", [b"q", b"s", b";"], [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, -1]]),
    ],
)
def test_where_time_goes_on_every_press_is_one_action_among_idle_ones(tmp_path, task_id, keys, actions):
    path, gif = tmp_path / "played.jsonl", tmp_path / "played.gif"
    options = ["--seed", "5", "--fps", "50", "--record", str(path), "--gif", str(gif)]
    with Game(task_id, "--terminal", *options) as game:
        for key in keys:
            game.play(key)
        game.press(ESCAPE)
        assert game.ended() == 0
        assert game.restored()
    assert game.output.index(OPENED) < game.output.index(HALF_BLOCK)
    assert "seed 5: " in game.output[game.output.index(CLOSED) :]
    (recording,) = read(path)
    assert nonzero(recording.actions) == actions
    assert len(recording.actions) > len(keys)
    assert replay(path)[0].same
    assert gif.stat().st_size > 0


def test_where_the_environment_waits_there_are_as_many_steps_as_presses(tmp_path):
    path = tmp_path / "played.jsonl"
    with Game("nethack-staircase-v1", "--terminal", "--fps", "100", "--record", str(path)) as game:
        # An arrow that arrives in two pieces is still no escape.
        game.press(UP[:1], UP[1:], b"x")
        game.play(b"l", 2)
        game.play(b"\r", 3)
        game.press(b"q")
        assert game.ended() == 0
        assert game.restored()
    (recording,) = read(path)
    assert list(recording.actions) == [1, 2, 0]


def test_function_keys_and_their_letters_do_what_they_do_in_a_window(tmp_path):
    path = tmp_path / "played.jsonl"
    options = ["--terminal", "--seed", "7", "--fps", "20", "--record", str(path)]
    with Game("bipedal-flat-v1", *options) as game:
        for key in (F5, F6, b"n", b"m"):
            game.until("m1 of ", since=game.output.rfind("m0 of "))
            game.play(key, 0)
        game.until("m1 of ", since=game.output.rfind("m0 of "))
        game.press(ESCAPE)
        assert game.ended() == 0
    assert [recording.seed for recording in read(path)] == [7, 8, 8, 9, 9]


@pytest.mark.parametrize("key", [F1, b"?"])
def test_the_keys_are_hidden_and_shown(key):
    with Game("nethack-staircase-v1", "--terminal") as game:
        game.until("\x1b[0m")
        for expected in (False, True):
            shown = len(game.output)
            game.press(key)
            game.until("\x1b[0m", since=shown)
            assert ("escape" in game.output[shown:]) is expected
        game.press(ESCAPE)
        assert game.ended() == 0


@pytest.mark.parametrize("by_signal", [False, True])
def test_an_interrupt_quits_between_two_steps(tmp_path, by_signal):
    path = tmp_path / "played.jsonl"
    with Game("bipedal-flat-v1", "--terminal", "--record", str(path)) as game:
        game.play(b"q")
        if by_signal:
            game.process.send_signal(signal.SIGINT)
        else:
            game.press(b"\x03")
        assert game.ended() == 0
        assert game.restored()
    assert replay(path)[0].same


def test_an_error_leaves_the_terminal_as_it_was_and_is_shown_in_it():
    with Game("bipedal-flat-v1", "--terminal", code=BROKEN) as game:
        assert game.ended() == 1
        assert game.restored()
    assert "ZeroDivisionError" in game.output[game.output.index(CLOSED) :]


def test_the_size_of_the_terminal_is_kept_to_when_it_changes_too():
    def size(text):
        text = text[: text.rindex("\x1b[0m")]
        rows = re.findall(r"\x1b\[(\d+);1H((?:(?!\x1b\[\d+;1H).)*)", text)
        return max(int(row) for row, _ in rows), {len(re.sub(r"\x1b\[[\d;]*m", "", cells)) for _, cells in rows}

    with Game("nethack-staircase-v1", "--terminal", columns=60, rows=20) as game:
        game.until("\x1b[0m")
        assert size(game.output) == (20, {60})
        shown = len(game.output)
        game.resize(100, 30)
        game.until("\x1b[0m", since=shown)
        assert "\x1b[2J" in game.output[shown:]
        assert size(game.output[shown:]) == (30, {100})
        game.press(ESCAPE)
        assert game.ended() == 0


def test_without_a_screen_it_is_played_in_the_terminal():
    with Game("nethack-staircase-v1", SDL_VIDEODRIVER="nosuchdriver") as game:
        game.press(ESCAPE)
        assert game.ended() == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [(["--terminal"], "terminal: expected a terminal as stdin and stdout"), ([], "play needs a screen, and")],
)
def test_with_neither_a_screen_nor_a_terminal_both_ways_out_are_named(options, text):
    result = subprocess.run(
        [sys.executable, "-c", COMMAND, "play", "nethack-staircase-v1", *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SDL_VIDEODRIVER": "nosuchdriver"},
    )
    assert result.returncode == 2
    assert text in result.stderr
    assert "stdin" in result.stderr
    assert OPENED not in result.stdout


def test_a_terminal_that_can_draw_nothing_is_refused(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(InvalidOption, match="got TERM=dumb"):
        require_terminal()


# The drawing.


def drawn(columns, rows, shape=(400, 600, 3)):
    """Returns the lines of text that a picture and its panel are drawn as."""
    task = SimpleNamespace(name="toy-walk-v1", goal="Walk to the target.", max_episode_steps=20)
    panel = Panel(SimpleNamespace(task=task, action_names=("stay", "go")), {"g": 1}, OWN_KEYS)
    session = SimpleNamespace(
        seed=3, actions=[1], rewards=[1.0], info={"events": ("moved",)}, success=None, over=False, terminated=False
    )
    panel.look(session)
    canvas = Canvas(columns, rows)
    draw(canvas, panel, session, np.zeros(shape, np.uint8))
    return re.sub(r"\x1b\[[\d;]*m", "", re.sub(r"\x1b\[\d+;1H", "\n", canvas.changes(None)))[1:].split("\n")


def test_the_panel_stands_beside_the_picture_in_a_wide_terminal_and_below_it_in_a_tall_one():
    wide, tall = drawn(80, 24), drawn(60, 50)
    assert any(HALF_BLOCK in line and "escape" in line for line in wide)
    assert not any(HALF_BLOCK in line and "escape" in line for line in tall)
    for lines in (wide, tall):
        text = "\n".join(lines)
        for told in ("toy-walk-v1", "seed    3", "1 of 20", "return  1", "1: moved", "Walk to", "escape", "go"):
            assert told in text


@pytest.mark.parametrize("columns", [1, 2, 20, 35, 300])
@pytest.mark.parametrize("rows", [1, 2, 9, 11, 100])
def test_a_terminal_of_any_size_is_filled(columns, rows):
    for shape in ((400, 600, 3), (3, 5, 3)):
        assert {len(line) for line in drawn(columns, rows, shape)} == {columns}
