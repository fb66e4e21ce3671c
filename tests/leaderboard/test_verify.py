import gzip
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from signed import (
    FLAT,
    SECRET,
    SUITE,
    Board,
    attempts_of,
    header_of,
    play,
    play_held_out,
)

import envsuite
from envsuite.leaderboard.attest import RESULT, Signer, next_key
from envsuite.leaderboard.canonical import canonical, finite
from envsuite.leaderboard.results import Results
from envsuite.leaderboard.verify import verify
from envsuite.task import Suite


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return play(tmp_path_factory.mktemp("public") / "r")


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    return play_held_out(tmp_path_factory.mktemp("held-out") / "r")


@pytest.fixture
def board():
    board = Board()
    board.open_season()
    return board


def publish(board, tmp_path, results, **changes):
    path = tmp_path / "result.jsonl"
    board.publish(path, header_of(results, **changes), attempts_of(results))
    return path


def statuses(verification):
    return {check.name: check.status for check in verification.checks}


def sentence(verification, name):
    (check,) = [check for check in verification.checks if check.name == name]
    return check.sentence


def test_a_result_on_public_seeds_is_verified(board, results, tmp_path):
    path = publish(board, tmp_path, results)
    done = verify(path, public_key=board.first.public_key, chain=board.export(tmp_path / "chain.jsonl"))
    assert set(statuses(done).values()) == {"ok"}, done
    assert done.verdict == "verified"
    assert list(statuses(done)) == ["file", "signature", "chain", "claims", "suite", "score", "replay"]
    assert json.loads(json.dumps(done.to_json()))["verdict"] == "verified"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_held_out_result_is_verified_once_the_secret_is_published(workers, board, held_out, tmp_path):
    path = publish(board, tmp_path, held_out)
    board.close_season()
    counted = []
    options = {"public_key": board.first.public_key, "chain": board.export(tmp_path / "chain.jsonl")}
    done = verify(path, **options, secret=SECRET, workers=workers, on_replay=counted.append)
    assert set(statuses(done).values()) == {"ok"}, done
    assert len(counted) == 4
    before = verify(path, **options)
    assert before.verdict == "incomplete"
    assert before.skipped == ("secret", "replay")
    assert "published when the season has closed" in sentence(before, "replay")


def test_what_was_not_given_is_skipped_and_said(board, held_out, tmp_path):
    done = verify(publish(board, tmp_path, held_out), replay=False)
    assert done.verdict == "incomplete"
    assert done.failed == ()
    assert done.skipped == ("signature", "chain", "season", "secret", "replay")
    assert "anybody may have signed" in sentence(done, "signature")
    assert "not asked for" in sentence(done, "replay")


def test_another_key_is_found(board, results, tmp_path):
    done = verify(publish(board, tmp_path, results), public_key=Signer.generate().public_key, replay=False)
    assert done.failed == ("signature",)
    assert board.first.key_id in sentence(done, "signature")


def test_a_forger_who_names_the_boards_key_is_found(board, results, tmp_path):
    """The body is consistent and the entry names the right key; only its signature is somebody else's."""
    forger = Board()
    forger.signer.key_id = board.first.key_id
    done = verify(publish(forger, tmp_path, results), public_key=board.first.public_key, replay=False)
    assert done.failed == ("signature",)
    assert "is not that of key" in sentence(done, "signature")


def test_a_result_that_the_board_has_signed_twice_is_found(board, results, tmp_path):
    """The board shows one result in its chain and hands out another one of the same index."""
    path = publish(board, tmp_path, results)
    last = board.entries.pop()
    board.append(RESULT, "evaluation-1", b"a better one")
    done = verify(path, public_key=board.first.public_key, chain=board.export(tmp_path / "chain.jsonl"), replay=False)
    assert board.entries[-1].index == last.index
    assert done.failed == ("chain",)
    assert "is another one" in sentence(done, "chain")


def test_a_result_that_is_not_in_the_chain_is_found(board, results, tmp_path):
    path = publish(board, tmp_path, results)
    board.entries.pop()
    done = verify(path, public_key=board.first.public_key, chain=board.export(tmp_path / "chain.jsonl"), replay=False)
    assert done.failed == ("chain",)
    assert "none of index 1" in sentence(done, "chain")


