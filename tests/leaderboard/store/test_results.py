import re
import threading

import pytest
from boards import (
    EPISODES,
    JOBS,
    SAFE,
    all_claims,
    count,
    episode,
    lease,
    open_board,
    play,
    play_alike,
    submit,
    upload,
    work,
)
from sqlalchemy import text

from envsuite.leaderboard.attest import chain_lines, check_chain
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.resultfile import read_result
from envsuite.leaderboard.schemas import Finish, Report
from envsuite.leaderboard.seeds import commitment
from envsuite.leaderboard.store import details, ledger, queue, results, seasons, submissions
from envsuite.leaderboard.verify import verify


@pytest.fixture
def board(database, files):
    """The database of a board with an open season and an account."""
    open_board(database, files)
    return database


def get(database, submission):
    with database.read() as session:
        return submissions.get(session, submission.id)


def evaluations(database, submission):
    with database.read() as session:
        return details.evaluations(session, submission.id)


def on_the_board(database, submission):
    with database.read() as session:
        return details.detail(session, submission.id).row


def history(database, files, first=0):
    with database.read() as session:
        assert check_chain(ledger.chain(session), [files.signer.public_key]).ok
        return [entry.kind for entry in ledger.entries(session)][first:]


def all_but_the_last_finish(database, files):
    offers = []
    while (offer := lease(database, files)) is not None:
        database.run(lambda session, o=offer: queue.report(session, files, o.id, play(o)))
        offers.append(offer)
    for offer in offers[:-1]:
        end = Finish(lease=offer.lease, sandbox=SAFE)
        database.run(lambda session, o=offer, end=end: queue.finish(session, o.id, end))
    return offers[-1]


def test_a_submission_is_verified_then_reproduced(board, files):
    view = submit(board, files)
    assert work(board, files, jobs=JOBS) == JOBS
    verified = get(board, view)
    assert (verified.state, verified.trust, verified.ledger_index) == ("scored", "verified", 1)
    assert verified.score["complete"]
    assert verified.episodes_done == EPISODES
    assert verified.sandbox == SAFE
    assert verified.machine == {"cores": 2}
    assert [(e.kind, e.round, e.state) for e in evaluations(board, view)] == [
        ("verify", 0, "scored"),
        ("reproduce", 1, "queued"),
    ]
    assert work(board, files) == JOBS
    reproduced = get(board, view)
    assert (reproduced.state, reproduced.trust, reproduced.ledger_index) == ("scored", "reproduced", 1)
    assert reproduced.score == verified.score
    assert history(board, files) == ["season-opened", "result", "result"]


def test_the_second_round_has_the_same_environments_and_other_agent_seeds(board, files):
    submit(board, files)
    seeds = {}

    def noting(offer):
        for start in offer.starts:
            seeds.setdefault(offer.kind, {})[offer.task_id, start.seed_index] = (start.env_seed, start.agent_seed)
        return play(offer)

    work(board, files, playing=noting)
    first, second = seeds["verify"], seeds["reproduce"]
    assert first.keys() == second.keys()
    assert all(first[key][0] == second[key][0] and first[key][1] != second[key][1] for key in first)


def test_a_second_run_outside_the_first_interval_leaves_it_verified_with_a_note(board, files):
    view = submit(board, files)
    work(board, files, jobs=JOBS)
    work(board, files, playing=lambda offer: play_alike(offer, good=False))
    again = get(board, view)
    assert (again.state, again.trust) == ("scored", "verified")
    note = evaluations(board, view)[1].reason
    assert note.startswith("not reproduced: IQM -")
    assert re.search(r"IQM -0\.\d+ \[.*\] of the second run, 0\.\d+ \[.*\] of the first$", note)
    assert all(len(digits) <= 3 for digits in re.findall(r"\.0*(\d+)", note)), "no more digits than a board shows"
    assert history(board, files) == ["season-opened", "result", "result"]


@pytest.mark.parametrize(
    ("again", "same"),
    [
        ((0.5, 0.4, 0.6), True),
        ((0.63, 0.53, 0.73), True),  # outside of [0.4, 0.6], but it has luck of its own
        ((0.65, 0.65, 0.65), False),
        ((0.7, 0.6, 0.8), False),
        ((0.3, 0.2, 0.4), False),
    ],
)
def test_a_second_run_may_differ_by_its_own_luck_too(again, same):
    assert results.is_same_but_for_luck(Estimate(0.5, 0.4, 0.6), Estimate(*again)) is same


