"""One NetHack game at a time: seeds, clock, files and key strokes, on the low-level `nle.nethack.Nethack`.

A new game depends on its seed alone. What upstream lets through is closed here: seeds are one-shot and
`reset(seed=...)` of `nle.env` ignores them (upstream issue 131); the wall clock (issue 129, see `clock`);
the high-score list, which grows with every game of an instance and is shown at the end of the next;
lines of the terminal that a new game does not draw, which keep what the last game wrote there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import gymnasium
import numpy as np
from nle import nethack
from numpy.typing import NDArray

from envsuite.families.nethack.clock import STUB_BYTES, clock_of, clock_stub, find_clock_stub

SPACE, ESCAPE = ord(" "), 27
KEPT_QUESTIONS = (b"eat", b"attack", b"direction?", b"pray")
"""Questions that upstream leaves to the agent; every other one is declined for it."""
GAME_OVER, IN_MOVELOOP = 0, 3
"""Positions in `program_state`."""
ASKS_KEY, ASKS_LINE, ASKS_MORE, ON_STAIRS_DOWN, NUTRITION = 1, 2, 3, 4, 7
"""Positions in `internal`."""
DEEPEST_LEVEL = 0
_START_KEYS = 1000
_STARTS = 8
PRIVATE_KEYS = ("internal", "program_state")
"""What the engine shows but no hero could know."""
_SCORE_FILES = ("record", "logfile", "xlogfile")


@cache
def _warn_of_the_date() -> None:
    """Warns once per process, not once per environment."""
    gymnasium.logger.warn("this build of nle tells its games the date; equal seeds may differ between days")


class Game:
    """A NetHack game that writes what it shows into `buffers`, numpy arrays that it owns."""

    def __init__(self, *, keys: Sequence[str], character: str, options: Sequence[str], hands_off: bool) -> None:
        """Creates the instance; no game runs before `begin`.

        Args:
            keys: names of `nle.nethack.OBSERVATION_DESC` to fill besides the private ones.
            character: role, race, gender and alignment as in "mon-hum-neu-mal"; "@" for a random one.
            options: NetHack's own options.
            hands_off: True leaves --More--, menus and all questions to the agent until the hero dies.
        """
        names = tuple(dict.fromkeys((*keys, *PRIVATE_KEYS, "blstats", "message", "glyphs")))
        self._hands_off = hands_off
        self._nethack = nethack.Nethack(
            observation_keys=names,
            playername=f"Agent-{character}",
            ttyrec=None,
            options=options,
            fix_moon_phase=True,
        )
        self.buffers: dict[str, NDArray[np.generic]] = dict(zip(names, self._nethack._obs, strict=True))
        self._folder = Path(self._nethack._vardir)
        self._internal, self._program_state = (self.buffers[name] for name in PRIVATE_KEYS)
        self._message = self.buffers["message"]
        self._clock_at = find_clock_stub(Path(nethack.nethack.DLPATH))
        if self._clock_at is None:
            _warn_of_the_date()
        self.done = True

    @property
    def in_game(self) -> bool:
        """Whether a game is on; outside one the engine shows zeros."""
        return bool(self._nethack.in_normal_game())

    @property
    def ending(self) -> str:
        """How the game ended, as NetHack says it: "died", "starving", "quit", "escaped", "ascended", ..."""
        return str(self._nethack.how_done().name).lower()

    def begin(self, seed: int) -> None:
        """Starts the game of `seed` and passes its first screens.

        Raises RuntimeError when the engine does not reach the first turn.
        """
        for attempt in range(_STARTS):
            if self._start((seed + (attempt << 40)) % 2**63):
                return
        raise RuntimeError(f"seed {seed}: NetHack did not reach its first turn; please use another seed")

    def _start(self, seed: int) -> bool:
        self._sweep()
        self._set_clock(seed)
        for buffer in self.buffers.values():
            buffer.fill(0)
        self._nethack.set_initial_seeds(seed, seed, False, None)
        self._nethack.reset()
        self.done = False
        for _ in range(_START_KEYS):
            if self._program_state[IN_MOVELOOP]:
                return True
            self._press(SPACE)
            if self.done:
                return False
        return False

    def play(self, key: int) -> None:
        """Presses a key, then clicks through what the agent is not asked: see `KEPT_QUESTIONS`."""
        self._press(key)
        if not self._hands_off or self._program_state[GAME_OVER] == 1:
            self._click_through()

    def close(self) -> None:
        """Frees the engine and its files; may be called twice."""
        self.done = True
        if self._nethack is not None:
            self._nethack.close()
            self._nethack = None

    def _press(self, key: int) -> None:
        _, self.done = self._nethack.step(key)

    def _click_through(self) -> None:
        while not self.done:
            if self._internal[ASKS_MORE]:
                self._press(SPACE)
            elif self._internal[ASKS_LINE]:
                self._press(ESCAPE)
            else:
                if self._internal[ASKS_KEY] and not self._agent_answers():
                    self._press(ESCAPE)
                return

    def _agent_answers(self) -> bool:
        if self._hands_off:
            return True
        message = self._message.tobytes()
        return any(question in message for question in KEPT_QUESTIONS)

    def _set_clock(self, seed: int) -> None:
        if self._clock_at is not None:
            with Path(self._nethack.dlpath).open("r+b", buffering=0) as library:
                library.seek(self._clock_at)
                if library.write(clock_stub(clock_of(seed))) != STUB_BYTES:
                    raise OSError(f"could not write the clock of the game into {self._nethack.dlpath}")

    def _sweep(self) -> None:
        """Empties the lists of high scores, which the end of a game shows."""
        for name in _SCORE_FILES:
            (self._folder / name).write_bytes(b"")