def test_a_broken_chain_is_found_with_the_place(board, results, tmp_path):
    path = publish(board, tmp_path, results)
    board.entries[0] = replace(board.entries[0], subject="autumn")
    chain = board.export(tmp_path / "chain.jsonl")
    done = verify(path, public_key=board.first.public_key, chain=chain, replay=False)
    assert done.failed == ("chain",)
    assert "Entry 0 of the chain does not hold" in sentence(done, "chain")
    chain.write_bytes(b"[]\n")
    done = verify(path, public_key=board.first.public_key, chain=chain, replay=False)
    assert done.failed == ("chain",)
    assert "line 1" in sentence(done, "chain")


def test_a_clock_that_jumped_is_told(board, results, tmp_path):
    board.now = board.now.replace(year=2020)
    path = publish(board, tmp_path, results)
    done = verify(path, public_key=board.first.public_key, chain=board.export(tmp_path / "chain.jsonl"), replay=False)
    assert done.failed == ()
    assert "Odd: entry 1: the clock jumped back" in sentence(done, "chain")


def test_a_later_key_is_trusted_through_the_chain_only(board, results, tmp_path):
    new = Signer.generate()
    board.entries.append(next_key(board.entries[-1], new, board.now, board.signer))
    board.signer = new
    path = publish(board, tmp_path, results)
    chain = board.export(tmp_path / "chain.jsonl")
    key = board.first.public_key
    assert verify(path, public_key=key, chain=chain, replay=False).failed == ()
    assert verify(path, public_key=key, replay=False).failed == ("signature",)


def test_a_commitment_after_the_result_or_of_another_secret_is_found(held_out, tmp_path):
    late, other = Board(), Board()
    late.append("other", "x", b"")
    path = publish(late, tmp_path, held_out)
    late.open_season()
    key = {"public_key": late.first.public_key, "chain": late.export(tmp_path / "chain.jsonl")}
    done = verify(path, **key, replay=False)
    assert done.failed == ("season",)
    assert "No entry before the result binds season 'spring'" in sentence(done, "season")
    other.open_season(bytes(32))
    path = publish(other, tmp_path, held_out)
    key = {"public_key": other.first.public_key, "chain": other.export(tmp_path / "chain.jsonl")}
    assert verify(path, **key, replay=False).failed == ("season",)


def test_a_season_with_two_commitments_is_found(board, held_out, tmp_path):
    board.open_season(bytes(32))
    path = publish(board, tmp_path, held_out)
    chain = board.export(tmp_path / "chain.jsonl")
    done = verify(path, public_key=board.first.public_key, chain=chain, replay=False)
    assert done.failed == ("season",)
    assert "to another commitment" in sentence(done, "season")


def test_a_result_from_after_the_secret_was_public_is_found(board, held_out, tmp_path):
    board.close_season()
    path = publish(board, tmp_path, held_out)
    chain = board.export(tmp_path / "chain.jsonl")
    done = verify(path, public_key=board.first.public_key, chain=chain, replay=False)
    assert done.failed == ("season",)
    assert "public before the result" in sentence(done, "season")


@pytest.mark.parametrize("secret", [bytes(32), b"short"])
def test_another_secret_is_found(secret, board, held_out, tmp_path):
    done = verify(publish(board, tmp_path, held_out), public_key=board.first.public_key, secret=secret)
    assert done.failed == ("secret",)
    assert "replay" in done.skipped


def test_results_on_other_seeds_than_those_committed_to_are_found(board, held_out, results, tmp_path):
    """The board played easy seeds and says that they were the season's."""
    lie = replace(results, manifest=held_out.manifest)
    done = verify(publish(board, tmp_path, lie), public_key=board.first.public_key, secret=SECRET)
    assert done.failed == ("replay",)
    assert "4 of 4 episodes differ" in sentence(done, "replay")
    assert "trajectory: recorded" in sentence(done, "replay")


def forged(results, change):
    """The results with their last episode changed, and a score that follows from it."""
    episodes = list(results.episodes)
    episodes[-1] = change(episodes[-1])
    return Results.of(results.manifest, episodes, results.folder)


