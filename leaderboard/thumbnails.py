"""Film strips: a few frames of a recorded episode side by side, drawn in a process of its own with limits.

Who may see one is not decided here: a picture of a held-out episode shows the world that its seed makes, so a board
draws none before the season's secret is published.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.env import TaskEnv
from envsuite.errors import EnvsuiteError, InvalidAction, MissingExtra
from envsuite.registration import make_env

FRAMES = 6
"""Frames of a strip at most, evenly spaced from the first observation to the last."""
HEIGHT, WIDTH = 120, 160
"""Largest size of a frame in pixels; its shape is kept."""
GAP = 4
"""Pixels between two frames."""
TIMEOUT_S = 60.0
"""Seconds that a strip may take: an episode of 10,000 steps of Crafter takes about 15."""
WAITING = 12
"""Requests that may wait for strips; a browser asks for six pictures at a time."""
MEMORY_BYTES = 4 * 2**30
"""Address space of the process; a software renderer of OpenGL maps 2 GiB."""
TERMINAL = (24, 80)
"""Rows and columns of NetHack's terminal."""
AROUND = (6, 16)
"""Rows and columns of it that a frame shows, with the hero in the middle: of the whole, no character could be read."""
VERSION = 3
"""Counts up when strips are drawn otherwise, so that those kept are drawn again."""


