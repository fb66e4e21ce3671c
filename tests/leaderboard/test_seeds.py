import contextlib
import hashlib
import hmac
import pickle
from itertools import product

import gymnasium
import pytest

import envsuite  # noqa: F401  # registers the ids
from envsuite.errors import InvalidArgument
from envsuite.leaderboard.evaluate import plan
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds, commitment, new_secret
from envsuite.suites import episode_seed
from envsuite.task import Suite, SuiteTask

SECRET = bytes(range(32))
TASK = "envsuite/bipedal-flat-v1"
SUITE = Suite(name="core-v1", summary="", tasks=(SuiteTask(task_id=TASK, episodes=20),))


def by_hand(secret, *names):
    """The derivation as docs/explanation/proof.md gives it."""
    message = b"".join(len(name).to_bytes(4, "big") + name for name in (str(name).encode() for name in names))
    return int.from_bytes(hmac.digest(secret, message, "sha256")[:8], "big") >> (2 if names[0] == "env" else 33)


def test_public_seeds_are_those_of_the_suite():
    assert PublicSeeds().env_seed("core-v1", "dev", TASK, 3) == episode_seed("core-v1", "dev", TASK, 3)
    assert PublicSeeds(5).env_seed("core-v1", "dev", TASK, 3) == episode_seed("core-v1", "dev", TASK, 3, root=5)


def test_held_out_seeds_cannot_be_had_without_the_secret():
    with pytest.raises(InvalidArgument, match="held by a board's server"):
        PublicSeeds().env_seed("core-v1", "test", TASK, 0)


def test_secret_seeds_are_an_hmac_that_anybody_can_compute_afterwards():
    seeds = SecretSeeds(SECRET, round=2)
    assert seeds.env_seed("core-v1", "test", TASK, 7) == by_hand(SECRET, "env", "core-v1", "test", TASK, 7)
    assert seeds.agent_seed("core-v1", "test", TASK, 7, 3) == by_hand(SECRET, "agent", "core-v1", "test", TASK, 7, 3, 2)


def test_secret_seeds_stay_as_they_were():
    """Results of past seasons could not be checked any more."""
    assert SecretSeeds(SECRET).env_seed("core-v1", "test", TASK, 0) == 3505715803477538392
    assert SecretSeeds(SECRET).agent_seed("core-v1", "test", TASK, 0, 0) == 100980677


def test_a_reproduction_meets_the_same_environments_with_another_agent_seed():
    first, second = SecretSeeds(SECRET), SecretSeeds(SECRET, round=1)
    assert first.env_seed("core-v1", "test", TASK, 0) == second.env_seed("core-v1", "test", TASK, 0)
    assert first.agent_seed("core-v1", "test", TASK, 0, 0) != second.agent_seed("core-v1", "test", TASK, 0, 0)


def test_every_part_of_an_episodes_name_changes_its_seeds():
    seeds = SecretSeeds(SECRET)
    names = list(product(("core-v1", "quick-v1"), ("test", "train"), (TASK, "envsuite/bipedal-hardcore-v1"), range(50)))
    env_seeds = [seeds.env_seed(*name) for name in names]
    agent_seeds = [seeds.agent_seed(*name, run) for name in names for run in range(3)]
    everything = [*env_seeds, *agent_seeds]
    assert len(set(everything)) == len(everything)
    for seeds_of, bits in ((env_seeds, 62), (agent_seeds, 31)):
        assert all(0 <= seed < 2**bits for seed in seeds_of)
        assert 0.4 < sum(seed >= 2 ** (bits - 1) for seed in seeds_of) / len(seeds_of) < 0.6


def test_names_that_join_to_the_same_text_do_not_collide():
    seeds = SecretSeeds(SECRET)
    assert seeds.env_seed("a", "bc", "d", 1) != seeds.env_seed("ab", "c", "d", 1)
    assert seeds.env_seed("a", "b", "c1", 1) != seeds.env_seed("a", "b", "c", 11)


def test_another_secret_gives_other_seeds():
    other = SecretSeeds(new_secret())
    assert [other.env_seed("core-v1", "test", TASK, i) for i in range(5)] != [
        SecretSeeds(SECRET).env_seed("core-v1", "test", TASK, i) for i in range(5)
    ]


@pytest.mark.parametrize("secret", [b"", b"x" * 31, b"x" * 33, "x" * 32], ids=repr)
def test_a_secret_of_another_length_or_type_is_refused(secret):
    with pytest.raises(InvalidArgument, match="secret: expected 32 bytes"):
        SecretSeeds(secret)


def test_a_secret_is_never_printed():
    seeds = SecretSeeds(SECRET)
    assert repr(seeds) == "SecretSeeds(round=0)"
    assert pickle.loads(pickle.dumps(seeds)) == seeds


def test_secrets_are_fresh_and_their_commitment_is_the_plain_sha256():
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(first) == 32
    assert commitment(first) == hashlib.sha256(first).hexdigest()


def test_every_simulator_takes_a_held_out_seed():
    for task_id in (TASK, "envsuite/crafter-reward-v1", "envsuite/nethack-score-v1", "envsuite/metaworld-reach-v1"):
        with contextlib.closing(gymnasium.make(task_id).unwrapped) as env:
            seeds = (2**62 - 1, 2**62 - 1, 2**62 - 1 - 2**40)
            first, again, other = (pickle.dumps(env.reset(seed=seed)[0]) for seed in seeds)
            assert first == again != other, task_id


def test_nobody_can_choose_a_bundle_for_its_order():
    orders = [SecretSeeds(new_secret()).order_seed("aa", "test", TASK, 0) for _ in range(3)]
    assert len(set(orders)) == 3
    assert PublicSeeds(1).order_seed("aa", "dev", TASK, 0) == PublicSeeds().order_seed("aa", "dev", TASK, 0)


def test_the_order_of_a_submission_moves_no_seed():
    def planned(order):
        (job,) = plan(SUITE, split="test", seeds=SecretSeeds(SECRET), runs=1, order=order)
        return job.starts

    assert planned("aa") != planned("bb") != planned(None)
    assert planned("aa") == planned("aa")
    assert sorted(planned("aa")) == sorted(planned("bb")) == list(planned(None))
