"""Workers that ask, report and lose at the same moment."""

import threading
from collections.abc import Callable

from boards import JOBS, count, lease, open_board, pass_time, play, submit

from envsuite.errors import LeaseLost
from envsuite.leaderboard.schemas import Finish, Report
from envsuite.leaderboard.store import queue


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Returns what the calls return, or the errors they raise, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[object] = [None] * len(calls)

    def run(position: int, call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            outcomes[position] = call()
        except Exception as error:  # noqa: BLE001  # the tests look at it
            outcomes[position] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_one_job_goes_to_one_of_many_workers(database, files):
    open_board(database, files)
    submit(database, files)
    last = [lease(database, files) for _ in range(JOBS)][-1]
    pass_time(database, queue.LEASE_S / 2)
    assert lease(database, files) is None
    with database.session() as session:
        queue.finish(session, last.id, Finish(lease=last.lease, failure="restart"))
    offers = at_once(*(lambda i=i: lease(database, files, f"w{i}") for i in range(10)))
    given = [offer for offer in offers if offer is not None]
    assert [offer.id for offer in given] == [last.id]
    assert count(database, "jobs", "state = 'leased'") == JOBS


def test_many_jobs_go_to_many_workers_each_once(database, files):
    open_board(database, files, [f"user {i}" for i in range(3)])
    for number in range(3):
        submit(database, files, f"user {number}")
    offers = at_once(*(lambda i=i: lease(database, files, f"w{i}") for i in range(3 * JOBS)))
    assert all(not isinstance(offer, Exception) for offer in offers), offers
    ids = [offer.id for offer in offers if offer is not None]
    assert len(ids) == len(set(ids)) == 3 * JOBS
    assert count(database, "evaluations", "state = 'running'") == 3


def test_an_account_never_has_two_running_evaluations(database, files):
    open_board(database, files)
    for _ in range(4):
        submit(database, files)
    offers = at_once(*(lambda i=i: lease(database, files, f"w{i}") for i in range(JOBS + 4)))
    assert all(not isinstance(offer, Exception) for offer in offers), offers
    assert sum(offer is not None for offer in offers) == JOBS
    assert count(database, "evaluations", "state = 'running'") == 1


def test_one_report_sent_many_times_at_once_is_recorded_once(database, files):
    open_board(database, files)
    submit(database, files)
    offer = lease(database, files)
    acks = at_once(
        *(lambda: database.run(lambda session: queue.report(session, files, offer.id, play(offer))) for _ in range(8))
    )
    assert sorted(acks) == [(0, 4)] * 7 + [(4, 0)]
    assert count(database, "episodes") == 4


def test_a_slow_worker_and_its_successor_record_every_episode_once(database, files):
    open_board(database, files)
    submit(database, files)
    slow = lease(database, files)
    pass_time(database, queue.LEASE_S + 1)

    def send(report: Report) -> object:
        return database.run(lambda session: queue.report(session, files, slow.id, report))

    successor, ack = at_once(lambda: lease(database, files, "w2"), lambda: send(play(slow)))
    if successor is not None and successor.id == slow.id:
        again = send(play(successor))
        assert (isinstance(ack, LeaseLost) and again == (4, 0)) or (ack == (4, 0) and again == (0, 4))
    else:  # the report came first, and counted as a word of the worker
        assert ack == (4, 0)
    assert count(database, "episodes") == 4
