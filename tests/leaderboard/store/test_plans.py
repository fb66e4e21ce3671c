import pytest
from boards import EPISODES, JOBS, all_claims, count, episode, open_board, submit, upload
from sqlalchemy import text

from envsuite.catalogue import get_suite
from envsuite.errors import InvalidArgument, NotAllowed, UnknownName
from envsuite.leaderboard.evaluate import plan
from envsuite.leaderboard.executors.jobs import BLOCK, cut
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds
from envsuite.leaderboard.store import queue, seasons
from envsuite.leaderboard.store.views import Claim


def offers(database, files, kinds=queue.KINDS):
    while (offer := database.run(lambda session: queue.lease(session, files, "w", kinds))) is not None:
        yield offer


def test_jobs_are_the_blocks_of_the_plan_with_the_secrets_seeds(database, files):
    open_board(database, files)
    view = submit(database, files, suite="metaworld-mt10-v1")
    seeds = SecretSeeds(files.secret("s1"))
    suite = get_suite("metaworld-mt10-v1")
    wanted = cut(plan(suite, split="test", seeds=seeds, runs=1, order=view.bundle_sha256))
    got = list(offers(database, files))
    assert len(got) == len(wanted) == suite.episodes / BLOCK
    for offer, job in zip(got, wanted, strict=True):
        assert (offer.task_id, offer.run) == (job.task_id, job.run)
        assert [tuple(start.model_dump().values()) for start in offer.starts] == [tuple(s) for s in job.starts]
        assert offer.suite == suite
    indices = [start.seed_index for offer in got[:5] for start in offer.starts]
    assert sorted(indices) == list(range(50))
    assert indices != sorted(indices)


def test_no_seed_is_in_the_database(database, files):
    open_board(database, files)
    submit(database, files)
    starts = [start for offer in offers(database, files) for start in offer.starts]
    with database.read() as session:
        tables = (
            session.execute(text("SELECT * FROM jobs")).all() + session.execute(text("SELECT * FROM evaluations")).all()
        )
    told = str([tuple(row) for row in tables])
    assert starts
    assert not any(str(start.env_seed) in told or str(start.agent_seed) in told for start in starts)
    assert files.secret("s1").hex() not in told


def test_planned_twice_is_planned_once(database, files):
    open_board(database, files)
    view = submit(database, files)
    with database.session() as session:
        again = queue.plan_evaluation(session, files, view.id)
        assert again == queue.plan_evaluation(session, files, view.id)
    assert count(database, "evaluations") == 1
    assert count(database, "jobs") == JOBS


def test_without_an_open_season_nothing_is_verified(database, files):
    open_board(database, files)
    with database.session() as session:
        seasons.close_season(session, files, "s1")
    with pytest.raises(NotAllowed, match="season: none is open"):
        submit(database, files)
    assert count(database, "submissions") == 0


def test_an_unknown_submission_is_told(database, files):
    with pytest.raises(UnknownName), database.session() as session:
        queue.plan_evaluation(session, files, "nonsense")


def test_claims_are_offered_with_their_actions_on_public_seeds(database, files):
    open_board(database, files)
    _, evaluation = upload(database, files, all_claims())
    assert (evaluation.kind, evaluation.split, evaluation.season) == ("validate", "dev", None)
    assert list(offers(database, files, ["verify"])) == []
    got = list(offers(database, files))
    seeds = PublicSeeds()
    for offer in got:
        for start in offer.starts:
            assert start.env_seed == seeds.env_seed("quick-v1", "dev", offer.task_id, start.seed_index)
        assert offer.actions == {start.seed_index: [1, 2, start.seed_index] for start in offer.starts}
        assert offer.trajectories == {
            start.seed_index: episode(offer.task_id, start.seed_index)["trajectory"] for start in offer.starts
        }


def test_claims_without_actions_need_no_worker(database, files):
    open_board(database, files)
    _, evaluation = upload(database, files, [claim.model_copy(update={"actions": None}) for claim in all_claims()])
    assert evaluation.state == "scoring"
    assert count(database, "jobs") == 0
    assert count(database, "episodes") == EPISODES


@pytest.mark.parametrize("change", ["missing", "twice", "foreign", "another run", "nonsense", "no fields"])
def test_claims_are_every_episode_of_the_suite_once(database, files, change):
    open_board(database, files)
    claims = all_claims()
    if change == "missing":
        claims.pop()
    elif change == "twice":
        claims[-1] = claims[0]
    elif change == "foreign":
        claims[0] = Claim(record=episode("envsuite/crafter-noreward-v1", 0), actions=[])
    elif change == "another run":
        claims[0] = Claim(record=episode(claims[0].record["task_id"], 0, run=1), actions=[])
    elif change == "nonsense":
        claims[0] = Claim(record={**claims[0].record, "length": "long"}, actions=[])
    else:
        claims[0] = Claim(record={}, actions=[])
    with pytest.raises(InvalidArgument, match=r"claims: expected every episode|episodes: expected the fields"):
        upload(database, files, claims)
    assert count(database, "submissions") == 0
