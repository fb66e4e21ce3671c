"""Uploaded results: what is taken, and what is refused before it takes memory."""

from __future__ import annotations

import gzip
import json

import pytest
from servers import TINY, private_suites

from envsuite.errors import InvalidSubmission, ResultsMismatch
from envsuite.leaderboard.evaluate import evaluate
from envsuite.leaderboard.results import actions_path
from envsuite.leaderboard.service.claims import LIMITS, read_claims
from envsuite.leaderboard.store.blobs import Blobs
from envsuite.leaderboard.submission.archive import pack
from envsuite.task import Suite, SuiteTask

__all__ = ["private_suites"]


@pytest.fixture
def played(tmp_path):
    return evaluate("random", TINY, out=tmp_path / "results", name="näme <b>"), tmp_path / "results"


def read(folder, tmp_path):
    pack(folder, tmp_path / "results.zip", LIMITS)
    return read_claims(tmp_path / "results.zip", "Ada", Blobs(tmp_path / "blobs"))


def test_claims_are_the_episodes_and_their_actions(played, tmp_path):
    results, folder = played
    manifest, claims = read(folder, tmp_path)
    assert (manifest.name, manifest.suite, len(manifest.runs)) == ("n-me -b", TINY.name, 1)
    assert [claim.record for claim in claims] == [episode.to_json() for episode in results.episodes]
    blobs = Blobs(tmp_path / "blobs")
    lengths = [len(blobs.get_json(claim.actions_sha256)) for claim in claims]
    assert lengths == [episode.length for episode in results.episodes]


def test_without_actions_nothing_can_be_replayed(played, tmp_path):
    results, folder = played
    actions_path(folder, results.episodes[0]).unlink()
    _, claims = read(folder, tmp_path)
    assert [claim.actions_sha256 is None for claim in claims] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("runs", 10**9, "runs"),
        ("runs", 2, "expected all 10"),
        ("seed", 5, "seed"),
        ("split", "train", "split"),
        ("shard", "1/2", "shard"),
    ],
)
def test_results_that_cannot_stand_on_a_board(played, tmp_path, field, value, told):
    _, folder = played
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["evaluation"][field] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ResultsMismatch, match=told):
        read(folder, tmp_path)


def test_another_suite_of_the_same_name(tmp_path):
    other = Suite(name=TINY.name, summary="Fewer.", tasks=(SuiteTask(task_id=TINY.task_ids[0], episodes=1),))
    evaluate("random", other, out=tmp_path / "results")
    with pytest.raises(ResultsMismatch, match="another protocol"):
        read(tmp_path / "results", tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"[1, 2"), gzip.compress(b"[" * 10**6), gzip.compress(b"[" + b"[]," * 10**6 + b"[]]")],
    ids=["no-gzip", "cut-off", "deep", "many"],  # of the bytes, whose time stamps differ between test processes
)
def test_actions_that_are_none(played, tmp_path, content):
    results, folder = played
    actions_path(folder, results.episodes[1]).write_bytes(content)
    with pytest.raises(InvalidSubmission, match=r"r0-\d+\.json\.gz"):
        read(folder, tmp_path)
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()], (
        "nothing is kept of what is refused"
    )


def test_an_episode_longer_than_its_task(played, tmp_path):
    _, folder = played
    lines = [json.loads(line) for line in (folder / "episodes.jsonl").read_text().splitlines()]
    lines[0]["length"] = 10**12
    (folder / "episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ResultsMismatch, match="more than its task allows"):
        read(folder, tmp_path)
