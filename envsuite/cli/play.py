"""`envsuite play`: an environment played with the keyboard, and recorded."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from envsuite import registration
from envsuite.cli.console import console
from envsuite.cli.keyboard import Keyboard
from envsuite.cli.replay import FORMAT, Recording, Session, append, read
from envsuite.cli.screen import Screen
from envsuite.errors import EnvsuiteError, MissingExtra
from envsuite.window import load_pygame

MAX_GIF_FRAMES = 3000
GIF_MAX_FPS = 50
"""Viewers of GIF slow pictures down that are shorter than 20 ms."""
KEY_REPEAT_MS = (300, 60)
"""Delay and interval at which a held key repeats where the environment waits for keys."""
_NO_SCREEN = ("dummy", "offscreen")


class InvalidOption(EnvsuiteError, ValueError):
    """Raised for an argument of `play` that cannot be used."""


def play(
    task_id: str,
    *,
    seed: int = 0,
    fps: int | None = None,
    steps: int | None = None,
    task: Any = None,
    record: Path | None = None,
    gif: Path | None = None,
    on_frame: Callable[[Screen], None] | None = None,
) -> list[Recording]:
    """Returns the episodes that somebody played in a window until it was closed.

    Escape or closing the window ends, F5 begins the episode of the next seed, F6 that of the same one,
    F1 shows or hides the keys.

    Args:
        task_id: an id whose family has key bindings.
        seed: of the first episode.
        fps: steps a second; None takes the environment's own.
        steps: ends after as many steps, all episodes together.
        task: task parameters as plain data (a number, a list), for every episode.
        record: a JSON Lines file that each episode is appended to when it ends or is left.
        gif: a picture of at most the first 3000 frames.
        on_frame: called with the screen after every drawn frame.

    Raises:
        UnknownName, MissingSimulator: as `make_env`.
        MissingExtra: pygame, or Pillow for `gif`, is not installed.
        InvalidOption: no key bindings, no screen, or a file that cannot be written.
        InvalidTask: `task` does not fit the environment.
    """
    _check_options(fps, steps, record, gif)
    pygame = load_pygame()
    frames: list[NDArray[np.uint8]] = []
    with contextlib.ExitStack() as stack:
        env = stack.enter_context(contextlib.closing(registration.make_env(task_id, render_mode="rgb_array")))
        keys = getattr(env, "keys", env.family.keys)
        if not keys:
            raise InvalidOption(f"task_id: {env.task.id} has no key bindings, so it cannot be played by keyboard")
        session = Session(env)
        session.reset(seed, task)
        _require_screen(pygame)
        screen = stack.enter_context(contextlib.closing(Screen(env, keys)))
        player = _Player(pygame, session, screen, Keyboard(keys, env.action_space, env.family.idle_action), record)
        rate = fps or int(env.metadata["render_fps"])
        player.run(rate, steps, frames if gif else None, on_frame)
    if gif:
        _write_gif(gif, frames, rate)
    return player.recordings


class _Player:
    """The loop of the window: events, action, step, frame."""

    def __init__(self, pygame: Any, session: Session, screen: Screen, keyboard: Keyboard, record: Path | None) -> None:
        self.pygame = pygame
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
        """Plays until the window is closed or `steps` are taken; the frames go into the list."""
        pygame, taken = self.pygame, 0
        pygame.key.set_repeat(*(KEY_REPEAT_MS if self.keyboard.idle is None else ()))
        clock = pygame.time.Clock()
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
                    self.screen.note(action)
                if begun or action is not None:
                    frame = self._draw(frames)
                else:
                    self.screen.show(self.session, frame)
                clock.tick(fps)
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
        """Handles what the window reports and returns whether a new episode has begun."""
        pygame, begun = self.pygame, False
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                self._quit = True
            elif event.type == pygame.WINDOWFOCUSLOST:
                self.keyboard.release()
            elif event.type == pygame.KEYDOWN and event.key == pygame.K_F1:
                self.screen.help = not self.screen.help
            elif event.type == pygame.KEYDOWN and event.key in (pygame.K_F5, pygame.K_F6):
                self._next_episode(self.session.seed + (event.key == pygame.K_F5))
                begun = True
            elif event.type == pygame.KEYDOWN:
                self.keyboard.down(event, pygame)
            elif event.type == pygame.KEYUP:
                self.keyboard.up(event)
        return begun

    def _next_episode(self, seed: int) -> None:
        self._end_episode()
        self.session.reset(seed, self.session.task)
        self.keyboard.release()
        self.screen.forget()

    def _end_episode(self) -> None:
        """Keeps the episode that ends or is left, unless no step was taken in it."""
        if self.session.actions:
            self.recordings.append(self.session.recording())
            if self.record is not None:
                append(self.record, self.recordings[-1])


def _check_options(fps: int | None, steps: int | None, record: Path | None, gif: Path | None) -> None:
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


def _require_screen(pygame: Any) -> None:
    """Raises `InvalidOption` where the window could not be seen, unless that was asked for."""
    try:
        pygame.display.init()
    except pygame.error as error:
        raise InvalidOption(f"play needs a screen, and none can be opened here ({error})") from error
    if pygame.display.get_driver() in _NO_SCREEN and "SDL_VIDEODRIVER" not in os.environ:
        pygame.display.quit()
        raise InvalidOption(
            "play needs a screen, and there is none here; run it on a desktop, "
            "or with SDL_VIDEODRIVER=dummy to see nothing"
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
) -> None:
    """Play a task with the keyboard.

    F1 shows the keys, F5 begins the next episode, F6 the same one again, escape quits.
    """
    parameters = None if task is None else parse_task(task)
    recordings = play(task_id, seed=seed, fps=fps, steps=steps, task=parameters, record=record, gif=gif)
    for recording in recordings:
        success = "" if recording.success is None else f", success: {'yes' if recording.success else 'no'}"
        console.print(
            f"seed {recording.seed}: {len(recording.actions)} steps, return {sum(recording.rewards):g}{success}"
        )
    for path, hint in ((record, "; `envsuite replay` plays it again"), (gif, "")):
        if path is not None and path.exists():
            console.print(f"wrote {path}{hint}", soft_wrap=True)
