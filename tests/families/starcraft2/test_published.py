"""The published scores are of the game, each with its protocol and source; none is put beside the simulator."""

import tomllib
from importlib.resources import files

from envsuite.families.starcraft2.tasks import GAME_TASKS

ROWS = tomllib.loads(files("envsuite.families.starcraft2").joinpath("published.toml").read_text("utf-8"))["score"]


def test_every_row_is_whole_and_of_the_game():
    assert {row["task"] for row in ROWS} == {task.id for task in GAME_TASKS}
    for row in ROWS:
        assert {"task", "agent", "metric", "value", "unit", "protocol", "source", "secondary"} <= set(row)
        assert row["metric"] == "return"
        assert row["source"]
        assert row["protocol"]
        assert row.get("maximum", row["value"]) >= row["value"]


def test_no_row_stands_twice():
    keys = [(row["task"], row["agent"]) for row in ROWS]
    assert len(set(keys)) == len(keys)
