"""The state in English: the sentences that language models know from SmartPlay and BALROG, and true at every place."""

import numpy as np
import pytest
from families.crafter.reference import Pair, make
from hypothesis import given, settings
from hypothesis import strategies as st

from envsuite.families.crafter.describe import describe, describe_view, read_text, title
from envsuite.families.crafter.engine import layout as at
from envsuite.families.crafter.observations import TEXT_BYTES
from envsuite.families.crafter.rules import ACTIONS, ITEMS, SEMANTICS

TEXT = "envsuite/crafter-text-v1"
ACTION = {name: index for index, name in enumerate(ACTIONS)}


def scene():
    pair = Pair(0)
    pair.env = make(TEXT)
    pair.env.reset(seed=0)
    pair.upstream.reset()
    pair.clear()
    return pair


def test_a_description_in_full():
    pair = scene()
    pair.tile(0, 1, "tree")
    pair.tile(-2, -3, "water")
    pair.thing(at.COW, 3, 0)
    pair.own(energy=8, wood=3)
    observation, _, _, _, info = pair.env.step(ACTION["do"])
    text = read_text(observation)
    # The cow may have walked.
    lines = [line for line in text.splitlines() if not line.startswith("- cow")]
    assert lines == [
        "You took action Do.",
        "",
        "You see:",
        "- water 5 steps to your north-west",
        "- grass 1 step to your west",
        "",
        "You face grass at your front.",
        "",
        "Your status:",
        "- health: 9/9",
        "- food: 9/9",
        "- drink: 9/9",
        "- energy: 8/9",
        "",
        "Your inventory:",
        "- wood: 4",
    ]
    assert "- cow " in text
    assert describe(observation, info) == text


def test_after_a_reset_nothing_was_done_and_nothing_is_owned():
    observation, info = make(TEXT).reset(seed=3)
    text = read_text(observation)
    assert text.startswith("You see:\n")
    assert text.endswith("You have nothing in your inventory.")
    assert info["action"] is None
    assert (observation.shape, observation.dtype) == ((TEXT_BYTES,), np.uint8)


def test_sleep_and_death_are_told():
    pair = scene()
    pair.own(energy=3)
    assert "You are sleeping" in read_text(pair.env.step(ACTION["sleep"])[0])
    pair.sleep(False)
    pair.own(energy=9)
    pair.tile(1, 0, "lava")
    assert "You died." in read_text(pair.env.step(ACTION["move_right"])[0])


def test_the_text_holds_at_the_edge_of_the_world():
    env = make(TEXT, area=(9, 9))
    env.reset(seed=1)
    for _ in range(12):
        observation, _, terminated, _, info = env.step(ACTION["move_left"])
        if terminated:
            break
    text = read_text(observation)
    if info["player_pos"][0] == 0:
        assert "You face the edge of the world at your front." in text
    assert describe(observation, info) == text


@pytest.mark.parametrize("seed", range(4))
def test_text_from_info_is_the_text_that_is_observed(seed):
    env = make(TEXT)
    observation, info = env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(60):
        assert read_text(observation) == describe(observation, info)
        observation, _, terminated, _, info = env.step(int(rng.integers(17)))
        if terminated:
            break


def test_every_action_has_a_title():
    assert [title(name) for name in ACTIONS[:8]] == [
        *("Noop", "Move West", "Move East", "Move North", "Move South", "Do", "Sleep", "Place Stone"),
    ]
    assert title("make_iron_sword") == "Make Iron Sword"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_state_takes_more_room_than_there_is(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    seen = rng.integers(len(SEMANTICS), size=(7, 9)).astype(np.uint8)
    text = describe_view(
        action=data.draw(st.sampled_from([None, *ACTIONS])),
        seen=seen,
        facing=data.draw(st.integers(0, 3)),
        inventory={name: data.draw(st.integers(0, 9)) for name in ITEMS},
        sleeping=data.draw(st.booleans()),
    )
    assert len(text.encode()) <= TEXT_BYTES
    named = [line.split()[1] for line in text.splitlines() if " to your " in line]
    # The player's own number may be drawn anywhere and is never named.
    assert sorted(named) == sorted(SEMANTICS[number] for number in np.unique(seen) if number not in (0, 13))
