"""Console: one player's eyes and hands in one row of a batch, called from Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine import compiled
from envsuite.families.starcraft2.engine.abilities import ABILITIES
from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layers import draw_row
from envsuite.families.starcraft2.engine.offers import offer_row
from envsuite.families.starcraft2.engine.screen import Screen
from envsuite.families.starcraft2.engine.ui import act_ui_row, selected_row


class Console:
    """What a player does and sees; a console keeps nothing but memory to work in."""

    def __init__(self, games: Games, player: int, screen: Screen = Screen(), row: int = 0) -> None:  # noqa: B008  # it is a constant
        """Takes the games, and whose console this is.

        Args:
            games: the batch.
            player: ME or FOE.
            screen: how large the pictures are.
            row: which game of the batch.
        """
        self._games, self._player, self._row = games, player, row
        # Of one type each, whatever was given: another type would be compiled anew.
        self.screen = Screen(float(screen.width), *map(int, screen[1:]))
        self._slots = np.zeros(games.scenario.slots, np.int64)
        self._offers = np.zeros(len(ABILITIES), np.uint8)

    def act(self, code: int, *numbers: float, how: int = 0, queued: bool = False) -> int:
        """Does one thing of `codes` and returns the protocol's ActionResult; `numbers` are the arguments a0 to a3."""
        a0, a1, a2, a3 = (*map(float, numbers), 0.0, 0.0, 0.0, 0.0)[:4]
        games = self._games
        with compiled.announced(act_ui_row):
            return int(
                act_ui_row(
                    games.batch,
                    games.setting,
                    self.screen,
                    self._row,
                    self._player,
                    self._slots,
                    int(code),
                    a0,
                    a1,
                    a2,
                    a3,
                    int(how),
                    bool(queued),
                )
            )

    def selected(self) -> list[int]:
        """Returns the slots of the selected units, in the order of the panel."""
        with compiled.announced(selected_row):
            count = selected_row(self._games.batch, self._row, self._player, self._slots)
        return [int(slot) for slot in self._slots[:count]]

    def offers(self) -> NDArray[np.bool_]:
        """Returns which of `ABILITIES` the selection can do now."""
        with compiled.announced(offer_row):
            offer_row(self._games.batch, self._games.setting, self._row, self._player, self._offers)
        return self._offers.astype(np.bool_)

    def draw(
        self, screen_layers: NDArray[np.int64], minimap_layers: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Returns layers of the screen and of the minimap, by their numbers, int32 (layers, rows, columns)."""
        screen = self.screen
        of_screen = np.empty((len(screen_layers), screen.rows, screen.columns), np.int32)
        of_map = np.empty((len(minimap_layers), screen.map_rows, screen.map_columns), np.int32)
        with compiled.announced(draw_row):
            draw_row(
                self._games.batch,
                self._games.setting,
                self.screen,
                self._row,
                self._player,
                screen_layers,
                of_screen,
                minimap_layers,
                of_map,
            )
        return of_screen, of_map
