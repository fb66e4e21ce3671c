import numpy as np
import pytest
from gymnasium import spaces

from envsuite import catalogue, registration
from envsuite.cli.keyboard import Keyboard, KeyEvent
from envsuite.cli.window import key_names

pygame = pytest.importorskip("pygame")


def keyboard(keys, space, idle, releases=True):
    return Keyboard(keys, space, idle, releases)


def press(board, *names):
    board.down(KeyEvent("down", names[-1], names))


def let_go(board, name):
    board.up(KeyEvent("up", name, (name,)))


BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)
MOTORS = {"q": np.array([0.75, 0.0]), "w": np.array([0.75, 0.25]), "e": np.array([0.0, -0.5])}


def test_held_keys_of_a_continuous_action_add_up_and_are_clipped():
    board = keyboard(MOTORS, BOX, np.zeros(2))
    press(board, "q")
    np.testing.assert_array_equal(board.action(), np.float32([0.75, 0.0]))
    press(board, "w")
    press(board, "e")
    action = board.action()
    np.testing.assert_array_equal(action, np.float32([1.0, -0.25]))
    assert action.dtype == np.float32
    assert BOX.contains(action)
    let_go(board, "w")
    np.testing.assert_array_equal(board.action(), np.float32([0.75, -0.5]))


def test_a_press_shorter_than_a_frame_counts_once():
    board = keyboard(MOTORS, BOX, np.zeros(2))
    press(board, "q")
    let_go(board, "q")
    np.testing.assert_array_equal(board.action(), np.float32([0.75, 0.0]))
    np.testing.assert_array_equal(board.action(), np.zeros(2, np.float32))


def test_of_discrete_actions_the_key_pressed_last_counts_while_it_is_held():
    board = keyboard({"left": 1, "right": 2}, spaces.Discrete(3), 0)
    assert board.action() == 0
    press(board, "left")
    press(board, "right")
    assert [board.action(), board.action()] == [2, 2]
    let_go(board, "right")
    assert board.action() == 1
    board.release()
    assert board.action() == 0


def test_without_an_idle_action_it_waits_for_keys_and_takes_each_press_once():
    board = keyboard({"left": 1, "right": 2}, spaces.Discrete(3), None)
    assert board.action() is None
    press(board, "left")
    press(board, "right")
    assert [board.action(), board.action(), board.action()] == [1, 2, None]


@pytest.mark.parametrize(
    ("keys", "space", "idle"), [(MOTORS, BOX, np.zeros(2)), ({"q": 1, "w": 2}, spaces.Discrete(3), 0)]
)
def test_where_nobody_tells_of_releases_every_press_is_one_action_in_its_turn(keys, space, idle):
    board = keyboard(keys, space, idle, releases=False)
    press(board, "w")
    press(board, "q")
    for expected in (keys["w"], keys["q"], idle, idle):
        action = board.action()
        np.testing.assert_array_equal(action, expected)
        assert space.contains(action)


def test_presses_that_come_faster_than_the_steps_do_not_pile_up():
    board = keyboard({"q": 1}, spaces.Discrete(3), 0, releases=False)
    for _ in range(50):
        press(board, "q")
    assert [int(board.action()) for _ in range(5)] == [1, 1, 1, 0, 0]


def test_a_key_is_found_by_its_modifier_then_as_typed_then_by_name():
    board = keyboard({"ctrl+d": 1, ">": 2, "d": 3}, spaces.Discrete(9), None)
    press(board, "ctrl+d", "\x04", "d")
    press(board, "shift+.", ">", ".")
    assert [board.action(), board.action()] == [1, 2]
    press(board, "d", "d")
    press(board, "x", "x")
    assert [board.action(), board.action()] == [3, None]


@pytest.mark.parametrize("family", [family for family in catalogue.FAMILIES.values() if family.keys])
def test_every_binding_of_a_family_is_an_action_and_a_key(family):
    with registration.make_env(family.tasks[0].id) as env:
        board = keyboard(family.keys, env.action_space, family.idle_action)
        pygame.display.init()
        try:
            for name in family.keys:
                event = pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(name), mod=0, unicode="")
                press(board, *key_names(event, pygame))
                action = board.action()
                board.release()
                assert env.action_space.contains(action), name
        finally:
            pygame.display.quit()
