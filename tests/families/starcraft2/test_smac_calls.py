"""The calls of SMAC's StarCraft2Env through pysc2's client: its launch, steps and resets, on the server."""

import numpy as np
import pytest

from envsuite.families.starcraft2.engine.battles import SMAC
from envsuite.families.starcraft2.protocol.controller import LocalController
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()

from pysc2 import run_configs  # noqa: E402
from s2clientprotocol import common_pb2, debug_pb2, raw_pb2, sc2api_pb2  # noqa: E402

MOVE, ATTACK, STOP, HEAL = 16, 23, 4, 386
RACES = {"T": common_pb2.Terran, "P": common_pb2.Protoss, "Z": common_pb2.Zerg}
AGENT_RACES = {"2s3z": "P", "MMM": "T", "corridor": "P", "3m": "T"}
LINE, REACH = 9.0, 6.0
MEDIVAC_RL = 1995


class Loop:
    """SMAC's use of the client, call by call."""

    def __init__(self, controller, name, seed):
        self.controller, self.name = controller, name
        battle = SMAC[name]
        self.sizes = battle.agents, battle.foes
        interface = sc2api_pb2.InterfaceOptions(raw=True, score=False)
        create = sc2api_pb2.RequestCreateGame(
            local_map=sc2api_pb2.LocalMap(map_path=f"SMAC_Maps/{name}.SC2Map", map_data=b"a map's bytes"),
            realtime=False,
            random_seed=seed,
        )
        create.player_setup.add(type=sc2api_pb2.Participant)
        create.player_setup.add(type=sc2api_pb2.Computer, race=common_pb2.Zerg, difficulty=sc2api_pb2.VeryHard)
        controller.create_game(create)
        controller.join_game(sc2api_pb2.RequestJoinGame(race=RACES[AGENT_RACES[name]], options=interface))
        start = controller.game_info().start_raw
        self.side = start.map_size.x
        rows = np.array(list(start.pathing_grid.data)).reshape(self.side, self.side // 8)
        bits = [[(byte >> bit) & 1 for byte in row for bit in range(7, -1, -1)] for row in rows]
        self.pathing = np.transpose(np.array(bits, dtype=bool))
        self.heights = np.array(list(start.terrain_height.data)).reshape(self.side, self.side) / 255
        self.init_units()

    def init_units(self):
        for _ in range(20):
            self.observe()
            self.agents = sorted(
                (unit for unit in self.units if unit.owner == 1),
                key=lambda unit: (unit.unit_type, unit.pos.x, unit.pos.y),
            )
            self.enemies = [unit for unit in self.units if unit.owner == 2]
            if (len(self.agents), len(self.enemies)) == self.sizes:
                return
            self.controller.step(1)
        raise AssertionError("the map did not put its units down")

    def observe(self):
        self.units = self.controller.observe().observation.raw_data.units

    def reset(self):
        tags = [unit.tag for unit in self.units if unit.owner in (1, 2)]
        self.controller.debug([debug_pb2.DebugCommand(kill_unit=debug_pb2.DebugKillUnit(tag=tags))])
        self.controller.step(2)
        self.init_units()

    def living(self, unit):
        return next((now for now in self.units if now.tag == unit.tag), None)

    def step(self):
        """Lets every agent do what SMAC's own heuristic does: attack, or heal, the nearest."""
        actions = []
        for unit in self.agents:
            now = self.living(unit)
            if now is None:
                continue
            healer = now.unit_type == MEDIVAC_RL
            others = [self.living(other) for other in (self.agents if healer else self.enemies)]
            others = [other for other in others if other is not None and other.tag != now.tag]
            if healer:
                others = [
                    other for other in others if other.health < other.health_max and other.unit_type != MEDIVAC_RL
                ]
            command = raw_pb2.ActionRawUnitCommand(unit_tags=[unit.tag], queue_command=False)
            if others:
                command.ability_id = HEAL if healer else ATTACK
                nearest = min(others, key=lambda other: np.hypot(other.pos.x - now.pos.x, other.pos.y - now.pos.y))
                command.target_unit_tag = nearest.tag
            elif healer:
                command.ability_id = MOVE
                command.target_world_space_pos.x, command.target_world_space_pos.y = now.pos.x + 2.0, now.pos.y
            else:
                command.ability_id = STOP
            actions.append(sc2api_pb2.Action(action_raw=raw_pb2.ActionRaw(unit_command=command)))
        results = self.controller.actions(sc2api_pb2.RequestAction(actions=actions)).result
        assert len(results) == len(actions)
        self.controller.step(8)
        self.observe()
        return tuple(sum(self.living(unit) is not None for unit in side) for side in (self.agents, self.enemies))


@pytest.mark.parametrize("name", ["3m", "2s3z", "MMM", "corridor"])
def test_battles_go_to_their_end_and_begin_again(name):
    controller = LocalController()
    loop = Loop(controller, name, seed=5)
    assert loop.side == 32
    assert loop.pathing.shape == (32, 32)
    for unit in loop.agents:
        assert loop.pathing[int(unit.pos.x), int(unit.pos.y)]
        assert unit.weapon_cooldown == 0.0
        assert unit.health == unit.health_max > 0
    kinds = [unit.unit_type for unit in loop.agents]
    assert kinds == sorted(kinds)
    assert min(kinds) >= 1990  # SMAC's own units, by the order of their names
    assert not any(unit.unit_type >= 1990 for unit in loop.enemies)
    ends = []
    for _ in range(2):
        before = {unit.tag for unit in (*loop.agents, *loop.enemies)}
        for _ in range(SMAC[name].limit):
            left = loop.step()
            if not all(left):
                break
        ends.append(left)
        assert not all(left)
        loop.reset()
        assert not before & {unit.tag for unit in (*loop.agents, *loop.enemies)}
    assert not controller.status_ended
    assert controller.save_replay()
    controller.quit()


def test_smac_makes_teams_of_its_own_by_debugging():
    """SMACv2 makes units where it wants them."""
    controller = LocalController()
    loop = Loop(controller, "3m", seed=1)
    loop.controller.debug(
        [debug_pb2.DebugCommand(kill_unit=debug_pb2.DebugKillUnit(tag=[unit.tag for unit in loop.units]))]
        + [
            debug_pb2.DebugCommand(
                create_unit=debug_pb2.DebugCreateUnit(
                    unit_type=kind, owner=owner, pos=common_pb2.Point2D(x=x, y=16.0), quantity=1
                )
            )
            for kind, owner, x in ((1994, 1, 8.0), (1996, 1, 9.0), (48, 2, 24.0))
        ]
    )
    controller.step(1)
    loop.observe()
    assert sorted((unit.unit_type, unit.owner) for unit in loop.units) == [(48, 2), (1994, 1), (1996, 1)]
    controller.quit()


def test_the_folder_serves_smac_too(tmp_path, monkeypatch):
    from envsuite.families.starcraft2.protocol.install import install_simulator

    install_simulator(tmp_path / "sim")
    monkeypatch.setenv("SC2PATH", str(tmp_path / "sim"))
    process = run_configs.get(version=None).start(window_size=(1920, 1200), want_rgb=False)
    loop = Loop(process.controller, "3m", seed=5)
    there = [loop.step() for _ in range(5)]
    process.controller.quit()
    process.close()
    here = Loop(LocalController(), "3m", seed=5)
    assert [here.step() for _ in range(5)] == there
