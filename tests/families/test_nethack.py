"""NetHack: the promises of the family, against the real engine and against nle's own environments."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envsuite  # noqa: F401  # registers the ids
from envsuite.agent import RandomAgent
from envsuite.episode import Episode, Start, run_episode
from envsuite.families.nethack import FAMILY
from envsuite.families.nethack import objectives as rules
from envsuite.families.nethack.clock import EPOCH, SPAN, clock_of, clock_stub, find_clock_stub
from envsuite.families.nethack.describe import CONDITIONS, describe, glyph_name
from envsuite.families.nethack.expert import make_expert
from envsuite.families.nethack.plans import PLANS
from envsuite.families.nethack.tasks import TASKS

nle = pytest.importorskip("nle")

from nle import nethack  # noqa: E402
from nle.env import tasks as upstream  # noqa: E402

from envsuite.families.nethack.env import OBSERVATION_KEYS, NetHackEnv  # noqa: E402

NAMES = [task.id.removeprefix("envsuite/nethack-").removesuffix("-v1") for task in TASKS]
UPSTREAM = {
    "score": upstream.NetHackScore,
    "staircase": upstream.NetHackStaircase,
    "staircase-pet": upstream.NetHackStaircasePet,
    "oracle": upstream.NetHackOracle,
    "gold": upstream.NetHackGold,
    "eat": upstream.NetHackEat,
    "scout": upstream.NetHackScout,
    "challenge": upstream.NetHackChallenge,
}


def make(name: str, **kwargs: Any) -> NetHackEnv:
    env = gymnasium.make(f"envsuite/nethack-{name}-v1", **kwargs)
    assert isinstance(env, NetHackEnv)
    return env


def play(env: NetHackEnv, seed: int, steps: int, actions_seed: int = 0) -> str:
    """Returns the hash of an episode under random actions."""
    rng = np.random.default_rng([seed, actions_seed])
    digest = hashlib.sha256()
    observation, _ = env.reset(seed=seed)
    for _ in range(steps):
        for key in sorted(observation):
            digest.update(observation[key].tobytes())
        observation, reward, terminated, truncated, info = env.step(rng.integers(env.action_space.n))
        digest.update(repr((reward, terminated, truncated, info)).encode())
        if terminated or truncated:
            break
    for key in sorted(observation):
        digest.update(observation[key].tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_gymnasium_finds_no_fault(name: str) -> None:
    env = make(name, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)
    env.close()


@pytest.mark.parametrize("name", NAMES)
def test_observations_lie_in_their_spaces_and_factors_sum_to_the_reward(name: str) -> None:
    env = make(name)
    rng = np.random.default_rng(3)
    for seed in range(2):
        observation, _ = env.reset(seed=seed)
        assert observation in env.observation_space
        for _ in range(300):
            observation, reward, terminated, truncated, info = env.step(rng.integers(env.action_space.n))
            assert observation in env.observation_space
            assert all(part.flags.c_contiguous for part in observation.values())
            assert set(info["events"]) <= set(FAMILY.events)
            assert sum(info["factors"].values()) == pytest.approx(reward, abs=1e-12)
            assert env.task.reward_range[0] <= reward <= env.task.reward_range[1]
            assert ("success" in info) == (env.task.metric == "success_rate")
            if terminated or truncated:
                assert set(info["metrics"]) == set(FAMILY.metrics)
                env.reset(seed=seed + 100)
    env.close()


_PLAY_ELSEWHERE = """
import sys
sys.path.insert(0, {folder!r})
from test_nethack import make, play
env = make("challenge")
for seed in {others}:
    play(env, seed, 40)
