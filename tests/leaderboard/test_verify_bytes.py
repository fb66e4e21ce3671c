"""One changed byte anywhere in a result file is found."""

import contextlib
import itertools

import numpy as np
import pytest
from signed import FLAT, HARDCORE, SUITE, Board, attempts_of, header_of, play_held_out

from envsuite.episode import Episode
from envsuite.errors import NotVerified
from envsuite.leaderboard.resultfile import Header, read_result
from envsuite.leaderboard.results import Results, make_manifest
from envsuite.leaderboard.verify import verify


@pytest.fixture
def board():
    board = Board()
    board.open_season()
    return board


@pytest.fixture
def small(board, tmp_path):
    """A whole result file of a few kilobytes, whose replay need not be right, with its chain and key."""
    manifest = make_manifest(SUITE, split="dev", agent="x", entry_point="x", seed=0, runs=1)
    episodes = [
        Episode(
            task_id=task_id,
            seed_index=index,
            return_=-1.5,
            length=2,
            metrics={"distance": 0.25},
            outcome="terminated",
            trajectory="ab" * 16,
            timings={"wall_s": 0.5},
            actions=[[0.1, -0.0, 1e-7, 1.0], [0.5, 0.5, 0.5, 0.5]],
        )
        for task_id in (HARDCORE, FLAT)
        for index in range(2)
    ]
    score = Results.of(manifest, episodes).score(reps=5).to_json()
    header = Header(id="e1", evaluation=manifest, trust="validated", score=score)
    path = tmp_path / "small.jsonl"
    board.publish(path, header, episodes)
    options = {"public_key": board.first.public_key, "chain": board.export(tmp_path / "chain.jsonl"), "replay": False}
    assert verify(path, **options).failed == ()
    return path, options


def test_every_changed_byte_is_found(small):
    """Bit by bit in turn, so that all eight are flipped all over the file."""
    path, options = small
    data = path.read_bytes()
    unnoticed = []
    for position in range(len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1 :])
        if not verify(path, **options).failed:
            unnoticed.append(position)
    assert unnoticed == []
    assert len(data) > 4000


def test_every_removed_and_every_added_byte_is_found(small):
    path, options = small
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    unnoticed = []
    for position in sorted({*rng.integers(0, len(data), 400).tolist(), *range(len(data) - 100, len(data))}):
        for changed in (data[:position] + data[position + 1 :], data[:position] + b" " + data[position:]):
            path.write_bytes(changed)
            if not verify(path, **options).failed:
                unnoticed.append(position)
    assert unnoticed == []


@pytest.mark.long
def test_every_bit_of_the_attestation_is_found(small):
    """The line that no hash of the file covers."""
    path, options = small
    data = path.read_bytes()
    start = data.rindex(b"\n", 0, -1) + 1
    unnoticed = []
    for position, bit in itertools.product(range(start, len(data)), range(8)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :])
        with contextlib.suppress(NotVerified):
            if read_result(path).entry.is_signed_by(options["public_key"]):
                unnoticed.append((position, bit))
    assert unnoticed == []


def test_changed_bytes_of_a_real_result_are_found(board, tmp_path):
    """All places where the structure is, and 250 of the others."""
    results, path = play_held_out(tmp_path / "r"), tmp_path / "result.jsonl"
    board.publish(path, header_of(results), attempts_of(results))
    options = {"public_key": board.first.public_key, "chain": board.export(tmp_path / "chain.jsonl"), "replay": False}
    data = path.read_bytes()
    ends = [position for position, byte in enumerate(data) if byte == ord("\n")]
    rng = np.random.default_rng(1)
    unnoticed = []
    for position in [*ends, *(end - 1 for end in ends), *rng.integers(0, len(data), 250).tolist()]:
        flipped = data[position] ^ 1 << int(rng.integers(8))
        path.write_bytes(data[:position] + bytes([flipped]) + data[position + 1 :])
        if not verify(path, **options).failed:
            unnoticed.append(position)
    assert unnoticed == []
