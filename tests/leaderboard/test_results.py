import json

import pytest

from envsuite.episode import Episode
from envsuite.errors import ResultsMismatch
from envsuite.leaderboard.results import (
    EPISODES,
    MANIFEST,
    Results,
    SubmissionRecord,
    choose,
    make_manifest,
    merge,
    open_folder,
    read_episodes,
)
from envsuite.task import Suite, SuiteTask

FLAT = "envsuite/bipedal-flat-v1"
SUITE = Suite(name="two-v1", summary="", tasks=(SuiteTask(task_id=FLAT, episodes=3),))


def manifest(**changes):
    return make_manifest(
        SUITE,
        **{"split": "dev", "agent": "random", "entry_point": "random", "seed": 0, "runs": 1, "shard": None, **changes},
    )


def episode(seed_index=0, outcome="terminated", trajectory="aa"):
    return Episode(task_id=FLAT, seed_index=seed_index, return_=1.5, length=3, outcome=outcome, trajectory=trajectory)


def test_a_folder_is_written_once_and_read_again(tmp_path):
    with open_folder(tmp_path / "r", manifest()) as journal:
        journal.append(episode(1))
        journal.append(episode(0))
    results = Results.load(tmp_path / "r")
    assert [e.seed_index for e in results.episodes] == [0, 1]
    assert results.manifest == manifest()
    assert results.suite == SUITE
    machine = json.loads((tmp_path / "r" / MANIFEST).read_text())["machine"]
    assert machine["cores"] >= 1
    assert machine["packages"]["gymnasium"]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"agent": "scripted"},
        {"entry_point": "other:make"},
        {"split": "train"},
        {"runs": 2},
        {"shard": "1/2"},
    ],
    ids=str,
)
def test_results_of_another_evaluation_are_refused_and_kept(tmp_path, changes):
    with open_folder(tmp_path, manifest()) as journal:
        journal.append(episode())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ResultsMismatch, match=next(iter(changes))), open_folder(tmp_path, manifest(**changes)):
        pass
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_bundle_is_told_by_name_version_and_the_first_digits_of_its_hash(tmp_path):
    def of(digit, version):
        record = SubmissionRecord(name="mine", version=version, sha256=digit * 64, learned=False)
        return manifest(entry_point=f"sha256:{digit * 64}", submission=record)

    with open_folder(tmp_path, of("a", "1.0")):
        pass
    with pytest.raises(ResultsMismatch) as error, open_folder(tmp_path, of("b", "1.1")):
        pass
    told = str(error.value)
    assert "submission: there mine 1.0 (sha256 aaaaaaaaaaaa), asked mine 1.1 (sha256 bbbbbbbbbbbb)" in told
    assert "SubmissionRecord" not in told
    assert 13 * "a" not in told


def test_results_of_another_suite_or_version_are_refused(tmp_path):
    with open_folder(tmp_path, manifest()):
        pass
    other = manifest().model_copy(update={"envsuite": "9.9"})
    with pytest.raises(ResultsMismatch, match=r"9\.9"), open_folder(tmp_path, other):
        pass


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("do not lose me")
    with pytest.raises(ResultsMismatch, match="other files"), open_folder(tmp_path, manifest()):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("left", [EPISODES, "manifest.partial"])
def test_a_folder_that_a_kill_left_before_its_manifest_is_taken(tmp_path, left):
    (tmp_path / left).touch()
    with open_folder(tmp_path, manifest()) as journal:
        journal.append(episode())
    assert len(Results.load(tmp_path).episodes) == 1


def test_episodes_without_a_manifest_are_never_overwritten(tmp_path):
    (tmp_path / EPISODES).write_text("{}\n")
    with pytest.raises(ResultsMismatch, match="other files"), open_folder(tmp_path, manifest()):
        pass
    assert (tmp_path / EPISODES).read_text() == "{}\n"


def test_two_writers_at_once_are_refused(tmp_path):
    with (
        open_folder(tmp_path, manifest()),
        pytest.raises(ResultsMismatch, match="another process"),
        open_folder(tmp_path, manifest()),
    ):
        pass


def test_a_line_cut_off_by_a_kill_is_dropped_and_the_rest_kept(tmp_path):
    with open_folder(tmp_path, manifest()) as journal:
        journal.append(episode(0))
    with (tmp_path / EPISODES).open("ab") as file:
        file.write(b'{"task_id": "envsuite/bip')
    with open_folder(tmp_path, manifest()) as journal:
        assert [e.seed_index for e in journal.recorded] == [0]
        journal.append(episode(1))
    assert [e.seed_index for e in read_episodes(tmp_path / EPISODES)] == [0, 1]


def test_a_damaged_line_is_told_with_its_number(tmp_path):
    with open_folder(tmp_path, manifest()) as journal:
        journal.append(episode(0))
    with (tmp_path / EPISODES).open("ab") as file:
        file.write(b'{"task_id": 3}\n')
    with pytest.raises(ResultsMismatch, match="line 2"):
        Results.load(tmp_path)


def test_a_crashed_attempt_counts_until_a_later_one_succeeds():
    crashed, good = episode(outcome="env_error", trajectory=""), episode()
    assert list(choose([crashed, crashed]).values()) == [crashed]
    assert list(choose([crashed, good]).values()) == [good]


def test_a_score_counts_crashed_attempts_and_runs_that_have_not_begun():
    crashed = episode(outcome="env_error", trajectory="")
    results = Results.of(manifest(runs=2), [crashed, *(episode(index) for index in range(3))])
    task = results.score(reps=10).tasks[0]
    assert (task.env_errors, task.episodes, task.missing) == (1, 3, 3)


def test_contradicting_attempts_are_refused():
    with pytest.raises(ResultsMismatch, match="different trajectories"):
        choose([episode(trajectory="aa"), episode(trajectory="bb")])


def test_shards_are_merged_into_a_new_folder(tmp_path):
    for shard, index in (("1/2", 0), ("2/2", 1)):
        with open_folder(tmp_path / str(index), manifest(shard=shard)) as journal:
            journal.append(episode(index))
    merged = merge([tmp_path / "0", tmp_path / "1"], tmp_path / "all")
    assert [e.seed_index for e in merged.episodes] == [0, 1]
    assert merged.manifest == manifest()


def test_shards_of_different_evaluations_are_not_merged(tmp_path):
    for shard, seed in (("1/2", 0), ("2/2", 1)):
        with open_folder(tmp_path / str(seed), manifest(shard=shard, seed=seed)):
            pass
    with pytest.raises(ResultsMismatch, match="seed"):
        merge([tmp_path / "0", tmp_path / "1"], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_frame_has_a_row_per_episode(tmp_path):
    with open_folder(tmp_path, manifest()) as journal:
        journal.append(episode(0))
        journal.append(episode(1))
    frame = Results.load(tmp_path).to_pandas()
    assert list(frame["return"]) == [1.5, 1.5]


def test_a_folder_without_results_says_so(tmp_path):
    with pytest.raises(ResultsMismatch, match="expected a results folder"):
        Results.load(tmp_path)