print([play(env, seed, 300) for seed in {seeds}])
env.close()
"""


def elsewhere(seeds: list[int], others: list[int], zone: str) -> str:
    code = _PLAY_ELSEWHERE.format(folder=str(Path(__file__).parent), seeds=seeds, others=others)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "TZ": zone}, check=True
    )
    return run.stdout.strip()


def test_a_seed_gives_the_same_bytes_in_any_process_time_zone_and_history() -> None:
    seeds = [0, 1, 2, 2**31 - 1, 2**40 + 7]
    env = make("challenge")
    here = repr([play(env, seed, 300) for seed in seeds])
    env.close()
    assert elsewhere(seeds, others=[5, 6], zone="Asia/Tokyo") == here
    assert elsewhere(seeds, others=[], zone="America/Los_Angeles") == here


def test_the_end_of_a_game_does_not_show_earlier_games_of_the_object() -> None:
    env = make("challenge")

    def quit_game(seed: int) -> bytes:
        env.reset(seed=seed)
        ended = False
        for action in [env.action_keys.index(key) for key in (27, 27, nethack.Command.QUIT, ord("y"))]:
            observation, _, ended, _, _ = env.step(action)
        more = env.action_keys.index(13)
        for _ in range(50):
            if ended:
                return bytes(observation["tty_chars"])
            observation, _, ended, _, _ = env.step(more)
        raise AssertionError("the game did not end")

    first = quit_game(11)
    for seed in (12, 13, 14):
        quit_game(seed)
    assert quit_game(11) == first
    assert b"Agent" in first
    env.close()


def test_reset_in_mid_game_hundreds_of_times_neither_hangs_nor_grows() -> None:
    env = make("score")

    def resident_pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0

    for seed in range(30):
        play(env, seed, 20)
    before = resident_pages()
    for seed in range(200):
        play(env, seed, 20)
    assert (resident_pages() - before) * 4096 < 8 * 2**20
    env.close()


def test_observations_belong_to_the_caller_unless_copies_are_declined() -> None:
    env = make("score")
    first, _ = env.reset(seed=1)
    kept = {key: value.copy() for key, value in first.items()}
    for action in range(env.action_space.n):
        env.step(action)
    assert all(np.array_equal(first[key], kept[key]) for key in kept)
    env.close()
    live_env = make("score", copy=False)
    live, _ = live_env.reset(seed=1)
    assert live_env.step(22)[0]["blstats"] is live["blstats"]
    live_env.close()


def upstream_env(name: str, seed: int) -> Any:
    """Returns nle's own environment, seeded right, in a game whose clock is that of our seed."""
    env = UPSTREAM[name](observation_keys=OBSERVATION_KEYS, fix_moon_phase=True)
    stub_at = find_clock_stub(Path(nethack.nethack.DLPATH))
    if stub_at is not None:
        with Path(env.nethack.dlpath).open("r+b") as library:
            library.seek(stub_at)
            library.write(clock_stub(clock_of(seed)))
    # The challenge forbids seeds by replacing the method of the instance.
    nethack.Nethack.set_initial_seeds(env.nethack, seed, seed, False)
    return env


@pytest.mark.parametrize("name", NAMES)
def test_games_and_rewards_equal_upstream_bit_for_bit(name: str) -> None:
    ours = make(name)
    steps = 0
    for seed in (3, 4, 5):
        theirs = upstream_env(name, seed)
        rng = np.random.default_rng(seed)
        observation, _ = ours.reset(seed=seed)
        expected, _ = theirs.reset()
        for _ in range(500):
            for key in OBSERVATION_KEYS:
                assert np.array_equal(observation[key], expected[key]), (seed, steps, key)
            action = int(rng.integers(ours.action_space.n))
            expected, expected_reward, expected_end, _, expected_info = theirs.step(action)
            observation, reward, terminated, truncated, info = ours.step(action)
            steps += 1
            assert reward == expected_reward
            assert terminated == expected_end
            assert not truncated
            assert info.get("success", False) == (int(expected_info["end_status"]) == 2)
            if terminated:
                break
        theirs.close()
    ours.close()
    assert steps >= 300


def test_the_step_limit_truncates_and_does_not_terminate() -> None:
    env = make("score")
    env.reset(seed=1)
    ends = [env.step(0)[2:4] for _ in range(env.task.max_episode_steps)]
    assert ends == [(False, False)] * (len(ends) - 1) + [(False, True)]
    env.close()


@pytest.mark.parametrize("limit", [1, 20])
def test_no_progress_truncates_after_exactly_that_many_steps_without_game_time(limit: int) -> None:
    env = make("challenge", no_progress_timeout=limit)
    env.reset(seed=1)
    look = env.action_keys.index(ord(":"))
    ends = [env.step(look)[2:4] for _ in range(limit)]
    assert ends == [(False, False)] * (limit - 1) + [(False, True)]
    env.close()