def test_a_forged_return_is_found_by_the_replay_alone(board, results, tmp_path):
    """A board may sign what it wants; the environment does not follow."""
    lie = forged(results, lambda e: replace(e, return_=e.return_ + 300))
    done = verify(publish(board, tmp_path, lie), public_key=board.first.public_key)
    assert done.failed == ("replay",)
    assert f"1 of 4 episodes differ. {FLAT}, run 0, seed index 1: return: recorded" in sentence(done, "replay")


def test_a_score_that_does_not_follow_from_the_episodes_is_found(board, results, tmp_path):
    score = results.score(reps=20).to_json()
    score["tasks"][1]["score"] = [250.0, 240.0, 260.0]
    done = verify(publish(board, tmp_path, results, score=score), public_key=board.first.public_key, replay=False)
    assert done.failed == ("score",)
    assert "score.tasks[1].score[0]: stated 250.0, computed" in sentence(done, "score")


def test_last_digits_are_forgiven_and_told(board, results, tmp_path):
    score = json.loads(canonical(finite(results.score(reps=20).to_json())))
    value, *interval = score["tasks"][1]["score"]
    score["tasks"][1]["score"] = [float(np.nextafter(value, 1e9)), *interval]
    done = verify(publish(board, tmp_path, results, score=score), public_key=board.first.public_key, replay=False)
    assert done.failed == ()
    assert "but for their last digits" in sentence(done, "score")


@pytest.mark.parametrize(
    "change",
    [{"reps": 10**9}, {"reps": True}, {"seed": -1}, {"seed": "0"}, {"seed": None}, {"agent": "other"}, {"more": 1}],
    ids=str,
)
def test_a_score_that_asks_for_the_impossible_is_refused(change, board, results, tmp_path):
    score = {**results.score(reps=20).to_json(), **change}
    done = verify(publish(board, tmp_path, results, score=score), public_key=board.first.public_key, replay=False)
    assert done.failed == ("score",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sandbox": None}, "no safe sandbox"),
        ({"sandbox": {"provider": "subprocess", "safe": False}}, "no safe sandbox"),
        ({"season": None}, "no season's commitment"),
        ({"trust": "validated"}, "not the public ones"),
    ],
    ids=str,
)
def test_a_trust_that_cannot_be_had_that_way_is_found(changes, message, board, held_out, tmp_path):
    done = verify(publish(board, tmp_path, held_out, **changes), public_key=board.first.public_key, replay=False)
    assert done.failed == ("claims",)
    assert message in sentence(done, "claims")


def test_public_seeds_are_not_called_verified(board, results, tmp_path):
    done = verify(publish(board, tmp_path, results, trust="reproduced"), replay=False)
    assert done.failed == ("claims",)


def test_missing_episodes_are_found(board, results, tmp_path):
    part = Results.of(results.manifest, results.episodes[:3], results.folder)
    done = verify(publish(board, tmp_path, part), replay=False)
    assert done.failed == ("suite",)
    assert "3 of the 4 episodes" in sentence(done, "suite")


def test_a_suite_that_borrows_a_name_is_found(board, results, tmp_path):
    renamed = Suite(name="core-v1", summary="", tasks=SUITE.tasks)
    lie = replace(results, manifest=results.manifest.model_copy(update={"suite": renamed}))
    done = verify(publish(board, tmp_path, lie), replay=False)
    assert "suite" in done.failed
    assert "is not core-v1" in sentence(done, "suite")


def test_attempts_that_the_environment_broke_off_are_told_and_need_no_replay(board, results, tmp_path):
    broken = replace(results.episodes[0], outcome="env_error", error="gone", metrics={})
    mixed = Results.of(results.manifest, [broken, *results.episodes], results.folder)
    header = header_of(mixed)
    path = tmp_path / "result.jsonl"
    board.publish(path, header, [broken, *attempts_of(results)])
    assert verify(path, public_key=board.first.public_key).failed == ()
    only = Results.of(results.manifest, [broken, *results.episodes[1:]], results.folder)
    board.publish(path, header_of(only), [broken, *attempts_of(only)[1:]])
    done = verify(path, public_key=board.first.public_key)
    assert done.failed == ()
    assert "1 of them have no score" in sentence(done, "suite")


