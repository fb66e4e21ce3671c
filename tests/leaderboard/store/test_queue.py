import pytest
from boards import EPISODES, JOBS, SAFE, count, episode, lease, open_board, pass_time, play, submit, work
from sqlalchemy import text

from envsuite.errors import InvalidArgument, LeaseLost, NotAllowed, UnknownName
from envsuite.leaderboard.schemas import Finish, Report
from envsuite.leaderboard.store import details, queue, seasons, submissions
from envsuite.leaderboard.store.losses import MAX_ATTEMPTS, MAX_BROKEN_OFF


@pytest.fixture
def board(database, files):
    """The database of a board with a submission of `JOBS` jobs of 4 episodes."""
    open_board(database, files)
    submit(database, files)
    return database


def report(database, files, offer, **fields):
    return database.run(lambda session: queue.report(session, files, offer.id, play(offer, **fields)))


def finish(database, offer, **fields):
    end = Finish(lease=offer.lease, sandbox=SAFE, **fields)
    return database.run(lambda session: queue.finish(session, offer.id, end))


def only(database):
    with database.read() as session:
        return submissions.list_submissions(session)[-1]


def test_every_job_is_leased_once(board, files):
    offers = [lease(board, files, f"w{i % 3}") for i in range(JOBS)]
    assert len({(offer.id, offer.lease) for offer in offers}) == JOBS
    assert lease(board, files) is None
    assert only(board).state == "running"
    assert only(board).place is None
    assert only(board).started_at is not None


def test_a_report_is_recorded_once_however_often_it_is_sent(board, files):
    offer = lease(board, files)
    assert report(board, files, offer) == (4, 0)
    assert report(board, files, offer) == (0, 4)
    assert report(board, files, offer, trajectory="f" * 32) == (0, 4)
    assert count(board, "episodes") == 4
    assert count(board, "episodes", "trajectory = '" + "f" * 32 + "'") == 0
    assert not finish(board, offer)
    assert not finish(board, offer)
    assert report(board, files, offer) == (0, 4)
    assert only(board).episodes_done == 4


def test_actions_lie_on_the_disk_before_the_row_that_names_them(board, files):
    offer = lease(board, files)
    report(board, files, offer)
    with board.read() as session:
        rows = session.execute(text("SELECT seed_index, actions_sha256 FROM episodes")).all()
    assert {index: files.blobs.get_json(sha256) for index, sha256 in rows} == play(offer).actions


def test_episodes_keep_every_bit_also_of_odd_numbers(board, files):
    offer = lease(board, files)
    odd = {
        "return_": 0.1 + 0.2,
        "metrics": {"a": float("nan"), "b": float("inf"), "c": 1e-320},
        "error": "nul \0 \ud800",
    }
    report(board, files, offer, **odd)
    with board.read() as session:
        record = session.execute(text("SELECT record FROM episodes")).first()[0]
    import json

    kept = json.loads(record)
    assert kept["return"] == 0.1 + 0.2
    assert kept["error"] == "nul \0 \ud800"
    assert str(kept["metrics"]) == "{'a': nan, 'b': inf, 'c': 1e-320}"


@pytest.mark.parametrize("fields", [{"run": 1}, {"task_id": "envsuite/crafter-reward-v2"}, {"seed_index": 4}])
def test_episodes_of_another_job_are_refused_and_none_is_kept(board, files, fields):
    offer = lease(board, files)
    good = episode(offer.task_id, offer.starts[0].seed_index)
    bad = {**good, **fields}
    with pytest.raises(InvalidArgument, match="episodes: expected"), board.session() as session:
        queue.report(session, files, offer.id, Report(lease=offer.lease, episodes=[good, bad]))
    assert count(board, "episodes") == 0


def test_a_job_that_is_not_there_and_a_lease_that_is_wrong_are_refused(board, files):
    offer = lease(board, files)
    with pytest.raises(UnknownName, match="unknown job"), board.session() as session:
        queue.heartbeat(session, "nonsense", offer.lease)
    for wrong in ("", "x" * 32, "\ud800"):
        with pytest.raises(LeaseLost, match="this lease has ended"), board.session() as session:
            queue.heartbeat(session, offer.id, wrong)


