"""The commands of docs/explanation/proof.md are the proof: they succeed on a true result, and fail on others."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from signed import SECRET, Board, attempts_of, header_of, play_held_out

from envsuite.leaderboard.seeds import SecretSeeds

PAGE = (Path(__file__).parent.parent.parent / "docs" / "explanation" / "proof.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    results = play_held_out(folder / "r")
    board = Board()
    board.append("other", "x", b"")
    board.open_season()
    board.publish(folder / "result.jsonl", header_of(results), attempts_of(results))
    board.close_season()
    board.export(folder / "ledger.jsonl")
    (folder / "board.pem").write_text(board.first.public_pem())
    return folder


@pytest.fixture
def by_hand(needs, published, tmp_path):
    """A function that runs the page's commands on a copy of the files, each changed as told; returns what failed."""
    needs("openssl", shutil.which("openssl") and shutil.which("basenc"), "apt-get install openssl coreutils")

    def run(**changes):
        for name in ("result.jsonl", "ledger.jsonl", "board.pem"):
            (tmp_path / name).write_bytes((published / name).read_bytes())
        for name, change in changes.items():
            path = tmp_path / f"{name}.jsonl"
            path.write_bytes(change(path.read_bytes()))
        environment = {**os.environ, "SECRET": SECRET.hex(), "LC_ALL": "C.UTF-8"}
        failed = []
        for i, block in enumerate(BLOCKS):
            # The first lines of the page define `field` and `say` for all. As pasted: nothing stops at an error.
            script = "\n".join([*BLOCKS[0].splitlines()[:2], block])
            done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.stdout.count(": ok") + done.stdout.count(": FAILED") == block.count("\nsay ")
            if "FAILED" in done.stdout:
                failed.append(i)
        return failed

    return run


def test_the_commands_succeed_on_a_true_result(by_hand):
    assert len(BLOCKS) == 5
    assert by_hand() == []


def test_the_commands_find_what_was_changed(by_hand):
    assert by_hand(result=lambda data: data.replace(b'"length":', b'"length":1', 1)) == [0]
    assert by_hand(result=lambda data: data.replace(b'"subject":"evaluation-1"', b'"subject":"evaluation-2"')) == [1, 2]
    assert by_hand(ledger=lambda data: data.replace(b'"subject":"x"', b'"subject":"y"')) == [2]
    assert by_hand(ledger=lambda data: b"".join(data.splitlines(keepends=True)[2:])) == [2, 4]


def test_the_seed_by_hand_is_the_seed(tmp_path):
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    environment = {**os.environ, "SECRET": SECRET.hex()}
    printed = subprocess.run([sys.executable, "-c", block], env=environment, capture_output=True, text=True, check=True)
    assert int(printed.stdout) == SecretSeeds(SECRET).env_seed("core-v1", "test", "envsuite/crafter-reward-v1", 0)