def test_an_agent_that_fails_every_time_is_not_called_reproduced(board, files):
    view = submit(board, files)
    work(board, files, playing=lambda offer: play(offer, outcome="agent_crash"))
    assert get(board, view).trust == "verified"
    assert evaluations(board, view)[1].reason == "the agent failed every episode of the second run"
    with board.read() as session:
        assert details.task(session, "envsuite/nethack-score-v1").entries[-1].submission == view.id


def test_a_result_file_can_be_checked_by_a_stranger(board, files, tmp_path):
    view = submit(board, files)
    work(board, files)
    first, second = evaluations(board, view)
    with board.session() as session:
        closed = seasons.close_season(session, files, "s1")
        chain = tmp_path / "chain.jsonl"
        chain.write_bytes(b"".join(chain_lines(ledger.chain(session))))
    for evaluation, trust, round_ in ((first, "verified", 0), (second, "reproduced", 1)):
        path = files.blobs.path(evaluation.result_sha256)
        header = read_result(path).header
        assert (header.id, header.trust, header.round, header.season) == (evaluation.id, trust, round_, "s1")
        assert header.evaluation.commitment == closed.commitment == commitment(bytes.fromhex(closed.secret))
        assert header.sandbox.provider == "bubblewrap"
        checked = verify(
            path,
            public_key=files.signer.public_key,
            chain=chain,
            secret=bytes.fromhex(closed.secret),
            replay=False,
        )
        assert {check.name: check.status for check in checked.checks if check.status == "failed"} == {}
        actions = [attempt.actions for attempt in read_result(path).with_actions()]
        assert len(actions) == EPISODES
        assert all(len(taken) == 4 for taken in actions)


def test_attempts_that_were_broken_off_are_published_too(board, files):
    view = submit(board, files)
    offer = lease(board, files)
    broken = episode(offer.task_id, offer.starts[0].seed_index, outcome="env_error", error="EGLError")
    with board.session() as session:
        queue.report(session, files, offer.id, Report(lease=offer.lease, episodes=[broken]))
        queue.finish(session, offer.id, Finish(lease=offer.lease, sandbox=SAFE, failure="EGLError"))
    work(board, files, jobs=JOBS)
    (first, _) = evaluations(board, view)
    attempts = read_result(files.blobs.path(first.result_sha256)).attempts
    assert [attempt.outcome for attempt in attempts].count("env_error") == 1
    assert len(attempts) == EPISODES + 1
    assert get(board, view).score["tasks"][0]["env_errors"] == 1


@pytest.mark.parametrize("sandbox", [None, {"provider": "subprocess", "safe": False, "features": {}}])
def test_without_a_safe_sandbox_a_score_is_self_reported(board, files, sandbox):
    view = submit(board, files)
    work(board, files, jobs=JOBS - 1)
    work(board, files, sandbox=sandbox)
    again = get(board, view)
    assert (again.state, again.trust) == ("scored", "self-reported")
    assert "without a safe sandbox" in again.reason
    assert [e.kind for e in evaluations(board, view)] == ["verify"]
    assert on_the_board(board, view).rank is None


def test_finishes_at_once_publish_one_result(board, files):
    view = submit(board, files)
    last = all_but_the_last_finish(board, files)
    end = Finish(lease=last.lease, sandbox=SAFE)
    errors, published = [], []
    barrier = threading.Barrier(4)

    def finish():
        try:
            barrier.wait()
            if board.run(lambda session: queue.finish(session, last.id, end)):
                published.extend(results.finalise_due(board, files))
        except Exception as error:  # noqa: BLE001  # shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert published == [evaluations(board, view)[0].id]
    assert history(board, files) == ["season-opened", "result"]
    assert count(board, "scores") == 1
    assert count(board, "evaluations") == 2


