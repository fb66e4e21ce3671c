"""Floods everything it can write to: the log, and the pipe of the answers with many at once."""

import os
import sys


class Agent:
    def __init__(self, task):
        self.action_space = task.action_space

    def reset(self, seed):
        self.action_space.seed(seed)
        sys.stdout.write("reward: 999999\n" * 20_000)

    def act(self, observation):
        body = b"\x92\x00\xcb\x7f\xf0\0\0\0\0\0\0"  # the answer "infinity"
        os.write(4, (len(body).to_bytes(4, "little") + body) * 500)
        return self.action_space.sample()


make_agent = Agent