def test_the_challenge_allows_ten_thousand_steps_without_progress() -> None:
    assert TASKS[-1].kwargs["no_progress_timeout"] == 10_000
    assert TASKS[-1].max_episode_steps == 1_000_000


def test_an_action_that_changes_nothing_is_counted_and_one_that_passes_time_is_not() -> None:
    env = make("challenge")
    env.reset(seed=1)
    for _ in range(3):
        info = env.step(env.action_keys.index(27))[4]
    counted = info["invalid_action"]
    assert counted >= 2
    assert env.step(env.action_keys.index(ord("s")))[4]["invalid_action"] == counted
    env.close()


@pytest.mark.parametrize("keys", [("internal",), ("glyphs", "program_state"), ("glyph",), ()])
def test_private_and_unknown_observations_are_refused(keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="observation_keys"):
        make("score", observation_keys=keys)


def test_other_observations_can_be_asked_for_and_the_picture_is_drawn_all_the_same() -> None:
    env = make("score", observation_keys=("blstats", "screen_descriptions"), render_mode="rgb_array")
    observation, _ = env.reset(seed=1)
    assert list(observation) == ["blstats", "screen_descriptions"]
    assert b"staircase" in observation["screen_descriptions"].tobytes() or b"floor" in bytes(
        observation["screen_descriptions"]
    )
    frame = env.render()
    assert frame.shape == (384, 640, 3)
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 3
    env.close()


def test_rendering_changes_no_game() -> None:
    plain, drawn = make("score"), make("score", render_mode="rgb_array")
    rng = np.random.default_rng(0)
    plain.reset(seed=9)
    drawn.reset(seed=9)
    for _ in range(100):
        action = rng.integers(23)
        expected = plain.step(action)
        drawn.render()
        actual = drawn.step(action)
        assert all(np.array_equal(expected[0][key], actual[0][key]) for key in expected[0])
        if expected[2]:
            break
    plain.close()
    drawn.close()


def test_glyph_numbers_are_those_of_the_installed_nle() -> None:
    assert rules.GLYPH_PET_OFF == nethack.GLYPH_PET_OFF
    assert rules.GLYPH_INVIS_OFF == nethack.GLYPH_INVIS_OFF
    assert rules.GLYPH_STONE == nethack.GLYPH_CMAP_OFF
    assert nethack.permonst(nethack.glyph_to_mon(rules.GLYPH_ORACLE)).mname == "Oracle"


def view(**changes: Any) -> rules.View:
    start = dict.fromkeys(rules.View._fields, 0) | {"in_game": True, "on_stairs_down": False}
    return rules.View(**{**start, **changes})


def test_a_pet_beside_a_hero_in_the_first_column_is_seen() -> None:
    glyphs = np.full((21, 79), rules.GLYPH_STONE, np.int16)
    glyphs[5, 1] = rules.GLYPH_PET_OFF
    assert rules.on_stairs_with_pet(view(x=0, y=5, on_stairs_down=True), glyphs)
    assert not rules.on_stairs_with_pet(view(x=0, y=8, on_stairs_down=True), glyphs)


def test_events_name_what_changed_between_two_moments() -> None:
    before = view(depth=1, deepest=1, gold=3, hitpoints=9, nutrition=900)
    after = view(depth=2, deepest=2, gold=5, hitpoints=8, nutrition=899)
    assert rules.events_between(before, after) == ("descended", "new_depth", "gold", "hurt")
    assert rules.events_between(before, after._replace(in_game=False)) == ()


def test_the_oracle_counts_only_next_to_the_hero() -> None:
    glyphs = np.full((21, 79), rules.GLYPH_STONE, np.int16)
    glyphs[12, 39] = rules.GLYPH_ORACLE
    assert rules.by_oracle(view(x=38, y=11), glyphs)
    assert not rules.by_oracle(view(x=37, y=11), glyphs)


