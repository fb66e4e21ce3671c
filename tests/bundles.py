"""Bundles for the tests of what reads, packs, checks and plays them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from envsuite.errors import InvalidSubmission

MANIFEST = """\
name = "my-agent"
version = "0.1.0"
authors = ["Ada Lovelace", "山田"]
licence = "MIT"
suite = "quick-v1"
learned = false
"""
LEARNED = """\
name = "my-agent"
version = "0.1.0"
authors = ["Ada Lovelace"]
licence = "MIT"
suite = "quick-v1"
learned = true
hardware = "8 cores"

[training_budget]
steps = 1_000_000
wall_hours = 2

[tuning_budget]
trials = 20

[links]
code = "https://example.org/code"

[[runs]]
weights = ["weights/run-0.bin"]
seed = 0

[[runs]]
weights = ["weights/run-1.bin", "weights/common.bin"]
seed = 1
note = "the second"
"""
AGENT = "def make_agent(task): ...\n"


def write(folder: Path, manifest: str = MANIFEST, agent: str = AGENT, **files: str | bytes) -> Path:
    """A bundle; more files as `name=content`, or `**{"weights/a.bin": content}`."""
    for name, content in {"submission.toml": manifest, "agent.py": agent, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def learned(folder: Path, manifest: str = LEARNED, agent: str = AGENT) -> Path:
    """A bundle with two training runs."""
    names = ("run-0", "run-1", "common")
    return write(folder, manifest, agent, **{f"weights/{name}.bin": name for name in names})


def attempt(call: Callable[..., Any], *arguments: Any) -> tuple[Any, tuple[str, ...]]:
    """What a call returns and no problems, or None and the problems of the submission that it refuses."""
    try:
        return call(*arguments), ()
    except InvalidSubmission as error:
        if not error.problems:
            raise AssertionError("refused without a problem") from error
        return None, error.problems
