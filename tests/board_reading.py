"""A board with entries in every state, its pages as elements and text: fixtures for the modules that import them."""

import contextlib

import pytest
from board_filling import AGENTS, HOSTILE, Agent, Board, submit_hostile
from html_page import Page

from envsuite.leaderboard import static_export


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A board with scored agents, a hostile one among them, one that runs, one that waits, one that is rejected."""
    home = tmp_path_factory.mktemp("board")
    with contextlib.closing(Board(home)) as board:
        board.open_season("2026-autumn")
        for agent in (AGENTS[0], *AGENTS[2:3], AGENTS[5], AGENTS[6]):
            board.submit(agent)
        submit_hostile(board)
        board.work()
        board.submit(Agent(name="half-way", user="alan", learned=True, runs=5))
        board.work(2, log=HOSTILE)
        board.submit(Agent(name="waiting", user="alan"))
        board.reject(board.submit(Agent(name="rejected", user="ada")), HOSTILE)
        yield board


@pytest.fixture(scope="module")
def fetch(board):
    with static_export.local(board.home) as fetch:
        yield fetch


@pytest.fixture
def get(fetch):
    def get(address, status=200):
        answer = fetch(address)
        assert answer.status == status, answer.content[:300]
        assert answer.content_type == "text/html; charset=utf-8"
        return Page(answer.content.decode())

    return get