def test_the_last_two_jobs_finished_at_once_do_not_miss_each_other(board, files):
    submit(board, files)
    offers = [lease(board, files, f"w{i}") for i in range(JOBS)]
    for offer in offers:
        board.run(lambda session, o=offer: queue.report(session, files, o.id, play(o)))
    barrier, due = threading.Barrier(JOBS), []

    def finish(offer):
        barrier.wait()
        end = Finish(lease=offer.lease, sandbox=SAFE)
        due.append(board.run(lambda session: queue.finish(session, offer.id, end)))

    threads = [threading.Thread(target=finish, args=(offer,)) for offer in offers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(due) == [False] * (JOBS - 1) + [True]
    assert count(board, "evaluations", "state = 'scoring'") == 1


def test_what_a_killed_server_left_is_scored_later(board, files):
    view = submit(board, files)
    last = all_but_the_last_finish(board, files)
    with board.session() as session:
        assert queue.finish(session, last.id, Finish(lease=last.lease, sandbox=SAFE))
    assert get(board, view).state == "running"
    assert results.finalise_due(board, files) == [evaluations(board, view)[0].id]
    assert results.finalise_due(board, files) == []
    assert get(board, view).state == "scored"


def test_what_was_cancelled_in_the_meantime_is_not_published(board, files):
    view = submit(board, files)
    last = all_but_the_last_finish(board, files)
    with board.session() as session:
        queue.finish(session, last.id, Finish(lease=last.lease, sandbox=SAFE))
        submissions.cancel(session, view.id)
    assert results.finalise_due(board, files) == []
    assert history(board, files) == ["season-opened"]


def test_an_evaluation_that_cannot_be_scored_fails_and_does_not_hold_up_others(board, files):
    bad, good = submit(board, files), None
    work(board, files, jobs=JOBS, playing=lambda offer: play(offer, success=None))
    assert (get(board, bad).state, get(board, bad).trust) == ("failed", None)
    assert "it cannot be scored: ValueError" in get(board, bad).reason
    good = submit(board, files)
    work(board, files, jobs=JOBS)
    assert get(board, good).state == "scored"


def test_an_evaluation_with_a_damaged_file_stays_due_and_does_not_hold_up_others(board, files):
    damaged, other = submit(board, files), submit(board, files)
    last = all_but_the_last_finish(board, files)
    path = files.blobs.path(files.blobs.put_json(play(last).actions[last.starts[0].seed_index]))
    whole = path.read_bytes()
    path.write_bytes(b"damaged")
    with board.session() as session:
        assert queue.finish(session, last.id, Finish(lease=last.lease, sandbox=SAFE))
    assert results.finalise_due(board, files) == []
    path.write_bytes(whole)
    assert results.finalise_due(board, files) == [evaluations(board, damaged)[0].id]
    assert (get(board, damaged).state, get(board, other).state) == ("scored", "queued")


def test_scored_episodes_are_never_changed(board, files):
    submit(board, files)
    work(board, files, jobs=1)
    for change in ("UPDATE episodes SET length = 1", "DELETE FROM episodes"):
        with pytest.raises(Exception, match="append-only"), board.session() as session:
            session.execute(text(change))
    assert count(board, "episodes") == 4


def test_claims_that_a_replay_confirms_are_validated(board, files):
    view, evaluation = upload(board, files, all_claims())
    assert work(board, files, sandbox=None) == JOBS
    again = get(board, view)
    assert (again.state, again.trust) == ("scored", "validated")
    header = read_result(files.blobs.path(evaluations(board, view)[0].result_sha256)).header
    assert (header.id, header.trust, header.season) == (evaluation.id, "validated", None)
    row = on_the_board(board, view)
    assert row.rank is None
    assert row.unranked.startswith("Unranked: only what")


def test_claims_that_a_replay_refutes_are_rejected_with_the_episode(board, files):
    claims = all_claims()
    claims[5] = claims[5].model_copy(update={"record": {**claims[5].record, "trajectory": "0" * 32}})
    view, evaluation = upload(board, files, claims)
    work(board, files)
    again = get(board, view)
    assert (again.state, again.trust) == ("rejected", None)
    task, index = claims[5].record["task_id"], claims[5].record["seed_index"]
    assert again.reason.endswith(f"than was claimed: {task}, run 0, seed index {index}")
    assert history(board, files) == ["season-opened", "rejection"]
    assert count(board, "scores") == 0
    with board.read() as session:
        assert evaluation.id in files.blobs.get(ledger.get_entry(session, 1).blob_sha256).decode()


def test_claims_without_actions_are_self_reported(board, files):
    view, _ = upload(board, files, [claim.model_copy(update={"actions": None}) for claim in all_claims()])
    results.finalise_due(board, files)
    again = get(board, view)
    assert (again.state, again.trust) == ("scored", "self-reported")
    assert "nothing was replayed" in again.reason


def test_a_failed_reproduction_takes_nothing_from_the_score(board, files):
    view = submit(board, files)
    work(board, files, jobs=JOBS)
    for _ in range(5):
        offer = lease(board, files)
        end = Finish(lease=offer.lease, failure="no memory")
        board.run(lambda session, o=offer, end=end: queue.finish(session, o.id, end))
    assert [e.state for e in evaluations(board, view)] == ["scored", "failed"]
    assert (get(board, view).state, get(board, view).trust) == ("scored", "verified")
