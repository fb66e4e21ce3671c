import pytest

from envsuite.episode import Episode, Start
from envsuite.leaderboard.executors.jobs import Job, Share

STARTS = tuple(Start(i, 100 + i, 200 + i) for i in range(5))
JOB = Job(task_id="envsuite/bipedal-flat-v1", run=0, starts=STARTS)


def indices(groups):
    return [[start.seed_index for start in group.starts] for group in groups]


def episode(seed_index, outcome="terminated"):
    return Episode(
        task_id=JOB.task_id, seed_index=seed_index, return_=0.0, length=1, outcome=outcome, trajectory=str(seed_index)
    )


def test_jobs_are_cut_into_groups_of_the_agents_size():
    assert indices(Share().groups([JOB], 1)) == [[0], [1], [2], [3], [4]]
    assert indices(Share().groups([JOB], 2)) == [[0, 1], [2, 3], [4]]


def test_a_kept_agents_job_stays_whole():
    kept = Job(task_id=JOB.task_id, run=0, starts=STARTS, keep_agent=True)
    assert indices(Share().groups([kept], 2)) == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_play_every_group_once(count):
    parts = [group for index in range(count) for group in indices(Share(index, count).groups([JOB], 2))]
    assert sorted(parts) == [[0, 1], [2, 3], [4]]


def test_finished_groups_are_left_out_and_half_finished_ones_are_played_whole():
    done = frozenset({(JOB.task_id, 0, i) for i in (0, 1, 2)})
    assert indices(Share(done=done).groups([JOB], 2)) == [[2, 3], [4]]


def test_what_is_recorded_is_not_recorded_again_unless_it_crashed():
    recorded = []
    record = Share(done=frozenset({(JOB.task_id, 0, 0)})).recorder(recorded.append)
    for attempt in (episode(0), episode(1, "env_error"), episode(1), episode(1)):
        record(attempt)
    assert [(e.seed_index, e.outcome) for e in recorded] == [(1, "env_error"), (1, "terminated")]