class NoPicture(EnvsuiteError, RuntimeError):
    """Raised when an episode cannot be drawn here; the message says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """What decides a strip."""

    task_id: str
    env_seed: int
    actions: Any
    """As `Episode.actions`."""


def key_of(task_id: str, env_seed: int, actions_sha256: str) -> str:
    """Returns the name that a strip is kept under; equal episodes share it."""
    return hashlib.sha256(f"{VERSION} {task_id} {env_seed} {actions_sha256}".encode()).hexdigest()


class Strips:
    """Strips that are drawn once, one at a time, and kept as files of a folder."""

    def __init__(self, folder: Path, *, timeout_s: float = TIMEOUT_S) -> None:
        self.folder, self.timeout_s = folder, timeout_s
        self._one_at_a_time = threading.Lock()
        self._waiting = threading.BoundedSemaphore(WAITING)

    def get(self, key: str, reel: Callable[[], Reel], *, wait_s: float | None = None) -> bytes:
        """Returns the strip of a key as WebP, drawn now unless it is kept.

        Args:
            key: From `key_of`.
            reel: Gives what is drawn; called only where nothing is kept.
            wait_s: Seconds to wait while another strip is being drawn.

        Raises `NoPicture` with the reason, which is kept as well, so that nothing is tried twice; and
        `TimeoutError` when another strip is being drawn for longer than `wait_s`, or too many others wait: then asking
        again helps.
        """
        known = self._known(key)
        if known is not None:
            return known
        if not self._waiting.acquire(blocking=False):
            raise TimeoutError("too many strips are asked for at once; ask again in a moment")
        try:
            if not self._one_at_a_time.acquire(timeout=self.timeout_s * 2 if wait_s is None else wait_s):
                raise TimeoutError("another strip is being drawn; ask again in a moment")
            try:
                known = self._known(key)
                return self._drawn(key, reel()) if known is None else known
            finally:
                self._one_at_a_time.release()
        finally:
            self._waiting.release()

    def why_none(self, key: str) -> str:
        """Returns why a strip could not be drawn; empty where it was, or nobody has tried."""
        path = self.folder / key[:2] / f"{key}.txt"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def _known(self, key: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / key[:2] / f"{key}.webp").read_bytes()
        reason = self.why_none(key)
        if reason:
            raise NoPicture(reason)
        return None

    def _drawn(self, key: str, reel: Reel) -> bytes:
        try:
            strip = draw_apart(reel, timeout_s=self.timeout_s)
        except NoPicture as error:
            self._keep(f"{key}.txt", str(error).encode())
            raise
        self._keep(f"{key}.webp", strip)
        return strip

    def _keep(self, name: str, content: bytes) -> None:
        place = self.folder / name[:2]
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place, prefix=".", delete=False) as file:
            file.write(content)
        Path(file.name).replace(place / name)


def draw_apart(reel: Reel, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """Returns the strip as WebP, drawn by another process with bounded time and memory.

    Raises `NoPicture` when that process says why it cannot, takes too long, or dies.
    """
    command = [sys.executable, "-m", "envsuite.leaderboard.thumbnails"]
    request = json.dumps({"task_id": reel.task_id, "env_seed": reel.env_seed, "actions": reel.actions})
    environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    try:
        done = subprocess.run(
            command, input=request.encode(), capture_output=True, timeout=timeout_s, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise NoPicture(f"drawing took longer than {timeout_s:g} s") from error
    if done.returncode == 0 and done.stdout[:4] == b"RIFF":
        return done.stdout
    if done.returncode == _REFUSED:
        raise NoPicture(done.stderr.decode(errors="replace").strip().splitlines()[-1][:500])
    raise NoPicture("the simulator failed while it was drawn")


def draw(reel: Reel, frames: int = FRAMES) -> bytes:
    """Returns the strip as WebP, drawn in this process.

    The episode is played up to its last recorded action; frames are taken evenly from the first observation to
    the last, all of them where there are fewer than `frames`.

    Raises:
        MissingExtra: When pillow is not installed.
        NoPicture: For a task that draws none, and actions that do not fit it.
    """
    env = make_env(reel.task_id, render_mode="rgb_array")
    with contextlib.closing(env):
        try:
            actions = env.action_space.from_jsonable(reel.actions or [])
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise NoPicture(f"its actions are not ones of {reel.task_id}") from error
        wanted = {round(place) for place in np.linspace(0, len(actions), frames)}
        try:
            pictures = _frames(env, reel.env_seed, actions, wanted)
        except InvalidAction as error:
            raise NoPicture(f"its actions are not ones of {reel.task_id}") from error
    return _joined(pictures)


def _frames(env: TaskEnv, seed: int, actions: Sequence[Any], wanted: set[int]) -> list[NDArray[np.uint8]]:
    pictures = []
    observation, _ = env.reset(seed=seed)
    for step in range(len(actions) + 1):
        if step in wanted:
            pictures.append(_around_hero(np.asarray(env.render(), np.uint8), observation))
        if step < len(actions):
            observation, _, terminated, truncated, _ = env.step(actions[step])
            if (terminated or truncated) and step + 1 < len(actions):
                raise NoPicture("the episode ends before its recorded actions do: it was played elsewhere otherwise")
    return pictures


def _around_hero(picture: NDArray[np.uint8], observation: Any) -> NDArray[np.uint8]:
    """Returns the part of a terminal that lies around the hero, of full size at its edges too; other pictures whole."""
    if not isinstance(observation, Mapping) or "blstats" not in observation:
        return picture
    column, row = (int(place) for place in observation["blstats"][:2])
    cell = [size // count for size, count in zip(picture.shape, TERMINAL, strict=False)]
    # The map's first row is the terminal's second.
    at = [
        min(max(0, place - shown // 2), count - shown)
        for place, shown, count in zip((row + 1, column), AROUND, TERMINAL, strict=True)
    ]
    rows, columns = (slice(a * size, (a + shown) * size) for a, shown, size in zip(at, AROUND, cell, strict=True))
    return picture[rows, columns]


def _joined(pictures: Sequence[NDArray[np.uint8]]) -> bytes:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtra('film strips need pillow; run: pip install "envsuite[leaderboard]"') from error
    height, width = pictures[0].shape[:2]
    ratio = min(HEIGHT / height, WIDTH / width)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    # Enlarged pixels stay sharp, as in Crafter's small frames; what shrinks is averaged.
    how = Image.Resampling.NEAREST if ratio > 1 else Image.Resampling.LANCZOS
    strip = Image.new("RGBA", ((size[0] + GAP) * len(pictures) - GAP, size[1]), (0, 0, 0, 0))
    for index, picture in enumerate(pictures):
        strip.paste(Image.fromarray(picture).convert("RGB").resize(size, how), (index * (size[0] + GAP), 0))
    file = io.BytesIO()
    strip.save(file, "WEBP", quality=82, method=4)
    return file.getvalue()


_REFUSED = 3
"""Exit status of a process that says on standard error why there is no picture."""


def _main() -> int:
    """Draws the reel on standard input to standard output."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # The soft limit only: a browser maps a terabyte, and its keeper lifts the limit for it.
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))
    output = os.dup(1)
    os.dup2(2, 1)  # What a simulator prints is no part of the picture.
    try:
        strip = draw(Reel(**json.loads(sys.stdin.buffer.read())))
    except EnvsuiteError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return _REFUSED
    with os.fdopen(output, "wb") as file:
        file.write(strip)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