def test_a_heartbeat_keeps_the_lease(board, files):
    offer = lease(board, files)
    for _ in range(5):
        pass_time(board, queue.LEASE_S * 0.9)
        with board.session() as session:
            queue.heartbeat(session, offer.id, offer.lease)
    assert lease(board, files, "w2").id != offer.id


def test_a_lost_job_is_taken_up_again_and_its_old_lease_is_fenced_off(board, files):
    offer = lease(board, files)
    report(board, files, offer.model_copy(update={"starts": offer.starts[:1]}))
    pass_time(board, queue.LEASE_S + 1)
    again = lease(board, files, "w2")
    assert again.id == offer.id
    assert again.lease != offer.lease
    assert again.recorded == [offer.starts[0].seed_index]
    for call in (
        lambda: report(board, files, offer),
        lambda: finish(board, offer),
    ):
        with pytest.raises(LeaseLost, match="leave it, lease another one"):
            call()
    assert report(board, files, again) == (3, 1)
    finish(board, again)
    assert count(board, "episodes") == 4


def test_the_last_word_of_a_slow_worker_counts_while_nobody_else_has_the_job(board, files):
    offer = lease(board, files)
    pass_time(board, queue.LEASE_S + 1)
    assert report(board, files, offer) == (4, 0)
    assert not finish(board, offer)


def test_after_too_many_lost_leases_the_evaluation_fails_with_the_reason(board, files):
    first = lease(board, files, "w0")
    for number in range(MAX_ATTEMPTS - 1):
        pass_time(board, queue.LEASE_S + 1)
        assert lease(board, files, f"w{number + 1}").id == first.id
    assert only(board).state == "running"
    pass_time(board, queue.LEASE_S + 1)
    assert lease(board, files) is None
    view = only(board)
    assert view.state == "failed"
    assert f"{MAX_ATTEMPTS} leases in a row gave no new episode; last: worker w4 was not heard of" in view.reason
    assert first.task_id in view.reason


def test_a_lease_that_brought_an_episode_is_no_lost_attempt(board, files):
    for number in range(MAX_ATTEMPTS + 2):
        offer = lease(board, files)
        if number < 4:
            report(board, files, offer.model_copy(update={"starts": offer.starts[: number + 1]}))
        pass_time(board, queue.LEASE_S + 1)
    assert only(board).state == "running"


def test_a_job_that_is_given_back_waits_again_with_the_reason(board, files):
    for number in range(MAX_ATTEMPTS):
        offer = lease(board, files)
        assert not finish(board, offer, failure=f"no memory ({number})", log_tail="Traceback")
    assert only(board).state == "failed"
    assert "last: no memory (4)" in only(board).reason


def test_a_job_without_all_its_episodes_is_not_done(board, files):
    offer = lease(board, files)
    report(board, files, offer.model_copy(update={"starts": offer.starts[:3]}))
    assert not finish(board, offer)
    assert lease(board, files).id == offer.id
    assert count(board, "jobs", "state = 'done'") == 0


def test_a_rejection_ends_the_submission(board, files):
    offer, other = lease(board, files), lease(board, files, "w2")
    assert not finish(board, offer, rejected="agent.py:3: no module named torch")
    view = only(board)
    assert (view.state, view.reason) == ("rejected", "agent.py:3: no module named torch")
    with pytest.raises(LeaseLost, match="its evaluation is rejected"):
        report(board, files, other)
    assert lease(board, files) is None


def test_what_the_environment_broke_off_is_kept_aside_and_played_again(board, files):
    offer = lease(board, files)
    broken = episode(offer.task_id, offer.starts[0].seed_index, outcome="env_error", error="Segfault")
    rest = play(offer.model_copy(update={"starts": offer.starts[1:]}))
    for _ in range(2):
        with board.session() as session:
            queue.report(session, files, offer.id, Report(lease=offer.lease, episodes=[broken, *rest.episodes]))
    assert not finish(board, offer)
    again = lease(board, files)
    assert again.id == offer.id
    assert report(board, files, again) == (1, 3)
    finish(board, again)
    assert count(board, "broken_off") == 1
    assert count(board, "episodes") == 4
    assert count(board, "jobs", "attempts = 0 AND state = 'done'") == 1


