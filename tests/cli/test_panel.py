from types import SimpleNamespace

import numpy as np

from envsuite.cli.panel import OWN_KEYS, Panel, bindings, fit, in_columns, wrap


def test_keys_of_the_same_action_are_shown_together_by_the_actions_name():
    env = SimpleNamespace(action_names=("Wait.NOOP", "Move.NORTH_EAST"))
    assert bindings({"u": 1, "\x15": 1, "space": 0}, env) == [("u ctrl+u", "north east"), ("space", "noop")]
    assert bindings({"q": np.array([0.0, -1.0])}, SimpleNamespace(action_names=None)) == [("q", "[1] -1")]


def test_text_is_wrapped_and_cut_to_its_width():
    assert wrap("to be or not to be", len, 8) == ["to be or", "not to", "be"]
    assert fit("to be or not", len, 8) == "to be o…"
    assert fit("to be", len, 8) == "to be"


def test_keys_fill_as_few_columns_as_fit_and_three_at_most():
    rows = [(str(number), "") for number in range(5)]
    assert in_columns(rows, 9) == [rows]
    assert in_columns(rows, 3) == [rows[:3], rows[3:]]
    assert in_columns(rows, 1) == [rows[:1], rows[1:2], rows[2:3]]


def panel():
    task = SimpleNamespace(name="walk", goal="Walk.", max_episode_steps=20)
    return Panel(SimpleNamespace(task=task, action_names=("stay", "go")), {"g": 1}, {**OWN_KEYS, "q": "quit"})


def session(**fields):
    usual = {"seed": 3, "actions": [], "rewards": [], "info": {"events": ()}, "success": None}
    return SimpleNamespace(**{**usual, "over": False, "terminated": False, **fields})


def test_the_players_own_keys_come_first():
    assert panel().keys[:4] == [("F1", "keys"), ("F5", "next episode"), ("F6", "same seed again"), ("escape q", "quit")]
    assert panel().keys[4:] == [("g", "go")]


def test_events_are_remembered_once_and_forgotten_with_the_episode():
    told, now = panel(), session(actions=[1], info={"events": ("moved", "reached")})
    told.look(now)
    told.look(now)
    assert list(told.events) == ["1: moved", "1: reached"]
    told.note(1)
    assert ("action", "go") in [fact[:2] for fact in told.facts(now)]
    told.forget()
    assert list(told.events) == []
    assert ("action", "-") in [fact[:2] for fact in told.facts(now)]


def test_the_facts_tell_of_the_return_and_of_the_end():
    facts = {label: text for label, text, _ in panel().facts(session(rewards=[1.0, -0.5], over=True, success=True))}
    assert facts["return"] == "0.5"
    assert facts["reward"] == "-0.5"
    assert facts["success"] == "yes"
    assert facts["over"].startswith("a limit ended it")
