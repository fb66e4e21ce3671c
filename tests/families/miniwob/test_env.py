"""MiniWoB's tasks as environments: rewards, limits, options, snapshots, what language agents and eyes get."""

import json

import numpy as np
import pytest
from families.miniwob.playing import episode, make, random_action

from envsuite.errors import InvalidArgument, InvalidTask, UnknownName
from envsuite.families.miniwob.actions import encode
from envsuite.families.miniwob.nodes import text_of

pytestmark = pytest.mark.usefixtures("web")


@pytest.fixture
def env_of():
    """Makes environments and closes them."""
    made = []

    def build(page, **kwargs):
        made.append(make(page, **kwargs))
        return made[-1]

    yield build
    for env in made:
        env.close()


def login(env, seed, password=None):
    """Fills in the login form, rightly unless another password is given, and returns the results of the steps."""
    observation, info = env.reset(seed=seed)
    rows = {text_of(each): row for row, each in enumerate(observation["id"]) if each.any()}
    fields = dict(info["fields"])
    steps = [
        f'type {rows["username"]} "{fields["username"]}"',
        f'type {rows["password"]} "{fields["password"] if password is None else password}"',
        f"click {rows['subbtn']}",
    ]
    return [env.step(encode(step)) for step in steps]


@pytest.mark.parametrize(
    ("rewards", "right", "wrong"), [("original", 0.925, -1.0), ("raw", 1.0, -1.0), ("binary", 1.0, -1.0)]
)
def test_rewards_by_the_clock_of_the_page(env_of, rewards, right, wrong):
    env = env_of("login-user", actions="text", rewards=rewards)
    *early, last = login(env, 3)
    assert [result[1] for result in early] == [0.0, 0.0]
    assert last[1:4] == (right, True, False)
    info = last[4]
    assert info["success"] is True
    assert (info["raw_reward"], info["elapsed_s"], info["potential"]) == (1.0, 0.75, 1.0)
    assert info["factors"] == {"raw": 1.0, "time": pytest.approx(right - 1.0)}
    assert info["metrics"]["page_changes"] == 3
    *_, last = login(env, 3, "nonsense")
    assert last[1:4] == (wrong, True, False)
    assert last[4]["success"] is False


def test_potential_is_the_share_of_right_fields(env_of):
    env = env_of("login-user", actions="text")
    assert [result[4]["potential"] for result in login(env, 3)] == [0.5, 1.0, 1.0]
    assert [result[4]["potential"] for result in login(env, 3, "other")] == [0.5, 0.5, 0.5]
    assert "progress" in login(env, 3)[0][4]["events"]


def test_the_limit_of_the_page_truncates(env_of):
    env = env_of("login-user", actions="text", step_ms=2000)
    env.reset(seed=1)
    for _ in range(4):
        *_, truncated, info = env.step(encode("wait"))
        assert not truncated
    _, reward, terminated, truncated, info = env.step(encode("wait"))
    assert (reward, terminated, truncated) == (-1.0, False, True)
    assert info["events"][-1:] == ("timed_out",)
    assert info["success"] is False


def test_the_threshold_decides_partial_rewards(env_of):
    rewards = {}
    for threshold in (0.3, 1.0):
        env = env_of("click-checkboxes-soft", actions="text", rewards="thresholded", threshold=threshold)
        observation, _ = env.reset(seed=4)
        tags = observation["nodes"][:, 2]
        boxes = np.flatnonzero(tags == env._nodes.layout.for_page()["tags"]["input_checkbox"])
        button = [text_of(each) for each in observation["id"]].index("subbtn")
        for box in boxes:
            env.step(encode(f"click {box}"))
        rewards[threshold] = env.step(encode(f"click {button}"))
    assert rewards[0.3][4]["raw_reward"] == rewards[1.0][4]["raw_reward"] < 1.0
    assert rewards[1.0][1] == -1.0


def test_snapshots_are_taken_up_by_another_environment(env_of):
    env, other = env_of("book-flight"), env_of("book-flight")
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=9)
    for _ in range(5):
        observation, *_ = env.step(random_action(env, observation["action_mask"], rng))
    saved = env.snapshot()
    other.restore(saved)
    for _ in range(5):
        action = random_action(env, observation["action_mask"], rng)
        observation, *mine = env.step(action)
        theirs_observation, *theirs = other.step(action)
        assert mine[:3] == theirs[:3]
        assert all(np.array_equal(observation[name], theirs_observation[name]) for name in observation)
        if mine[1] or mine[2]:
            break
    with pytest.raises(InvalidArgument, match="book-flight"):
        env_of("login-user").restore(saved)
    with pytest.raises(TypeError, match="snapshot"):
        other.restore(b"")


def test_language_agents_get_html_and_the_accessibility_tree(env_of):
    env = env_of("login-user", actions="text", html=True, axtree=True)
    observation, _ = env.reset(seed=1)
    html, tree = text_of(observation["html"]), text_of(observation["axtree"])
    assert 'type="password" id="password"' in html
    assert "button 'Login'" in tree
    assert env.observation_space.contains(observation)
    observation, *_ = env.step(encode("click 6"))
    assert "focused" in text_of(observation["html"])
    assert env.action_space.contains(encode("click 6"))
    with pytest.raises(InvalidArgument, match="no mask"):
        env.action_masks()


