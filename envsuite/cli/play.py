"""`envsuite play`: an environment played with the keyboard, in a window or a terminal, and recorded."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from envsuite import registration
from envsuite.cli.console import console
from envsuite.cli.keyboard import Keyboard
from envsuite.cli.replay import FORMAT, Recording, Session, append, read
from envsuite.cli.screen import InvalidOption, Screen
from envsuite.cli.terminal import TerminalScreen, require_terminal, why_no_terminal
from envsuite.cli.window import WindowScreen, why_no_window
from envsuite.env import TaskEnv
from envsuite.errors import MissingExtra

MAX_GIF_FRAMES = 3000
GIF_MAX_FPS = 50
"""Viewers of GIF slow pictures down that are shorter than 20 ms."""


def play(
    task_id: str,
    *,
    seed: int = 0,
    fps: int | None = None,
    steps: int | None = None,
    task: Any = None,
    record: Path | None = None,
    gif: Path | None = None,
    terminal: bool = False,
    on_frame: Callable[[Screen], None] | None = None,
) -> list[Recording]:
    """Returns the episodes that somebody played in a window, or a terminal, until it was closed.

    Escape or closing the window ends, F5 begins the episode of the next seed, F6 that of the same one,
    F1 shows or hides the keys. In a terminal Ctrl-C ends too, and every press of a key is one action.

    Args:
        task_id: an id whose family has key bindings.
        seed: of the first episode.
        fps: steps a second; None takes the environment's own.
        steps: ends after as many steps, all episodes together.
        task: task parameters as plain data (a number, a list), for every episode.
        record: a JSON Lines file that each episode is appended to when it ends or is left.
        gif: a picture of at most the first 3000 frames.
        terminal: plays in the terminal even if there is a screen; without a screen that is done anyway.
        on_frame: called with the screen after every drawn frame.

    Raises:
        UnknownName, MissingSimulator: as `make_env`.
        MissingExtra: pygame for a window, or Pillow for `gif`, is not installed.
        InvalidOption: no key bindings, neither a screen nor a terminal, or a file that cannot be written.
        InvalidTask: `task` does not fit the environment.
    """
    _check_options(fps, steps, record, gif, terminal)
    frames: list[NDArray[np.uint8]] = []
    with contextlib.ExitStack() as stack:
        env = stack.enter_context(contextlib.closing(registration.make_env(task_id, render_mode="rgb_array")))
        keys = getattr(env, "keys", env.family.keys)
        if not keys:
            raise InvalidOption(f"task_id: {env.task.id} has no key bindings, so it cannot be played by keyboard")
        session = Session(env)
        session.reset(seed, task)
        screen = stack.enter_context(contextlib.closing(_open_screen(env, keys, terminal)))
        keyboard = Keyboard(keys, env.action_space, env.family.idle_action, screen.releases)
        player = _Player(session, screen, keyboard, record)
        rate = fps or int(env.metadata["render_fps"])
        player.run(rate, steps, frames if gif else None, on_frame)
    if gif:
        _write_gif(gif, frames, rate)
    return player.recordings


class _Player:
    """The loop of the game: events, action, step, frame."""

    def __init__(self, session: Session, screen: Screen, keyboard: Keyboard, record: Path | None) -> None:
        self.session, self.screen, self.keyboard, self.record = session, screen, keyboard, record
        self.recordings: list[Recording] = []
        self._quit = False

    def run(
        self,
        fps: int,
        steps: int | None,
        frames: list[NDArray[np.uint8]] | None,
        on_frame: Callable[[Screen], None] | None,
    ) -> None:
        """Plays until the player quits or `steps` are taken; the frames go into the list."""
        taken = 0
        frame = self._draw(frames)
        try:
            while not self._quit and (steps is None or taken < steps):
                if on_frame is not None:
                    on_frame(self.screen)
                begun = self._take_events()
                action = None if begun or self._quit or self.session.over else self.keyboard.action()
                if action is not None:
                    self.session.step(action)
                    taken += 1
                    self.screen.panel.note(action)
                if begun or action is not None:
                    frame = self._draw(frames)
                else:
                    self.screen.show(self.session, frame)
                self.screen.wait(fps)
        finally:
            self._end_episode()
        if on_frame is not None:
            on_frame(self.screen)

    def _draw(self, frames: list[NDArray[np.uint8]] | None) -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = self.session.env.render()
        if frames is not None and len(frames) < MAX_GIF_FRAMES:
            frames.append(frame.copy())
        self.screen.show(self.session, frame)
        return frame

    def _take_events(self) -> bool:
        """Handles what the screen reports and returns whether a new episode has begun."""
        begun = False
        for event in self.screen.events():
            own = next((self.screen.own_keys[name] for name in event.names if name in self.screen.own_keys), None)
            if event.kind == "quit":
                self._quit = True
            elif event.kind == "lost":
                self.keyboard.release()
            elif event.kind == "up":
                self.keyboard.up(event)
            elif own is None:
                self.keyboard.down(event)
            else:
                begun |= self._obey(own)
        return begun

    def _obey(self, meaning: str) -> bool:
        """Does what a key of the player itself means, and returns whether a new episode has begun."""
        if meaning == "quit":
            self._quit = True
        elif meaning == "keys":
            self.screen.panel.help = not self.screen.panel.help
        else:
            self._next_episode(self.session.seed + (meaning == "next episode"))
            return True
        return False

    def _next_episode(self, seed: int) -> None:
        self._end_episode()
        self.session.reset(seed, self.session.task)
        self.keyboard.release()
        self.screen.panel.forget()

    def _end_episode(self) -> None:
        """Keeps the episode that ends or is left, unless no step was taken in it."""
        if self.session.actions:
            self.recordings.append(self.session.recording())
            if self.record is not None:
                append(self.record, self.recordings[-1])


def _check_options(fps: int | None, steps: int | None, record: Path | None, gif: Path | None, terminal: bool) -> None:
    """Raises now what would otherwise be raised after the game has been played."""
    for name, value in (("fps", fps), ("steps", steps)):
        if value is not None and value < 1:
            raise InvalidOption(f"{name}: expected a number >= 1, got {value}")
    if record is not None and record.suffix.lower() in (".gif", ".png"):
        raise InvalidOption(f"record: expected a JSON Lines file ({FORMAT}), got {record}; pictures go to --gif PATH")
    for name, path in (("record", record), ("gif", gif)):
        if path is not None and path.is_dir():
            raise InvalidOption(f"{name}: expected a file, got the folder {path}")
    if record is not None and record.exists():
        # Appending to another kind of file would spoil both.
        for _ in read(record):
            pass
    if gif is not None:
        _load_pillow()
    if terminal:
        require_terminal()


def _open_screen(env: TaskEnv, keys: Mapping[str, Any], terminal: bool) -> Screen:
    """Returns the terminal if that is wanted or there is nothing else, otherwise a window.

    Raises `InvalidOption` where nobody could see either.
    """
    if terminal:
        return TerminalScreen(env, keys)
    no_window = why_no_window()
    if no_window is None:
        return WindowScreen(env, keys)
    no_terminal = why_no_terminal()
    if no_terminal is None:
        return TerminalScreen(env, keys)
    raise InvalidOption(
        f"play needs a screen, and {no_window}; or a terminal as stdin and stdout, and it got {no_terminal}; "
        "run it on a desktop, in a terminal without redirecting it, or with SDL_VIDEODRIVER=dummy to see nothing"
    )


def _load_pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtra("a GIF needs Pillow; run: pip install pillow") from error
    return Image


def _write_gif(path: Path, frames: list[NDArray[np.uint8]], fps: int) -> None:
    """Writes the frames at their speed, leaving some out where viewers could not keep up."""
    stride = math.ceil(fps / GIF_MAX_FPS)
    first, *rest = [_load_pillow().fromarray(frame) for frame in frames[::stride]]
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, "GIF", save_all=True, append_images=rest, duration=round(1000 * stride / fps), loop=0)


def parse_task(text: str) -> Any:
    """Returns task parameters as plain data: JSON, numbers with commas between them, or else the text itself."""
    for candidate in (text, f"[{text}]"):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(candidate)
    return text


def play_command(
    task_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a task.", show_default=False)],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first episode.")] = 0,
    fps: Annotated[int | None, typer.Option(min=1, help="Steps a second.", show_default="as the task says")] = None,
    record: Annotated[Path | None, typer.Option(help="Append the episodes to a JSON Lines file, for replay.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many steps.")] = None,
    task: Annotated[str | None, typer.Option(help='Task parameters, for example "0.5,3".')] = None,
    gif: Annotated[Path | None, typer.Option(help="Write a moving picture too.")] = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Play in the terminal, screen or not.")] = False,
) -> None:
    """Play a task with the keyboard.

    F1 shows the keys, F5 begins the next episode, F6 the same one again, escape quits. Without a screen it is
    played in the terminal, in which every press of a key is one action.
    """
    parameters = None if task is None else parse_task(task)
    recordings = play(
        task_id, seed=seed, fps=fps, steps=steps, task=parameters, record=record, gif=gif, terminal=terminal
    )
    for recording in recordings:
        success = "" if recording.success is None else f", success: {'yes' if recording.success else 'no'}"
        console.print(
            f"seed {recording.seed}: {len(recording.actions)} steps, return {sum(recording.rewards):g}{success}"
        )
    for path, hint in ((record, "; `envsuite replay` plays it again"), (gif, "")):
        if path is not None and path.exists():
            console.print(f"wrote {path}{hint}", soft_wrap=True)
