"""NetHack's tasks behind the contract of `TaskEnv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import numpy as np
from gymnasium import spaces
from nle import nethack
from nle.env.tasks import TASK_ACTIONS
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.nethack import screen
from envsuite.families.nethack.engine import DEEPEST_LEVEL, NUTRITION, ON_STAIRS_DOWN, PRIVATE_KEYS, Game
from envsuite.families.nethack.objectives import GOALS, REWARDS, View, ending_events, events_between
from envsuite.task import Family, Task

OBSERVATION_KEYS = (
    "glyphs",
    "chars",
    "colors",
    "specials",
    "blstats",
    "message",
    "inv_glyphs",
    "inv_strs",
    "inv_letters",
    "inv_oclasses",
    "tty_chars",
    "tty_colors",
    "tty_cursor",
    "misc",
)
"""The observations of the NetHack Challenge, and the default of every task."""
TIME_PENALTY = -0.01
_LIMITS = {
    "glyphs": (0, nethack.MAX_GLYPH),
    "inv_glyphs": (0, nethack.MAX_GLYPH),
    "colors": (0, 15),
    "inv_oclasses": (0, nethack.MAXOCLASSES),
    "tty_colors": (0, 31),
    "misc": (0, 1),
    "blstats": (-(2**62), 2**62),
}
"""Least and greatest values where they are not those of the dtype; blstats are C longs, wider than upstream says."""

_VIEWED = itemgetter(
    nethack.NLE_BL_X,
    nethack.NLE_BL_Y,
    nethack.NLE_BL_TIME,
    nethack.NLE_BL_SCORE,
    nethack.NLE_BL_GOLD,
    nethack.NLE_BL_HP,
    nethack.NLE_BL_XP,
    nethack.NLE_BL_EXP,
    nethack.NLE_BL_DEPTH,
    nethack.NLE_BL_DNUM,
    nethack.NLE_BL_DLEVEL,
)
"""The numbers of blstats that `View` holds, from `x` to `level`."""


@cache
def observation_box(key: str) -> spaces.Box:
    """Returns the space that holds every value of an observation of `nle`."""
    description = nethack.OBSERVATION_DESC[key]
    whole = np.iinfo(description["dtype"])
    low, high = _LIMITS.get(key, (int(whole.min), int(whole.max)))
    return spaces.Box(low, high, **description)


def checked_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """Returns the keys without repetition; raises ValueError for private and unknown ones and for none."""
    for key in keys:
        if key in PRIVATE_KEYS:
            raise ValueError(f"observation_keys: {key!r} tells what the hero cannot know; leave it out")
        if key not in nethack.OBSERVATION_DESC:
            known = ", ".join(sorted(set(nethack.OBSERVATION_DESC) - set(PRIVATE_KEYS)))
            raise ValueError(f"observation_keys: expected some of {known}; got {key!r}")
    if not keys:
        raise ValueError("observation_keys: expected at least one key, got none")
    return tuple(dict.fromkeys(keys))


def task_options(objective: str) -> list[str]:
    """Returns NetHack's options for an objective: nle's, but that the gold task picks up nothing but gold."""
    options = list(nethack.NETHACKOPTIONS)
    if objective == "gold":
        options = ["pickup_types:$" if option.startswith("pickup_types:") else option for option in options]
    return options


def keyboard(action_keys: Sequence[int]) -> dict[str, int]:
    """Returns pygame key name -> action, for the keys that need no shift or control, and the arrows."""
    arrows = {"up": "k", "right": "l", "down": "j", "left": "h"}
    named = {"return": 13, "escape": 27, "space": ord(" "), **{name: ord(key) for name, key in arrows.items()}}
    plain = {chr(key): key for key in action_keys if 33 <= key < 127 and not chr(key).isupper()}
    return {name: list(action_keys).index(key) for name, key in {**plain, **named}.items()}


class NetHackEnv(TaskEnv):
    """NetHack 3.6.7 as the tasks of the NetHack Learning Environment.

    Observations are a Dict of the arrays that nle documents. Actions index `TASK_ACTIONS` of nle (23), or
    `nle.nethack.ACTIONS` (121) with `every_key`; `action_names` and `action_keys` tell which is which, and `keys`
    binds the keyboard to them.

    The seed decides the dungeon, the dice, the phase of the moon and the clock of the game. No episode
    depends on earlier ones. `info` also holds `end_status` ("running", "success", or how NetHack says
    the game ended) and `is_ascended`. The picture is the terminal.

    `info["invalid_action"]` counts the steps in which no game time passed and the terminal, its cursor and the
    message stayed as they were. A refusal that the game puts into words counts only when the words stand there already.
    """

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        objective: str,
        every_key: bool = False,
        character: str = "mon-hum-neu-mal",
        observation_keys: Sequence[str] = OBSERVATION_KEYS,
        time_penalty: float = TIME_PENALTY,
        no_progress_timeout: int | None = None,
        render_mode: str | None = None,
        copy: bool = True,
    ) -> None:
        """Creates the environment; the first game begins with `reset`.

        Args:
            task: as `TaskEnv`.
            family: as `TaskEnv`.
            objective: a name in `REWARDS` or `GOALS` of `objectives`.
            every_key: 121 actions, and nothing is answered for the agent; else 23, and menus, --More--
                and most questions are answered for it.
            character: role, race, gender and alignment; "@" draws them by the seed.
            observation_keys: which observations to hand out, for example "screen_descriptions" besides.
            time_penalty: the reward of a step in which no game time passes.
            no_progress_timeout: how many steps in a row without game time truncate the episode; None for no limit.
            render_mode: as `TaskEnv`.
            copy: as `TaskEnv`.
        """
        super().__init__(task=task, family=family, render_mode=render_mode, copy=copy)
        if objective not in REWARDS and objective not in GOALS:
            raise ValueError(f"objective: expected one of {sorted([*REWARDS, *GOALS])}, got {objective!r}")
        self._goal = GOALS.get(objective)
        self._reward = REWARDS.get(objective)
        self._time_penalty = time_penalty
        self._no_progress_timeout = no_progress_timeout
        self._keys = checked_keys(observation_keys)
        actions = nethack.ACTIONS if every_key else TASK_ACTIONS
        self.action_names = tuple(f"{type(action).__name__}.{action.name}" for action in actions)
        self.action_keys = tuple(int(action) for action in actions)
        self.keys = {**family.keys} if not every_key else keyboard(self.action_keys)
        self.action_space = spaces.Discrete(len(actions))
        self.observation_space = spaces.Dict({key: observation_box(key) for key in self._keys})
        self._game = Game(
            keys=(*self._keys, "tty_chars", "tty_colors", "tty_cursor", "misc"),
            character=character,
            options=task_options(objective),
            hands_off=every_key,
        )
        self._buffers = {key: self._game.buffers[key] for key in self._keys}
        self._blstats, self._internal = self._game.buffers["blstats"], self._game.buffers["internal"]
        self._watched = tuple(self._game.buffers[key] for key in ("tty_chars", "tty_cursor", "message", "misc"))

    def _begin(self, seed: int, task_value: Any) -> tuple[dict[str, NDArray[Any]], Info]:
        del task_value
        self._game.begin(seed)
        self._explored: dict[tuple[int, int], int] = {}
        self._idle_steps = 0
        self._view = self._last = self._look()
        self._screen = self._shown()
        return self._observation(), {"end_status": "running", "is_ascended": False}

    def _advance(self, action: Any) -> Transition:
        before, screen_before = self._view, self._screen
        self._game.play(self.action_keys[int(action)])
        after = self._view = self._look()
        self._screen = self._shown()
        if after.in_game:
            self._last = after
        same_time = after.time == before.time
        self._idle_steps = self._idle_steps + 1 if same_time else 0
        success = self._goal is not None and not self._game.done and self._goal(after, self._glyphs)
        factors = self._factors(before, after, success)
        events = events_between(before, after) + self._ending_events() + (("success",) if success else ())
        limit = self._no_progress_timeout
        return Transition(
            observation=self._observation(),
            reward=sum(factors.values()),
            terminated=self._game.done or success,
            stalled=limit is not None and self._idle_steps >= limit,
            success=None if self._goal is None else success,
            events=events,
            factors=factors,
            no_effect=same_time and self._screen == screen_before,
            extra=self._ending(success),
        )

    def _factors(self, before: View, after: View, success: bool) -> dict[str, float]:
        if not after.in_game:
            return {}
        factors = {}
        if self._reward is not None:
            name, value = self._reward(before, after, self._glyphs, self._explored)
            factors[name] = value
        elif success:
            factors["goal"] = 1.0
        if after.time == before.time:
            factors["time_penalty"] = self._time_penalty
        return factors

    def _ending_events(self) -> tuple[str, ...]:
        return ending_events(self._game.ending) if self._game.done else ()

    def _ending(self, success: bool) -> Info:
        status = self._game.ending if self._game.done else "success" if success else "running"
        return {"end_status": status, "is_ascended": status == "ascended"}

    def _metrics(self) -> Mapping[str, float]:
        last = self._last
        return {
            "depth": last.deepest,
            "score": last.score,
            "turns": last.time,
            "experience_level": last.experience_level,
            "gold": last.gold,
            "died": float("died" in self._ending_events()),
            "ascended": float("ascended" in self._ending_events()),
        }

    @property
    def _glyphs(self) -> NDArray[np.int16]:
        return self._game.buffers["glyphs"]  # type: ignore[return-value]

    def _look(self) -> View:
        internal = self._internal.tolist()
        status = _VIEWED(self._blstats.tolist())
        private = internal[DEEPEST_LEVEL], internal[NUTRITION], bool(internal[ON_STAIRS_DOWN])
        return View._make((self._game.in_game, *status, *private))

    def _shown(self) -> tuple[bytes, ...]:
        chars, cursor, message, misc = self._watched
        return chars.tobytes(), cursor.tobytes(), message.tobytes(), misc.tobytes()

    def _observation(self) -> dict[str, NDArray[Any]]:
        if self.copy:
            return {key: buffer.copy() for key, buffer in self._buffers.items()}
        return dict(self._buffers)

    def _frame(self) -> NDArray[np.uint8]:
        buffers = self._game.buffers
        return screen.draw(buffers["tty_chars"], buffers["tty_colors"], buffers["tty_cursor"])  # type: ignore[arg-type]

    def close(self) -> None:
        """Frees the engine, its files and the window; may be called twice."""
        super().close()
        self._game.close()
