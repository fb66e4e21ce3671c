import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from toy import ToyEnv

from envsuite.env import check_action
from envsuite.errors import InvalidAction, InvalidTask, MissingDisplay


def test_reset_with_a_seed_decides_the_episode_whatever_came_before():
    fresh, used = ToyEnv(), ToyEnv()
    used.reset(seed=1)
    used.step(2)
    assert np.array_equal(fresh.reset(seed=5)[0], used.reset(seed=5)[0])


def test_reset_without_a_seed_continues_the_stream_of_the_last_seed():
    def positions():
        env = ToyEnv()
        env.reset(seed=5)
        return [float(env.reset()[0][0]) for _ in range(8)]

    first = positions()
    assert first == positions()
    assert len(set(first)) > 1


def test_the_step_limit_truncates_and_the_goal_terminates():
    env = ToyEnv()
    env.reset(seed=0)
    flags = [env.step(1)[2:4] for _ in range(20)]
    assert flags[-1] == (False, True)
    assert set(flags[:-1]) == {(False, False)}
    env.reset(seed=0, options={"task": [2.0]})
    while not (result := env.step(2))[2]:
        pass
    assert result[3] is False
    assert result[4]["success"] is True
    assert result[4]["metrics"] == {"position": 2.0}


def test_reaching_the_goal_in_the_last_step_terminates_only():
    env = ToyEnv()
    env.reset(seed=0, options={"task": [2.0]})
    env.position = 1
    env._elapsed_steps = 19
    assert env.step(2)[2:4] == (True, False)


def test_stepping_outside_an_episode_asks_for_reset():
    env = ToyEnv()
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    for _ in range(20):
        env.step(1)
    with pytest.raises(ResetNeeded):
        env.step(0)


def test_an_invalid_action_leaves_the_episode_as_it_was():
    env = ToyEnv()
    env.reset(seed=0)
    for bad in (3, -1, None, 1.0, True, "left", np.zeros(1)):
        with pytest.raises(InvalidAction, match=r"expected .* got"):
            env.step(bad)
    assert env.step(np.int64(2))[1] == 1.0
    assert env._elapsed_steps == 1


def test_actions_without_effect_are_counted():
    env = ToyEnv()
    env.reset(seed=0)
    counts = [env.step(action)[4]["invalid_action"] for action in (1, 2, 1)]
    assert counts == [1, 1, 2]
    assert env.reset(seed=0)[1]["invalid_action"] == 0


BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)


@pytest.mark.parametrize(
    "bad",
    [
        np.array([0, np.nan], np.float32),
        np.array([0, 1.1], np.float32),
        np.zeros(2),
        np.zeros(3, np.float32),
        [0.0, 0.0],
        0.0,
    ],
    ids=["nan", "out of bounds", "float64", "shape", "list", "scalar"],
)
def test_box_actions_are_checked(bad):
    with pytest.raises(InvalidAction):
        check_action(BOX, bad)


def test_box_actions_on_the_bounds_are_taken():
    check_action(BOX, np.array([-1, 1], np.float32))
    check_action(BOX, np.array([-1, 1], np.float16))


def test_task_parameters_hold_for_one_episode():
    env = ToyEnv()
    _, info = env.reset(seed=3)
    drawn = info["task"]
    assert env.task_space.contains(drawn)
    assert env.reset(seed=3, options={"task": [4]})[1]["task"] == np.float32(4)
    assert env.reset(seed=3)[1]["task"] == drawn


@pytest.mark.parametrize("options", [{"task": [9.0]}, {"task": "far"}, {"task": None}, {"target": 1}])
def test_wrong_options_are_refused_and_name_what_was_expected(options):
    with pytest.raises(InvalidTask, match="expected"):
        ToyEnv().reset(options=options)


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(ValueError, match="render_mode"):
        ToyEnv(render_mode="ansi")


def test_the_human_window_shows_frames_and_closes(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = ToyEnv(render_mode="human")
    env.reset(seed=0)
    env.step(2)
    assert env._window._screen.get_size() == (480, 80)
    env.close()
    env.close()
    assert env._window is None


def test_a_window_without_a_display_says_what_to_do(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingDisplay, match="SDL_VIDEODRIVER=dummy"):
        ToyEnv(render_mode="human").reset(seed=0)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (spaces.Discrete(3), 2**63),
        (spaces.Discrete(3), Unprintable()),
        (spaces.MultiDiscrete([3, 3]), [[1], [1, 2]]),
        (spaces.MultiBinary(3), [[1], [1, 2]]),
        (spaces.Tuple([spaces.Discrete(3)]), np.array(1)),
        (spaces.Box(-1, 1, (2,)), np.array([None, "a"], object)),
    ],
)
def test_whatever_a_strange_action_raises_it_is_an_invalid_action(space, action):
    with pytest.raises(InvalidAction, match="expected a member"):
        check_action(space, action)


def test_the_error_of_a_huge_action_is_short():
    with pytest.raises(InvalidAction) as caught:
        check_action(spaces.Discrete(3), "x" * 10**6)
    assert len(str(caught.value)) < 1000
