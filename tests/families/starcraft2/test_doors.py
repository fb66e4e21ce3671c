"""The server's door and the one in the same process give the same observations to pysc2's agents."""

import hashlib
import random

import numpy as np
import pytest

from envsuite.families.starcraft2.protocol import run_config
from envsuite.families.starcraft2.protocol.install import install_simulator
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()

from pysc2 import run_configs  # noqa: E402
from pysc2.agents import random_agent, scripted_agent  # noqa: E402
from pysc2.env import sc2_env  # noqa: E402


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doors") / "sim"
    install_simulator(folder)
    return folder


@pytest.fixture(params=["serve", "in process"])
def door(request, root, monkeypatch):
    """Lets pysc2 go through one of the doors."""
    monkeypatch.setenv("SC2PATH", str(root))
    monkeypatch.delenv(run_config.VARIABLE, raising=False)
    run_config.use_simulator(request.param == "in process")
    yield request.param
    run_config.use_simulator(False)


def digest_of(map_name, agent, steps, bot=False, **formats):
    """Returns a hash of everything that an agent is told in some steps, and how often it began anew."""
    dimensions = sc2_env.Dimensions(screen=48, minimap=32)
    players = [sc2_env.Agent(sc2_env.Race.terran)]
    players += [sc2_env.Bot(sc2_env.Race.terran, sc2_env.Difficulty.very_easy)] if bot else []
    digest = hashlib.sha256()
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002, TID251  # what pysc2's random agent draws from
    begun = 0
    with sc2_env.SC2Env(
        map_name=map_name,
        players=players,
        random_seed=11,
        step_mul=8,
        game_steps_per_episode=steps * 8 // 2,
        agent_interface_format=sc2_env.AgentInterfaceFormat(feature_dimensions=dimensions, **formats),
    ) as env:
        agent.setup(env.observation_spec()[0], env.action_spec()[0])
        times = env.reset()
        for _ in range(steps):
            begun += times[0].first()
            for name, part in sorted(times[0].observation.items()):
                digest.update(name.encode() + np.asarray(part).tobytes() if name != "map_name" else b"")
            digest.update(repr((times[0].reward, times[0].discount, times[0].step_type)).encode())
            times = env.step([agent.step(times[0])])
    return digest.hexdigest(), begun


SEEN = {}


@pytest.mark.parametrize(
    ("name", "make", "formats"),
    [
        ("MoveToBeacon", scripted_agent.MoveToBeacon, {}),
        ("DefeatRoaches", scripted_agent.DefeatRoaches, {"use_feature_units": True}),
        ("FindAndDefeatZerglings", random_agent.RandomAgent, {"use_raw_units": True}),
        ("BuildMarines", random_agent.RandomAgent, {"use_feature_units": True, "use_camera_position": True}),
        ("Simple64", random_agent.RandomAgent, {"use_unit_counts": True}),
    ],
)
def test_both_doors_tell_the_same(door, name, make, formats):
    digest, begun = digest_of(name, make(), 80, bot=name == "Simple64", **formats)
    assert begun >= 2
    assert SEEN.setdefault(name, digest) == digest
    # The same again through the same door.
    assert digest_of(name, make(), 80, bot=name == "Simple64", **formats)[0] == digest


def test_pysc2_takes_the_simulator_while_it_is_asked_for(monkeypatch, root):
    monkeypatch.setenv("SC2PATH", str(root))
    monkeypatch.delenv(run_config.VARIABLE, raising=False)
    assert type(run_configs.get()).__name__ == "Linux"
    monkeypatch.setenv(run_config.VARIABLE, "1")
    config = run_configs.get()
    assert isinstance(config, run_config.EnvsuiteSimulator)
    with pytest.raises(ValueError, match="Nowhere"):
        config.map_data("Nowhere.SC2Map")
    with pytest.raises(ValueError, match="expected one of"):
        run_configs.get(version="3.16.1")
    with config.start(want_rgb=False) as controller:
        assert controller.ping().game_version.startswith("envsuite-sim")
    game = config.start()
    assert game.running
    game.close()
    game.close()
    assert not game.running
