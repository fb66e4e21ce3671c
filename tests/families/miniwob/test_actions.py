"""Action forms: presets, masks, and commands as text."""

import numpy as np
import pytest
from families.miniwob.playing import make
from hypothesis import given
from hypothesis import strategies as st

from envsuite.errors import InvalidArgument, UnknownName
from envsuite.families.miniwob.actions import KEYS, PRESETS, encode, make_form, parse
from envsuite.families.miniwob.nodes import FLAGS, text_of

FIELDS = (("user", "ann"), ("password", "xyz"))


@pytest.mark.parametrize("name", PRESETS)
def test_every_action_of_a_preset_is_a_command(name):
    form = make_form(name, 16, (160, 210))
    space = form.space
    space.seed(0)
    for _ in range(300):
        kind, arguments = form.command(space.sample(), FIELDS)
        assert isinstance(kind, str)
        assert all(isinstance(each, int | str) for each in arguments)


def test_known_presets_are_those_of_the_papers():
    assert make_form("liu18", 100, (160, 210)).types == ("wait", "click", "append")
    humphreys = make_form("humphreys22", 100, (160, 210))
    assert dict(zip(humphreys.parts, humphreys.sizes, strict=True)) == {
        "type": 10,
        "field": 20,
        "key": len(KEYS) - 21,
        "x": 51,
        "y": 51,
    }
    shi = make_form("shi17", 100, (160, 210))
    assert dict(zip(shi.parts, shi.sizes, strict=True)) == {"type": 8, "key": len(KEYS) - 21, "x": 160, "y": 210}


def test_fields_and_points_become_arguments():
    form = make_form("elements", 16, (160, 210))
    assert form.command(form.action("type", element=3, field=1), FIELDS) == ["type", [3, "xyz"]]
    assert form.command(form.action("type", element=3, field=9), FIELDS) == ["type", [3, ""]]
    pointer = make_form("pointer", 16, (160, 210))
    assert pointer.command(pointer.at("press_at", 80, 100), ()) == ["press_at", [82, 102]]
    assert pointer.command(pointer.at("move_at", 1000, -5), ()) == ["move_at", [158, 2]]


def test_masks_offer_what_makes_sense():
    form = make_form("elements", 6, (160, 210))
    flags = np.zeros((6, len(FLAGS)), np.uint8)
    assert form.mask(flags, 3, 2).tolist() == [1, 0] + [1, 1, 1, 0, 0, 0] + [1, 1] + [0] * 18
    flags[1, FLAGS.index("typeable")] = flags[2, FLAGS.index("actionable")] = 1
    assert form.mask(flags, 3, 2).tolist() == [1, 1] + [0, 1, 1, 0, 0, 0] + [1, 1] + [0] * 18
    assert form.mask(flags, 3, 0).tolist()[:2] == [1, 0]


def test_keys_are_offered_where_they_mean_something():
    form = make_form("keyboard", 6, (160, 210))
    flags = np.zeros((6, len(FLAGS)), np.uint8)
    typed = KEYS.index("a") - len(KEYS)
    mask = form.mask(flags, 3, 0)
    assert mask[:3].tolist() == [1, 0, 0], "nothing has the focus"
    flags[1, FLAGS.index("focused")] = 1
    mask = form.mask(flags, 3, 0)
    assert mask[:3].tolist() == [1, 0, 1]
    assert (mask[KEYS.index("<Enter>") - len(KEYS)], mask[typed]) == (1, 0)
    flags[1, FLAGS.index("typeable")] = 1
    assert form.mask(flags, 3, 0)[typed] == 1


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("click 12", ["click", [12]]),
        ("double_click 3", ["double", [3]]),
        ('type 5 "two words"', ["type", [5, "two words"]]),
        ("type 5 ''", ["type", [5, ""]]),
        ("key <Enter>", ["key", ["<Enter>"]]),
        ("scroll_at 80 100 -50", ["scroll_at", [80, 100, -50]]),
        ("wait", ["wait", []]),
    ],
)
def test_commands_are_read(text, command):
    assert parse(text) == command
    assert parse(text_of(encode(text))) == command


@pytest.mark.parametrize("text", ["", "click", "click x", "click 1 2", "jump 3", 'type 5 "open', "click 99999999999"])
def test_other_texts_wait(text):
    assert parse(text) == ["wait", []]


@given(st.text())
def test_no_text_is_too_strange(text):
    kind, arguments = parse(text)
    assert isinstance(kind, str)
    assert isinstance(arguments, list)


def test_wrong_names_and_lengths_are_told():
    with pytest.raises(UnknownName, match="elements"):
        make_form("element", 16, (160, 210))
    with pytest.raises(UnknownName, match="click"):
        make_form("elements", 16, (160, 210)).action("clik")
    with pytest.raises(InvalidArgument, match="512"):
        encode("x" * 600)


@pytest.mark.usefixtures("web")
def test_liu18_appends_and_elements_replaces():
    values = {}
    for preset, kind in (("liu18", "append"), ("elements", "type")):
        env = make("login-user", actions=preset)
        observation, info = env.reset(seed=1)
        row = [text_of(each) for each in observation["id"]].index("username")
        for field in (0, 1):
            observation, *_ = env.step(env.form.action(kind, element=row, field=field))
        values[preset] = text_of(observation["value"][row])
        name, password = (value for _, value in info["fields"])
        env.close()
    assert values == {"liu18": name + password, "elements": password}