def test_descriptions_name_the_message_the_status_the_surroundings_and_the_inventory() -> None:
    env = make("score")
    observation, info = env.reset(seed=1)
    lines = describe(observation, info).splitlines()
    assert [line.split(":")[0] for line in lines] == ["Message", "Status", "Adjacent", "Farther", "Inventory"]
    assert "welcome to NetHack" in lines[0]
    assert "dungeon level 1, hit points 14 of 14" in lines[1]
    assert "tame" in lines[2] + lines[3]
    assert "apples" in lines[4]
    assert describe({"blstats": observation["blstats"]}, info) == lines[1]
    observation = env.step(env.action_keys.index(ord("e")))[0]
    assert "What do you want to eat?" in describe(observation, info)
    assert "waits for the key" in describe(observation, info)
    env.close()


def test_every_glyph_has_a_name_that_identifies_no_unknown_object() -> None:
    names = {glyph_name(glyph) for glyph in range(nethack.MAX_GLYPH + 1)}
    assert {"staircase down", "tame kitten", "newt corpse", "potion", "apple", "Oracle"} <= names
    assert "healing" not in names
    masks = ("STONE", "SLIME", "STRNGL", "FOODPOIS", "TERMILL", "BLIND", "DEAF", "STUN", "CONF", "HALLU", "LEV", "FLY")
    assert [getattr(nethack, f"BL_MASK_{mask}") for mask in (*masks, "RIDE")] == [
        1 << bit for bit in range(len(CONDITIONS))
    ]


def test_clocks_of_all_seeds_lie_in_one_year_and_differ() -> None:
    clocks = {clock_of(seed) for seed in range(1000)}
    assert len(clocks) == 1000
    assert min(clocks) >= EPOCH
    assert max(clock_of(seed) for seed in (2**31, 2**62)) < EPOCH + SPAN


@pytest.mark.skipif(find_clock_stub(Path(nethack.nethack.DLPATH)) is None, reason="another build of nle")
def test_the_game_reads_the_clock_of_its_seed() -> None:
    import _ctypes
    import ctypes

    env = make("score")
    for seed in (1, 2):
        env.reset(seed=seed)
        library = ctypes.CDLL(env._game._nethack.dlpath)
        try:
            assert ctypes.c_long.in_dll(library, "ubirthday").value == clock_of(seed)
        finally:
            _ctypes.dlclose(library._handle)
    env.close()


def test_a_file_that_is_no_such_library_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "library.so"
    text.write_bytes(b"\x7fELF\x02\x01" + bytes(58))
    assert find_clock_stub(text) is None


def episodes(name: str, make_agent: Any, count: int) -> list[Episode]:
    env = make(name)
    agent = make_agent(env.task_info())
    played = [run_episode(env, agent, Start(index, 500 + index, index)) for index in range(count)]
    env.close()
    assert [episode.error for episode in played] == [None] * count
    return played


def test_the_expert_finds_the_stairs_far_more_often_than_chance() -> None:
    expert = [bool(episode.success) for episode in episodes("staircase", make_expert, 8)]
    random = [bool(episode.success) for episode in episodes("staircase", RandomAgent, 8)]
    assert sum(expert) >= 6
    assert sum(expert) > sum(random)


@pytest.mark.parametrize("name", ["score", "scout"])
def test_the_expert_earns_several_times_what_chance_earns(name: str) -> None:
    expert = np.mean([episode.return_ for episode in episodes(name, make_expert, 3)])
    random = np.mean([episode.return_ for episode in episodes(name, RandomAgent, 3)])
    assert expert > 2 * max(random, 10)


@pytest.mark.parametrize("name", NAMES)
def test_the_expert_plays_every_task_the_same_way_from_the_same_seed(name: str) -> None:
    assert set(PLANS) == set(NAMES)
    env = make(name)
    expert = make_expert(env.task_info())
    played = []
    for _ in range(2):
        observation, _ = env.reset(seed=77)
        expert.reset(5)
        actions = []
        for _ in range(150):
            action = expert.act(observation)
            assert env.action_space.contains(action)
            actions.append(int(action))
            observation, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                break
        played.append(actions)
    assert played[0] == played[1]
    env.close()


@pytest.mark.parametrize("name", ["score", "challenge"])
def test_the_keyboard_is_bound_to_actions_that_exist(name: str) -> None:
    env = make(name)
    assert all(env.action_space.contains(action) for action in env.keys.values())
    assert env.action_keys[env.keys["up"]] == ord("k")
    assert env.action_keys[env.keys["return"]] == 13
    env.close()
