"""A board with entries in every state, its pages as elements and text: fixtures for the modules that import them."""

import contextlib
from html.parser import HTMLParser

import pytest
from board_filling import AGENTS, HOSTILE, Agent, Board, submit_hostile

from envsuite.leaderboard import static_export
from envsuite.leaderboard.relinked import VOID


class Page(HTMLParser):
    """Elements and text of a page; checks that every element is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def shown(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [own for name, own in self.elements if name == tag]


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
