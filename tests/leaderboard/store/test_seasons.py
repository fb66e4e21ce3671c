import stat
import threading

import pytest
from boards import JOBS, count, open_board, submit, work

from envsuite.errors import InvalidArgument, NotAllowed, StoreUnavailable, UnknownName
from envsuite.leaderboard.seeds import commitment
from envsuite.leaderboard.store import details, ledger, seasons, submissions
from envsuite.leaderboard.store.files import Files


def test_the_commitment_before_and_the_secret_after(database, files):
    with database.session() as session:
        opened = seasons.open_season(session, files, "2027-spring")
        secret = seasons.secret_of(session, files, "2027-spring")
    assert opened.commitment == commitment(secret)
    assert opened.secret is None
    with database.session() as session:
        assert seasons.current(session) == opened
        closed = seasons.close_season(session, files, "2027-spring")
        assert closed.secret == secret.hex()
        assert seasons.close_season(session, files, "2027-spring") == closed
        assert seasons.current(session) is None
        assert seasons.list_seasons(session) == [closed]
        assert [entry.kind for entry in ledger.entries(session)] == ["season-opened", "season-closed"]


def test_the_secret_lies_in_a_file_for_the_server_alone(database, files):
    with database.session() as session:
        seasons.open_season(session, files, "s1")
    path = files.keys / "season-s1.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.keys.stat().st_mode) == 0o700
    assert Files(files.folder).secret("s1") == bytes.fromhex(path.read_text())
    path.write_text("no secret")
    with pytest.raises(StoreUnavailable, match="restore"):
        files.secret("s1")


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "x" * 81, "a b", ".a"])
def test_names_of_seasons_are_names_of_files(database, files, name):
    with pytest.raises(InvalidArgument, match="season: expected"), database.session() as session:
        seasons.open_season(session, files, name)


def test_one_season_is_open_at_a_time_and_no_name_is_used_twice(database, files):
    with database.session() as session:
        seasons.open_season(session, files, "s1")
    with pytest.raises(NotAllowed, match="s1 is open"), database.session() as session:
        seasons.open_season(session, files, "s2")
    with database.session() as session:
        seasons.close_season(session, files, "s1")
    with pytest.raises(NotAllowed, match="s1"), database.session() as session:
        seasons.open_season(session, files, "s1")
    with pytest.raises(UnknownName, match="there are: s1"), database.session() as session:
        seasons.close_season(session, files, "s3")


def test_two_openings_at_once_make_one_season(database, files):
    outcomes = []

    def open_one(name):
        try:
            outcomes.append(database.run(lambda session: seasons.open_season(session, files, name)).name)
        except NotAllowed:
            outcomes.append(None)

    threads = [threading.Thread(target=open_one, args=(f"s{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(None) == 3
    assert count(database, "seasons") == count(database, "ledger") == 1


def test_an_opening_that_was_rolled_back_can_be_repeated(database, files):
    def stop_half_way(session):
        seasons.open_season(session, files, "s1")
        raise KeyError

    with pytest.raises(KeyError):
        database.run(stop_half_way)
    assert count(database, "seasons") == 0
    with database.session() as session:
        opened = seasons.open_season(session, files, "s1")
        assert opened.commitment == commitment(files.secret("s1"))


def test_a_busy_season_can_be_drained_and_closed(database, files):
    open_board(database, files, ["ada", "bob"])
    earlier = submit(database, files, user="bob")
    work(database, files, jobs=JOBS)
    first = submit(database, files)
    with database.session() as session:
        assert [one.kind for one in details.evaluations(session, earlier.id)] == ["verify", "reproduce"]
        seasons.drain_season(session, "s1")
        assert [one.state for one in details.evaluations(session, earlier.id)] == ["scored", "cancelled"]
    with pytest.raises(NotAllowed, match="s1 is about to close"):
        submit(database, files, user="bob")
    work(database, files)
    with database.session() as session:
        assert submissions.get(session, first.id).state == "scored"
        assert [one.kind for one in details.evaluations(session, first.id)] == ["verify"]
        assert seasons.close_season(session, files, "s1").secret
        assert not seasons.open_season(session, files, "s2").closed_at
    assert submit(database, files, user="bob").state == "queued"


def test_a_season_is_not_closed_while_its_seeds_are_played(database, files):
    open_board(database, files)
    submission = submit(database, files)
    for jobs in (0, 1):
        work(database, files, jobs=jobs)
        with pytest.raises(NotAllowed, match="1 evaluations of s1 wait or run"), database.session() as session:
            seasons.close_season(session, files, "s1")
    with database.session() as session:
        submissions.cancel(session, submission.id)
        assert seasons.close_season(session, files, "s1").secret
    with pytest.raises(NotAllowed, match="none is open"):
        submit(database, files)