def test_other_versions_are_named_when_a_replay_differs(board, results, tmp_path):
    manifest = results.manifest.model_copy(update={"simulators": {"Box2D": "0.1"}})
    lie = forged(replace(results, manifest=manifest), lambda e: replace(e, trajectory="00" * 16))
    done = verify(publish(board, tmp_path, lie))
    assert "It was played with Box2D 0.1 (here " in sentence(done, "replay")


def test_a_missing_simulator_skips_the_replay_with_the_command_that_mends_it(board, results, tmp_path, monkeypatch):
    monkeypatch.setattr("envsuite.registration.missing_modules", lambda family: ["Box2D"])
    done = verify(publish(board, tmp_path, results), public_key=board.first.public_key)
    assert done.failed == ()
    assert "replay" in done.skipped
    assert 'pip install "envsuite[bipedal]"' in sentence(done, "replay")


# Results folders, as users hand them in.


def test_a_folder_is_checked_by_its_replay(results):
    done = verify(results.folder)
    assert statuses(done) == {"folder": "ok", "suite": "ok", "replay": "ok"}
    assert "self-reported" in sentence(done, "folder")
    assert verify(results.folder, replay=False).verdict == "incomplete"


def test_a_forged_folder_is_found(results, tmp_path):
    copied = play(tmp_path / "r")
    path = copied.folder / "episodes.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[2]["return"] += 100
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = verify(copied.folder)
    assert done.failed == ("replay",)
    assert "return: recorded" in sentence(done, "replay")


def test_a_folder_without_its_actions_or_manifest_is_found(tmp_path):
    copied = play(tmp_path / "r")
    next((copied.folder / "actions").rglob("*.gz")).unlink()
    assert verify(copied.folder).failed == ("replay",)
    (copied.folder / "manifest.json").unlink()
    assert verify(copied.folder).failed == ("folder",)


@pytest.mark.parametrize(
    ("spoil", "failed"),
    [
        (lambda folder: spoil_lines(folder, task_id="envsuite/chess-mate-v1"), "folder"),
        (lambda folder: spoil_lines(folder, task_id=5), "folder"),
        (lambda folder: spoil_lines(folder, seed_index=7), "suite"),
        (lambda folder: spoil_lines(folder, run=-1), "suite"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), "folder"),
        (lambda folder: (folder / "episodes.jsonl").write_bytes(b"\xff\n"), "folder"),
        (lambda folder: spoil_actions(folder, b"no gzip"), "replay"),
        (lambda folder: spoil_actions(folder, gzip.compress(b"[[0.5")), "replay"),
        (lambda folder: spoil_actions(folder, gzip.compress(b"[" * 100_000)), "replay"),
        (lambda folder: spoil_actions(folder, gzip.compress(b"[[0.5, 0.5, 0.5, 0.5]]")[:-9]), "replay"),
        (lambda folder: spoil_actions(folder, gzip.compress(bytes(65 << 20))), "replay"),
    ],
    ids=range(11),
)
def test_a_hostile_folder_is_a_failed_check_and_no_error(spoil, failed, results, tmp_path):
    folder = tmp_path / "r"
    shutil.copytree(results.folder, folder)
    spoil(folder)
    assert failed in verify(folder).failed


def spoil_lines(folder, **changes):
    path = folder / "episodes.jsonl"
    first, *others = path.read_text().splitlines(keepends=True)
    path.write_text("".join([json.dumps({**json.loads(first), **changes}) + "\n", *others]))


def spoil_actions(folder, content):
    sorted((folder / "actions").rglob("*.gz"))[0].write_bytes(content)


def test_a_split_without_seeds_is_a_failed_check(board, results, tmp_path):
    odd = replace(results, manifest=results.manifest.model_copy(update={"split": "final"}))
    done = verify(publish(board, tmp_path, odd, trust="self-reported"))
    assert done.failed == ("replay",)
    assert "split: expected one of" in sentence(done, "replay")


def test_a_shard_is_checked_as_a_shard(tmp_path):
    part = envsuite.evaluate("random", SUITE, out=tmp_path / "r", shard="1/2")
    done = verify(part.folder)
    assert done.verdict == "verified"
    assert "(shard 1/2)" in sentence(done, "suite")
