import pytest
from boards import jump, lease, open_board, pass_time, submit
from sqlalchemy import text

from envsuite.leaderboard.store import queue
from envsuite.leaderboard.store.clock import STEP_S, peek, ticks


def now(database) -> float:
    with database.session() as session:
        return ticks(session)


def test_time_goes_on_with_the_wall(database):
    first = now(database)
    jump(database, 3)
    assert now(database) - first == pytest.approx(3, abs=1)
    with database.read() as session:
        assert peek(session) == pytest.approx(first + 3, abs=1)


def test_a_jump_forward_is_a_small_step(database):
    first = now(database)
    jump(database, 3600)
    assert now(database) - first == pytest.approx(STEP_S, abs=1)


def test_a_jump_back_is_no_step_at_all_and_time_goes_on_from_there(database):
    first = now(database)
    jump(database, -3600)
    second = now(database)
    assert 0 <= second - first < 1
    jump(database, 3)
    assert now(database) - second == pytest.approx(3, abs=1)


def test_two_looks_at_once_count_the_same_seconds_once(database):
    first = now(database)
    jump(database, 5)
    with database.read() as other:
        assert peek(other) == pytest.approx(first, abs=0.5)
        second = now(database)
    assert now(database) - second < 1
    assert second - first == pytest.approx(5, abs=1)


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_a_lease_outlives_a_jump_of_the_clock(database, files, seconds):
    open_board(database, files)
    submit(database, files)
    offer = lease(database, files)
    jump(database, seconds)
    other = lease(database, files, "w2")
    assert other.id != offer.id
    with database.session() as session:
        assert queue.heartbeat(session, offer.id, offer.lease) == queue.LEASE_S


def test_a_dead_workers_lease_ends_also_after_the_clock_was_set_back(database, files):
    open_board(database, files)
    submit(database, files)
    offer = lease(database, files)
    jump(database, -7200)
    now(database)
    for _ in range(6):
        jump(database, 14)  # six polls of other workers, 14 seconds apart
        now(database)
    assert lease(database, files, "w2").id == offer.id


def test_the_clock_is_one_row(database):
    pass_time(database, 1)
    with pytest.raises(Exception, match=r"(?i)constraint"), database.session() as session:
        session.execute(text("INSERT INTO queue_clock (number, ticks, wall) VALUES (2, 0, 0)"))
