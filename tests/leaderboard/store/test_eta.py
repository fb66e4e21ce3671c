import pytest

from envsuite.leaderboard.store import eta


def test_accounts_take_turns_and_who_was_served_longest_ago_comes_first():
    ada, bob, eve = 1, 2, 3
    assert eta.served([]) == []
    assert eta.served([(10, ada, 0), (11, ada, 0), (12, bob, 0), (13, eve, 0)]) == [10, 12, 13, 11]
    assert eta.served([(10, ada, 7), (11, bob, 3), (12, ada, 7), (13, bob, 3)]) == [11, 10, 13, 12]
    assert eta.served([(number, ada, 1) for number in range(5)]) == list(range(5))


def test_the_newest_job_counts_most(database):
    for seconds in (10.0, 20.0, 20.0):
        with database.session() as session:
            eta.measure(session, "envsuite/x-y-v1", seconds)
    with database.read() as session:
        from envsuite.leaderboard.store.models import SpeedRow

        row = session.get(SpeedRow, "envsuite/x-y-v1")
    assert row.jobs == 3
    assert row.seconds == pytest.approx(10 + 3 + 0.3 * 7)
