"""pysc2's own tests, unmodified, on the simulator in the game's place, and the docs' table of which pass."""

import os
import re
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from envsuite.families.starcraft2.protocol.install import install_simulator

TABLE = Path(__file__).parents[3] / "docs" / "reference" / "starcraft2-conformance.md"
RUNNER = """\
import runpy, sys
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
PASSED, PARTLY, NOT = "passed", "partly", "not"
SECONDS = 240
PARTS = {
    "host_remote_agent_test": ("TestHostRemoteAgent.testVsBot",),
    "obs_spec_test": ("TestObservationSpec.test_observation_matches_obs_spec",),
    "random_agent_test": ("TestRandomAgent.test_random_agent_features",),
    "versions_test": ("TestVersions.test_versions_create_game",),
}
"""Which tests of a file pass where not all do."""
SLOW = {"replay_obs_test"}
AGENTS = {
    "scripted.MoveToBeacon": ("MoveToBeacon",),
    "scripted.DefeatRoaches": ("DefeatRoaches",),
    "scripted.CollectMineralShardsFeatureUnits": ("CollectMineralShards", "--use_feature_units"),
    "random.RandomAgent": ("Simple64",),
}


def verdicts():
    """Returns what the docs say of each file."""
    return dict(re.findall(r"^\| `(\w+)\.py` \| (passed|partly|not)\b", TABLE.read_text(), flags=re.MULTILINE))


def files():
    folder = Path(util.find_spec("pysc2").submodule_search_locations[0]) / "tests"
    return sorted(path.stem for path in folder.glob("*_test.py"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conformance") / "sim"
    install_simulator(folder)
    return folder


def run(root, module, *arguments):
    """Runs a program of pysc2's; returns how it ended and what it wrote. No server that it started may be left."""
    result = subprocess.run(
        [sys.executable, "-c", RUNNER, module, *arguments],
        env={**os.environ, "SC2PATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert not servers_of(root)
    return result.returncode, (result.stdout + result.stderr)[-4000:]


def servers_of(root):
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            left += [path.parent.name] if str(root).encode() in path.read_bytes() else []
        except OSError:
            continue
    return left


def test_the_table_has_every_file_and_names_the_parts():
    told = verdicts()
    assert sorted(told) == files()
    assert {name for name, verdict in told.items() if verdict == PARTLY} == set(PARTS)
    page = TABLE.read_text()
    for name, tests in PARTS.items():
        for test in tests:
            assert f"`{test.split('.')[1]}`" in page, name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name in SLOW else [])
        for name, verdict in verdicts().items()
        if verdict != NOT
    ],
)
def test_what_the_table_says_passes(root, name):
    status, words = run(root, f"pysc2.tests.{name}", *PARTS.get(name, ()))
    assert status == 0, words
    assert re.search(r"^OK", words, flags=re.MULTILINE), words


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, verdict in verdicts().items() if verdict != PASSED])
def test_what_the_table_says_fails_still_does(root, name):
    status, words = run(root, f"pysc2.tests.{name}")
    assert status != 0, f"{name} passes now: say so in {TABLE}"
    reasons = ("two clients", "RGB", "Observer", "4.10.0")
    assert any(reason in words for reason in reasons), words


@pytest.mark.parametrize("kind", AGENTS)
def test_the_agents_of_its_command_line_play(root, kind):
    module, agent = kind.split(".")
    map_name, *options = AGENTS[kind]
    options += ["--agent", f"pysc2.agents.{module}_agent.{agent}", "--norender", "--max_agent_steps", "240"]
    status, words = run(root, "pysc2.bin.agent", "--map", map_name, *options)
    assert status == 0, words
    assert "for 240 steps" in words
    replays = list((root / "Replays").rglob("*.SC2Replay"))
    assert any(path.parent.name == agent for path in replays), replays
