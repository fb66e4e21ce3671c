import threading

import pytest
from boards import EPISODES, JOBS, count, lease, manifest, open_board, play, sha256, submit, work
from sqlalchemy import text

from envsuite.errors import LeaseLost, NotAllowed, UnknownName
from envsuite.leaderboard.schemas import Finish
from envsuite.leaderboard.store import queue, seasons, submissions, users


def test_a_submission_waits_with_its_place(database, files):
    open_board(database, files)
    view = submit(database, files, name="walker", description="<b>walks</b>")
    assert (view.state, view.trust, view.place, view.eta_s) == ("queued", None, 1, None)
    assert (view.episodes_done, view.episodes_total) == (0, EPISODES)
    assert view.declared["description"] == "<b>walks</b>"
    assert view.season == "s1"
    with database.read() as session:
        assert submissions.get(session, view.id) == view
        with pytest.raises(UnknownName, match="unknown submission"):
            submissions.get(session, "nonsense")


def test_an_upload_that_is_repeated_gives_the_same_submission(database, files):
    open_board(database, files, ["ada", "bob"])
    with database.session() as session:
        first = submissions.add(session, "ada", manifest(), sha256(1))
        assert submissions.add(session, "ada", manifest(), sha256(1)).id == first.id
        assert submissions.add(session, "bob", manifest(), sha256(1)).id != first.id
        assert submissions.add(session, "ada", manifest(), sha256(2)).id != first.id
        submissions.set_state(session, first.id, "rejected", "no")
        assert submissions.add(session, "ada", manifest(), sha256(1)).id != first.id


def test_uploads_are_counted_per_account_and_day(database, files):
    open_board(database, files, ["ada", "bob"])
    for number in range(5):
        submit(database, files, name=f"agent-{number}x")
    with pytest.raises(NotAllowed, match="ada has had 5 in 24 hours"):
        submit(database, files)
    submit(database, files, "bob")
    with database.session() as session:
        assert submissions.uploads_today(session, "ada") == 5
        session.execute(text("UPDATE submissions SET created_at = '2001-01-01 00:00:00.000000'"))
        assert submissions.uploads_today(session, "ada") == 0
    submit(database, files)


def test_uploads_at_once_do_not_slip_under_the_limit(database, files):
    open_board(database, files)
    refused = []

    def upload(number):
        try:
            database.run(lambda session: submissions.add(session, "ada", manifest(), sha256(number), per_day=3))
        except NotAllowed:
            refused.append(number)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    assert count(database, "submissions") == 3


def test_a_disabled_account_uploads_nothing(database, files):
    open_board(database, files)
    with database.session() as session:
        users.disable_user(session, "ada")
    with pytest.raises(NotAllowed, match="disabled"):
        submit(database, files)


def test_what_was_cancelled_is_not_leased_and_its_reports_are_refused(database, files):
    open_board(database, files)
    view = submit(database, files)
    offer = lease(database, files)
    with database.session() as session:
        cancelled = submissions.cancel(session, view.id)
        assert submissions.cancel(session, view.id) == cancelled
    assert (cancelled.state, cancelled.reason) == ("cancelled", "cancelled by its submitter")
    assert cancelled.finished_at is not None
    assert lease(database, files) is None
    for call in (
        lambda session: queue.report(session, files, offer.id, play(offer)),
        lambda session: queue.heartbeat(session, offer.id, offer.lease),
        lambda session: queue.finish(session, offer.id, Finish(lease=offer.lease)),
    ):
        with pytest.raises(LeaseLost, match="its evaluation is cancelled"):
            database.run(call)
    assert count(database, "episodes") == 0


def test_what_has_ended_cannot_be_cancelled(database, files):
    open_board(database, files)
    view = submit(database, files)
    work(database, files)
    with pytest.raises(NotAllowed, match="is scored"), database.session() as session:
        submissions.cancel(session, view.id)


def test_lists_are_filtered_newest_first_in_pages(database, files):
    open_board(database, files, ["ada", "bob"])
    first, second = submit(database, files), submit(database, files)
    third = submit(database, files, "bob", suite="core-v1")
    work(database, files, jobs=JOBS)
    with database.read() as session:

        def listed(**filters):
            return [view.id for view in submissions.list_submissions(session, **filters)]

        assert listed() == [third.id, second.id, first.id]
        assert listed(user="ada") == [second.id, first.id]
        assert listed(suite="core-v1") == listed(user="bob") == [third.id]
        assert listed(state="scored") == listed(trust="verified") == [first.id]
        assert listed(page=2, per_page=2) == [first.id]
        assert submissions.list_submissions(session)[-1].score is None
        assert submissions.get(session, first.id).score["suite"] == "quick-v1"
        assert submissions.count_submissions(session) == {"queued": 2, "scored": 1}


def test_the_log_is_its_owners(database, files):
    open_board(database, files)
    view = submit(database, files)
    offer = lease(database, files)
    start = "x" * 5000 + "\0 \ud800 end"
    with database.session() as session:
        told = Finish(lease=offer.lease, failure="no memory", log_start=start, log_tail=start + "observed")
        queue.finish(session, offer.id, told)
        own = submissions.get(session, view.id, for_owner=True)
        assert len(own.log_tail) == 4096
        assert own.log_tail.endswith("end"), "what it printed of held-out observations waits for the season's close"
        assert submissions.get(session, view.id).log_tail == ""
        submissions.cancel(session, view.id)
        seasons.close_season(session, files, "s1")
        assert submissions.get(session, view.id, for_owner=True).log_tail.endswith("observed")
        assert submissions.get(session, view.id).log_tail == ""


def test_an_agent_that_fails_without_a_word_is_explained_to_its_owner(database, files):
    open_board(database, files)
    view = submit(database, files)
    offer = lease(database, files)
    with database.session() as session:
        queue.finish(
            session, offer.id, Finish(lease=offer.lease, failure="stopped", log_start="ValueError: no weights")
        )
        assert submissions.get(session, view.id, for_owner=True).log_tail == "ValueError: no weights"


def test_odd_text_in_every_field_is_kept_as_text(database, files):
    open_board(database, files)
    odd = "<script>alert(1)</script> '; DROP TABLE users; -- {{ 7*7 }}"
    view = submit(database, files, authors=[odd[:90]], hardware=odd, description=odd)
    with database.read() as session:
        again = submissions.get(session, view.id)
    assert again.authors == [odd[:90]]
    assert again.declared["hardware"] == again.declared["description"] == odd
    with database.session() as session:
        assert submissions.set_state(session, view.id, "failed", "nul \0, half \ud800").reason.isprintable()
