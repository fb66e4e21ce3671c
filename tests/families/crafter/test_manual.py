"""The manual tells the rules of the installed package, number by number."""

from importlib.resources import files

import pytest
from crafter import constants
from typer.testing import CliRunner

from envsuite.cli.main import app
from envsuite.families.crafter.engine import balance, creatures, player

MANUAL = files("envsuite.families.crafter").joinpath("manual.md").read_text(encoding="utf-8")
FLAT = " ".join(MANUAL.split())


def amounts(rule):
    return ", ".join(f"{amount} {name}" for name, amount in rule.items())


def test_what_can_be_taken():
    for name, rule in constants.collect.items():
        tries = ", in 1 of 10 tries" if rule.get("probability") == 0.1 else ""
        needs = ", ".join(rule["require"]) or "nothing"
        assert f"| {name} | {amounts(rule['receive'])}{tries} | {needs} | {rule['leaves']} |" in MANUAL
        assert rule.get("probability", 1) in (0.1, 1)
        assert all(amount == 1 for amount in rule["require"].values())


def test_what_can_be_placed():
    for name, rule in constants.place.items():
        assert f"| {name} | {amounts(rule['uses'])} | {', '.join(rule['where'])} |" in MANUAL


def test_what_can_be_made():
    for name, rule in constants.make.items():
        assert f"| {name} | {amounts(rule['uses'])} | {', '.join(rule['nearby'])} |" in MANUAL
        assert rule["gives"] == 1


def test_every_achievement_is_listed():
    listed = MANUAL.split("## Achievements")[1].replace("(sleep until you are\nfully rested)", "")
    assert [name.strip(" .") for name in " ".join(listed.split()).split(",")] == constants.achievements


@pytest.mark.parametrize(
    "sentence",
    [
        f"Every {player._HUNGRY // 2 + 1} steps you lose a point of food, every {player._THIRSTY // 2 + 1} a point of "
        "drink",
        f"Every {player._TIRED + 1} steps awake you lose a point of energy; asleep you win one back every "
        f"{1 - player._RESTED} steps",
        f"you win back a point of health every {player._HEALED // 2 + 1} steps, asleep every "
        f"{-(-(player._HEALED + 1) // 4)}",
        f"you lose one every {-player._WEAKENED // 2 + 1} steps instead, asleep every {1 - player._WEAKENED}",
        f"A cow gives {player.COW_FOOD} points of food, a ripe plant {player.PLANT_FOOD}",
        f"Cows (health {creatures.COW_HEALTH})",
        f"Zombies (health {creatures.ZOMBIE_HEALTH})",
        f"Skeletons (health {creatures.SKELETON_HEALTH})",
        f"{creatures.BITE} points of health, {creatures.BITE_ASLEEP} while you sleep, and then rests for "
        f"{creatures.COOLDOWN} steps",
        f"each of which takes {creatures.SHOT} points of health",
        f"after {creatures.RIPE_AGE} steps",
        "You can carry 9 of everything",
    ],
)
def test_numbers_of_the_engine(sentence):
    assert sentence in FLAT
    assert balance.PERIOD == 10


def test_the_command_line_prints_it():
    shown = CliRunner().invoke(app, ["info", "crafter-text-v1", "--manual"])
    assert shown.exit_code == 0
    assert shown.output.strip() == MANUAL.strip()
    refused = CliRunner().invoke(app, ["info", "bipedal-flat-v1", "--manual"])
    assert refused.exit_code != 0
