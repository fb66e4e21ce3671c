"""Any area, view, size and length that the reference takes; impossible ones are refused by name."""

import crafter
import numpy as np
import pytest
from families.crafter.reference import Pair, make, ordered_reference

from envsuite.families.crafter.engine import layout as at
from envsuite.families.crafter.options import ENDLESS, checked_options

NIGHT = 170


@pytest.mark.parametrize(
    "options",
    [
        {"size": (100, 80)},
        {"size": (48, 96), "view": (9, 9)},
        {"view": (7, 7)},
        {"view": (8, 6)},
        {"view": (16, 12), "size": (160, 130)},
        {"view": (3, 8), "size": (19, 16)},
        {"view": (21, 4), "size": (64, 64)},
        {"area": (20, 31)},
        {"area": (5, 70)},
        {"area": (9, 9), "view": (9, 9)},
        {"area": (2, 2)},
        {"area": (1, 3)},
        {"area": (100, 30), "view": (9, 7), "size": (90, 70)},
    ],
)
def test_other_shapes_equal_the_reference_by_day_and_by_night(options):
    pair = Pair(4, **options)
    pair.reset()
    rng = np.random.default_rng(0)
    for step in range(60):
        if step == 30:
            pair.set_step(NIGHT)
        pair.keep_alive()
        pair.step(int(rng.integers(17)))
        if pair.done:
            break


@pytest.mark.parametrize("size", [(64, 64), (90, 90), (18, 18), (200, 117), (640, 480)])
def test_a_picture_of_any_size_is_the_references_and_leaves_the_episode_alone(size):
    pair, other = Pair(2), ordered_reference(2)
    pair.reset()
    other.reset()
    for step in (3, NIGHT):
        pair.set_step(step)
        other._step = step
        pair.step(1)
        other.step(1)
        expected = other.render(size)
        other._world.random.set_state(pair.upstream._world.random.get_state())
        np.testing.assert_array_equal(pair.env.picture(size), expected)
        np.testing.assert_array_equal(pair.env.picture(size), expected)
    pair.step(2)


def test_an_episode_ends_after_its_length():
    env = make(length=3)
    env.reset(seed=0)
    assert [env.step(0)[2:4] for _ in range(3)] == [(False, False), (False, False), (False, True)]
    assert env.task.max_episode_steps == 3


@pytest.mark.parametrize("length", [0, None])
def test_an_episode_without_a_length_goes_on(length):
    env = make(length=length)
    assert env.options.length == ENDLESS
    env.reset(seed=0)
    reference = crafter.Env(seed=0, length=length)
    reference.reset()
    late = env.snapshot()
    late.world["state"][at.STEP] = late.episode["_elapsed_steps"] = reference._step = 20_000
    env.restore(late)
    _, _, terminated, truncated, info = env.step(0)
    assert not terminated
    assert not truncated
    reference.step(0)
    assert info["daylight"] == reference._world.daylight


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"area": (0, 64)}, "area: expected two whole numbers from 1 to 4096"),
        ({"area": "big"}, "area: expected two whole numbers"),
        ({"area": (64, 64, 64)}, r"area: .* got \(64, 64, 64\)"),
        ({"view": (9, 2)}, "view: expected more rows than the 2 that the inventory"),
        ({"view": (9.0, 9)}, "view: expected two whole numbers"),
        ({"view": True}, "view: expected two whole numbers"),
        ({"size": (17, 64)}, r"size: expected at least two pixels a tile, \(18, 18\)"),
        ({"size": (-64, 64)}, "size: expected two whole numbers"),
        ({"length": -1}, "length: expected a whole number of steps"),
        ({"length": 2.5}, "length: expected a whole number of steps"),
        ({"observe": "smell"}, "observe: expected one of 'pixels', 'symbols', 'text', got 'smell'"),
        ({"render_size": (8, 8)}, "size: expected at least two pixels a tile"),
    ],
)
def test_impossible_options_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_one_number_stands_for_both():
    options = checked_options(32, np.array([9, 9]), 64, 100)
    assert (options.area, options.view, options.size) == ((32, 32), (9, 9), (64, 64))