def test_an_environment_that_breaks_off_every_time_fails_the_evaluation(board, files):
    for _ in range(MAX_BROKEN_OFF):
        offer = lease(board, files)
        report(board, files, offer, outcome="env_error", error="Traceback\nEGLError: no display")
        finish(board, offer)
    view = only(board)
    assert view.state == "failed"
    assert "the environment broke off" in view.reason
    assert "3 times: EGLError: no display" in view.reason


def test_what_has_failed_goes_on_where_it_stopped_when_an_admin_says_so(board, files):
    view = only(board)
    with pytest.raises(NotAllowed, match="nothing of"), board.session() as session:
        queue.requeue(session, view.id)
    work(board, files, jobs=3)
    for _ in range(MAX_BROKEN_OFF):
        offer = lease(board, files)
        report(board, files, offer, outcome="env_error", error="EGLError")
        finish(board, offer)
    assert only(board).state == "failed"
    with board.session() as session:
        queue.requeue(session, view.id)
    assert only(board).state == "queued"
    work(board, files)
    assert only(board).state == "scored"
    with board.read() as session:
        assert details.evaluations(session, view.id)[0].episodes_done == EPISODES


def test_what_has_failed_cannot_go_on_when_its_seeds_are_public(board, files):
    view = only(board)
    for _ in range(MAX_BROKEN_OFF):
        offer = lease(board, files)
        report(board, files, offer, outcome="env_error", error="EGLError")
        finish(board, offer)
    with board.session() as session:
        seasons.close_season(session, files, "s1")
    with pytest.raises(NotAllowed, match="season s1 has closed and its seeds are public"), board.session() as session:
        queue.requeue(session, view.id)
    assert only(board).state == "failed"


def test_no_job_is_done_before_all_are_and_then_the_last_finish_tells(board, files):
    offers = [lease(board, files, f"w{i}") for i in range(JOBS)]
    for offer in offers:
        report(board, files, offer)
    assert [finish(board, offer) for offer in offers] == [False] * (JOBS - 1) + [True]
    assert finish(board, offers[-1])


def test_accounts_take_turns_and_each_has_one_running_evaluation(database, files):
    open_board(database, files, ["ada", "bob", "eve"])
    mine = [submit(database, files, "ada") for _ in range(3)]
    bobs, eves = submit(database, files, "bob"), submit(database, files, "eve")
    order = []
    while (offer := lease(database, files)) is not None:
        if offer.kind == "verify" and offer.submission not in order:
            order.append(offer.submission)
        assert count(database, "evaluations", "state = 'running'") <= 3
        with database.session() as session:
            submissions.cancel(session, offer.submission)
    assert order == [mine[0].id, bobs.id, eves.id, mine[1].id, mine[2].id]


def test_the_oldest_evaluation_that_runs_is_served_first(database, files):
    open_board(database, files, ["ada", "bob"])
    first, second = submit(database, files, "ada"), submit(database, files, "bob")
    offers = [lease(database, files, f"w{i}") for i in range(JOBS + 2)]
    assert [offer.submission for offer in offers] == [first.id] * JOBS + [second.id] * 2


def test_place_and_time_come_from_measured_jobs(database, files):
    open_board(database, files, ["ada", "bob", "eve"])
    for user in ("ada", "ada", "bob", "eve"):
        submit(database, files, user)
    with database.session() as session:
        session.execute(text("INSERT INTO speeds (task_id, seconds, jobs) VALUES ('envsuite/x-y-v1', 2.0, 5)"))
    lease(database, files, "w1")
    whole_s = 2 * EPISODES  # by one worker; a second one halves it
    with database.read() as session:
        views = {view.name: view for view in submissions.list_submissions(session)}
    ordered = sorted(views.values(), key=lambda view: view.created_at)
    assert [view.place for view in ordered] == [None, 3, 1, 2]
    assert [view.eta_s for view in ordered] == [whole_s, 4 * whole_s, 2 * whole_s, 3 * whole_s]
    lease(database, files, "w2")
    with database.read() as session:
        assert submissions.get(session, ordered[0].id).eta_s == whole_s / 2


def test_speeds_are_measured_when_jobs_end(board, files):
    offer = lease(board, files)
    report(board, files, offer)
    pass_time(board, 40)
    finish(board, offer)
    with board.read() as session:
        seconds = session.execute(text("SELECT seconds FROM speeds")).scalar_one()
    assert seconds == pytest.approx(10, abs=0.5)
