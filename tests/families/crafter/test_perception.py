"""The expert's eyes: pictures read back into tiles and numbers."""

import numpy as np
import pytest
from families.crafter.reference import Pair

from envsuite.families.crafter.perception import Reader, daylight, is_asleep
from envsuite.families.crafter.rules import ACTIONS, SEMANTICS


def test_the_picture_can_be_read_back_by_day_and_by_night():
    pair, read = Pair(2), Reader()
    pair.reset()
    rng = np.random.default_rng(2)
    hidden = wrong = total = 0
    for step in range(1, 241):
        pair.keep_alive()
        pair.step(int(rng.integers(1, 6)))
        info = pair.info
        if pair.done:
            break
        assert daylight(step) == pytest.approx(info["daylight"], abs=1e-12)
        if step % 8:
            continue
        sight = read(pair.observation, step)
        assert sight.inventory == info["inventory"]
        assert sight.facing == tuple(info["player_facing"])
        padded = np.pad(info["semantic"], 4)
        x, y = info["player_pos"]
        shown = padded[x : x + 9, y + 1 : y + 8]
        for column, row in np.ndindex(9, 7):
            thing = sight.thing[column, row].split("-")[0]
            seen = SEMANTICS.index(thing) if thing else sight.material[column, row]
            hidden += seen < 0
            wrong += 0 <= seen != shown[column, row]
            total += 1
    assert total > 1000
    assert wrong == 0
    assert hidden < 0.05 * total


def test_sleep_shows_in_the_picture():
    pair = Pair(0)
    pair.reset()
    pair.clear()
    pair.own(energy=5)
    assert not is_asleep(pair.step(0)[0])
    assert is_asleep(pair.step(ACTIONS.index("sleep"))[0])
