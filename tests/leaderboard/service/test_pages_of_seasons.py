"""Pages of a board with two seasons: which is which, twins told apart, ranks that are shared, agents that fail."""

import contextlib

import pytest

pytest.importorskip("fastapi")

from board_filling import Agent, Board
from board_reading import fetch, get
from boards import JOBS

from envsuite.leaderboard.service.views import labels, row_labels, shared_ranks
from envsuite.leaderboard.store import standings

__all__ = ["fetch", "get"]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A closed season with twins and an agent that always crashes; in the open one, a crashing agent again."""
    with contextlib.closing(Board(tmp_path_factory.mktemp("board"), seed=1)) as board:
        board.open_season("2026-summer")
        board.twins = [board.submit(Agent(name="twin", user=user, skill=0.6)) for user in ("ada", "bob")]
        board.submit(Agent(name="broken", failing=1.0))
        board.work()
        board.close_season("2026-summer")
        board.open_season("2026-autumn")
        board.submit(Agent(name="broken-again", failing=1.0))
        board.submit(Agent(name="better", user="bob", skill=1.0))
        board.work()
        yield board


@pytest.fixture(scope="module")
def rows(board):
    with board.db.read() as session:
        return standings.board(session, "quick-v1").rows


def test_every_row_names_its_season_and_the_head_the_open_one(board, get):
    page = get("/boards/quick-v1")
    assert "open season: 2026-autumn" in page.shown
    assert page.shown.count("· season 2026-summer") == 3
    assert page.shown.count("· season 2026-autumn") == 2
    assert page.shown.index("better") < page.shown.index("· season 2026-autumn") < page.shown.index("twin")


def test_without_an_open_season_the_head_says_so(tmp_path):
    from html_page import Page

    from envsuite.leaderboard import static_export

    with contextlib.closing(Board(tmp_path)), static_export.local(tmp_path) as fetch:
        assert "no season is open" in Page(fetch("/boards/quick-v1").content.decode()).shown


def test_twins_are_told_apart_where_one_is_chosen(board, get):
    names = [f"twin 1.0.0 ({identity[:6]})" for identity in board.twins]
    page = get("/boards/quick-v1")
    assert all(page.shown.count(name) == 2 for name in names), "in both lists of the form"
    assert "better 1.0.0 (" not in page.shown
    other = get(f"/submissions/{board.ids['better']}").shown
    assert all(f"with {name}" in other for name in names)
    own = get(f"/submissions/{board.twins[0]}").shown
    assert f"with {names[1]}" in own, "it has the name of the page's own agent"
    assert "with better 1.0.0" in own


def test_labels_have_ids_where_nothing_else_tells_apart():
    assert labels([("a" * 16, "x", "1"), ("b" * 16, "x", "2")]) == {"a" * 16: "x 1", "b" * 16: "x 2"}
    assert labels([("a" * 16, "x", "1"), ("b" * 16, "x", "1"), ("c", "y", "1")]) == {
        "a" * 16: "x 1 (aaaaaa)",
        "b" * 16: "x 1 (bbbbbb)",
        "c": "y 1",
    }


def test_a_shared_rank_is_marked_on_every_page_that_shows_it(board, get, rows):
    ranks = {row.submission: row.rank for row in rows}
    shared = shared_ranks(rows)
    assert ranks[board.twins[0]] == ranks[board.twins[1]] == 2
    assert shared >= {2}
    assert 1 not in shared
    assert get("/boards/quick-v1").shown.count("=2") == 2
    home = get("/").shown
    assert "1 better 1.0.0" in home
    assert "=1 better" not in home
    assert home.count("=2 twin 1.0.0") == 2
    for submission in board.twins:
        assert "Rank =2 2 to 3" in get(f"/submissions/{submission}").shown
    assert "Rank 1 1 to 1" in get(f"/submissions/{board.ids['better']}").shown


def test_failed_episodes_are_told_where_the_agent_stands(board, get):
    task = get("/tasks/bipedal-flat-v1").shown
    assert task.count("failed all 4 episodes") == 2
    again = get(f"/submissions/{board.ids['broken-again']}").shown
    expected = "The texts of the failures are published when the season closes; envsuite submission check shows"
    assert expected in again
    assert expected not in get(f"/submissions/{board.ids['broken']}").shown, "its season has closed"
    assert expected not in get(f"/submissions/{board.ids['better']}").shown, "it never failed"


def test_the_caption_of_a_failed_episode_says_how_it_ended(board, get):
    page = get(f"/submissions/{board.ids['broken']}")
    assert page.shown.count(" steps, agent crash") == JOBS
    assert "bipedal-flat-v1 : failed after " in page.shown
    assert all(own["alt"].startswith("Frames of an episode of ") for own in page.all("img"))


def test_rows_have_labels(rows):
    assert list(row_labels(rows)) == [row.submission for row in rows]
