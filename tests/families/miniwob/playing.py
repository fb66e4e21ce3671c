"""Play of MiniWoB's tasks: at random, with what it leaves, a hash per episode; and by the scripted agent."""

import gymnasium
import numpy as np

from envsuite.episode import new_digest, update_digest


def make(page, **kwargs):
    """Returns the environment of an upstream task name."""
    name = page.lower().replace(".", "-")
    return gymnasium.make(f"envsuite/miniwob-{name}-v1", **kwargs).unwrapped


def random_action(env, mask, rng):
    """Returns an action drawn under a flat mask, as `RandomAgent` does but with our own generator."""
    cuts = np.cumsum(env.action_space.nvec)[:-1]
    return np.array([rng.choice(np.flatnonzero(part)) for part in np.split(mask, cuts)])


def episode(env, seed, most=60):
    """Returns the hash of a seeded random episode, how many of its actions changed the page, and how many it took."""
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    digest = new_digest()
    update_digest(digest, (observation, info["utterance"]))
    changed = steps = 0
    for _ in range(most):
        observation, reward, terminated, truncated, info = env.step(random_action(env, observation["action_mask"], rng))
        update_digest(digest, (observation, reward, terminated, truncated))
        steps += 1
        changed += "changed" in info["events"]
        if terminated or truncated:
            break
    return digest.hexdigest(), changed, steps


def play(env, agent, seed, **options):
    """Plays an episode with an agent; returns the last info and the actions."""
    observation, info = env.reset(seed=seed, options=options or None)
    agent.reset(seed)
    actions = []
    over = False
    while not over:
        action = agent.act(observation)
        assert env.action_space.contains(action)
        actions.append(action.tolist())
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    return info, actions
