import threading

import numpy as np
import pytest

from envsuite import crew
from envsuite.crew import Crew, cores

NONE = np.zeros(0, np.int64)


def shared(count, threads, long=NONE):
    """Returns the rows in the order they were worked on, and the numbers of the threads that took them."""
    lock, rows, numbers = threading.Lock(), [], set()

    def work(number, part):
        with lock:
            rows.extend(part.tolist())
            numbers.add(number)

    team = Crew(threads, count, "toy")
    try:
        short = np.setdiff1d(np.arange(count), long)
        team.begin(work, long, short)
        team.finish()
    finally:
        team.close()
    return rows, numbers, team.size


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 100])
def test_every_row_is_worked_on_once(threads, count):
    rows, numbers, size = shared(count, threads)
    assert sorted(rows) == list(range(count))
    assert numbers <= set(range(size))


def test_long_rows_come_first_and_alone():
    parts = []
    team = Crew(1, 20, "toy")
    team.begin(lambda number, part: parts.append(part.tolist()), np.array([5, 9]), np.array([0, 1]))
    team.finish()
    assert parts == [[5, 9, 0, 1]]
    rows, _, _ = shared(40, 2, np.array([30, 31]))
    assert sorted(rows) == list(range(40))


def test_few_rows_get_no_second_thread():
    assert Crew(4, crew.SERIAL_ROWS, "toy").size == 1
    assert Crew(4, 2 * crew.SERIAL_ROWS, "toy").size == 2
    assert Crew(None, 1000, "toy").size == cores()


def test_what_a_thread_raises_is_raised():
    def work(number, part):
        raise ZeroDivisionError

    team = Crew(2, 32, "toy")
    team.begin(work, NONE, np.arange(32))
    with pytest.raises(ZeroDivisionError):
        team.finish()
    team.close()
    team.close()


def test_parts_become_smaller():
    sizes = [len(part) for part in crew._shrinking(np.arange(100), 2)]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == 100
    assert sizes[-1] <= crew.LEAST_ROWS