def test_pixels_show_the_page(env_of):
    env = env_of("login-user", actions="text", pixels=True, render_mode="rgb_array")
    observation, _ = env.reset(seed=1)
    pixels = observation["pixels"]
    assert pixels.shape == (210, 160, 3)
    assert np.array_equal(pixels, env.render())
    assert pixels[10, 150].tolist() == [255, 255, 0], "the instruction is on yellow"
    after, *_ = env.step(encode('type 6 "somebody"'))
    assert not np.array_equal(after["pixels"], pixels)


def test_with_and_without_pictures_the_episode_is_the_same(env_of):
    plain, drawn = env_of("email-inbox"), env_of("email-inbox", render_mode="rgb_array")
    assert [episode(plain, seed) for seed in range(3)] == [episode(drawn, seed) for seed in range(3)]


def test_forms_take_parameters_and_prefills(env_of):
    env = env_of("forms", actions="text")
    _, info = env.reset(seed=2, options={"task": np.array([6, 4, 2])})
    assert len(info["fields"]) == 6
    assert info["potential"] == 0.0
    _, info = env.reset(seed=2, options={"task": np.array([6, 4, 2]), "prefill": 3})
    assert info["potential"] == 0.5
    _, info = env.reset(seed=2, options={"task": np.array([6, 4, 2]), "subgoal": 2})
    assert len(info["fields"]) == 2


def test_the_booking_form_takes_prefills_subgoals_and_fields(env_of):
    env = env_of("book-flight-form", actions="text")
    _, info = env.reset(seed=2, options={"prefill": 2})
    assert info["potential"] == 2 / 3
    _, info = env.reset(seed=2, options={"prefill": ["date"]})
    assert info["potential"] == 1 / 3
    _, whole = env.reset(seed=2)
    _, info = env.reset(seed=2, options={"subgoal": ["from", "date"]})
    assert dict(info["fields"]) == {key: dict(whole["fields"])[key] for key in ("from", "date")}
    assert " to: " not in info["utterance"]
    fields = {"from": "BOS", "to": "Anchorage", "date": "10/31/2016"}
    _, info = env.reset(seed=2, options={"fields": fields, "prefill": 1})
    assert dict(info["fields"]) == fields
    assert info["utterance"] == "Book a one-way flight from: BOS to: Anchorage on 10/31/2016."


@pytest.mark.parametrize(
    "options", [{}, {"prefill": 3}, {"subgoal": 1}, {"fields": {"to": "ANC", "date": "12/31/2016"}}]
)
def test_the_booking_form_is_right_when_what_is_asked_for_is(env_of, options):
    env = env_of("book-flight-form", actions="text")
    for seed in range(3):
        env.reset(seed=seed, options=options)
        while (action := env.page.call("oracleAction")) is not None:
            kind, (row, *text) = action
            *_, info = env.step(encode(" ".join([kind, str(row), *map(json.dumps, text)])))
        assert info["success"], (seed, info["reason"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prefill": 4}, "prefill: expected 0 to 3 of from, to, date, got 4"),
        ({"prefill": ["price"]}, "prefill"),
        ({"subgoal": 0}, "subgoal: expected 1 to 3"),
        ({"fields": {"price": "1"}}, "fields: expected some of from, to, date"),
        ({"fields": {"from": "Atlantis"}}, "fields: from: expected an airport"),
        ({"fields": {"date": "02/30/2017"}}, "fields: date: expected month/day/year"),
        ({"style": "natural"}, "expected it only for forms"),
    ],
)
def test_wrong_options_of_the_booking_form_are_told(env_of, options, said):
    env = env_of("book-flight-form")
    with pytest.raises(InvalidTask, match=said):
        env.reset(seed=1, options=options)
    env.reset(seed=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"data_mode": "dev"}, "data_mode"),
        ({"fields": {"no such field": "x"}}, "no such field"),
        ({"prefill": 0.5}, "prefill"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_wrong_options_are_told_and_the_next_reset_works(env_of, options, said):
    env = env_of("forms")
    with pytest.raises(InvalidTask, match=said):
        env.reset(seed=1, options=options)
    env.reset(seed=1)
    env.step(env.form.action("click"))


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"rewards": "dense"}, UnknownName),
        ({"text": "words"}, UnknownName),
        ({"actions": "elemnts"}, UnknownName),
        ({"data_mode": "valid"}, UnknownName),
        ({"step_ms": 0}, InvalidArgument),
        ({"max_nodes": 0}, InvalidArgument),
    ],
)
def test_wrong_arguments_are_told(kwargs, error):
    with pytest.raises(error):
        make("login-user", **kwargs)


def test_train_and_test_draw_differently(env_of):
    env = env_of("click-checkboxes-transfer")
    sizes = {}
    for mode in ("train", "test"):
        sizes[mode] = {len(env.reset(seed=seed, options={"data_mode": mode})[1]["fields"]) for seed in range(12)}
    assert max(sizes["train"]) < min(sizes["test"])


def test_known_faults_are_mended(env_of):
    env = env_of("generate-number", actions="text")
    for seed in range(6):
        observation, _ = env.reset(seed=seed)
        button = [text_of(each) for each in observation["id"]].index("submit")
        _, reward, terminated, *_ = env.step(encode(f"click {button}"))
        assert (reward, terminated) == (-1.0, True)
