"""The desk: uploads of one account come one by one, and their checks take no thread that serves anything else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from servers import Board, archive, private_suites, wait_for

from envsuite.leaderboard.service import desk, submissions_api
from envsuite.leaderboard.service.desk import AT_ONCE, UNDER_WAY, Desk
from envsuite.leaderboard.service.errors import Refused

__all__ = ["private_suites"]


def test_an_account_has_one_turn_at_a_time():
    place = Desk()
    with place.turn("ada"), place.turn("bob"):
        with pytest.raises(Refused) as refused, place.turn("ada"):
            pass
        assert (refused.value.status_code, refused.value.headers["Retry-After"]) == (429, "2")
    with place.turn("ada"):
        pass


def test_a_crowd_is_sent_away(monkeypatch):
    monkeypatch.setattr(desk, "UNDER_WAY", 2)
    place = Desk()
    with place.turn("ada"), place.turn("bob"), pytest.raises(Refused) as refused, place.turn("eve"):
        pass
    assert refused.value.status_code == 503
    assert UNDER_WAY > 2


def test_few_are_checked_at_once():
    running, most = 0, 0
    lock = threading.Lock()

    def work(number):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with lock:
            running -= 1
        return number

    async def crowd():
        place = Desk()
        done = []

        async def one(number):
            done.append(await place.check(work, number))

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(one, number)
        return done

    assert sorted(anyio.run(crowd)) == list(range(8))
    assert most == AT_ONCE


def test_the_board_goes_on_serving_while_many_uploads_are_checked(tmp_path, monkeypatch):
    """With checks in the threads of the requests, forty uploads of slow archives stopped every page."""
    release, begun = threading.Event(), []
    take = submissions_api._take_bundle

    def slow(*arguments):
        begun.append(1)
        release.wait(60)
        return take(*arguments)

    monkeypatch.setattr(submissions_api, "_take_bundle", slow)
    with Board(tmp_path / "home", {"address_rate": 1e9, "address_burst": 1e9}) as board:
        content = archive(tmp_path / "bundle")
        tokens = [board.token(f"account {number}") for number in range(45)]
        with ThreadPoolExecutor(len(tokens)) as pool:
            answers = [pool.submit(board.submit, token, content) for token in tokens]
            try:
                wait_for(lambda: len(begun) == AT_ONCE and len(board.site.desk._accounts) == len(tokens), 30)
                assert board.http.get("/rules", timeout=5).status_code == 200
                assert board.ask("GET", "rules", timeout=5).status_code == 200
                assert board.submit(tokens[0], content).status_code == 429
                assert len(begun) == AT_ONCE
            finally:
                release.set()
            assert [answer.result().status_code for answer in answers] == [201] * len(tokens)
