"""Comparisons are computed once, one at a time, and few may wait."""

import contextlib
import re
import threading

import numpy as np
import pytest
from board_filling import AGENTS, Board
from html_page import Page

pytest.importorskip("fastapi")

from envsuite.errors import StoreUnavailable
from envsuite.leaderboard.metrics import probability_of_improvement
from envsuite.leaderboard.service import compare_view
from envsuite.leaderboard.service.compare_view import ONE_RUN, WAITING, compare_context
from envsuite.leaderboard.service.render import Urls, render
from envsuite.leaderboard.service.submission_view import submission_context
from envsuite.leaderboard.store import details


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with contextlib.closing(Board(tmp_path_factory.mktemp("board"))) as board:
        board.open_season("s1")
        for agent in (AGENTS[2], AGENTS[6]):
            board.submit(agent)
        board.work()
        yield board


@pytest.fixture(scope="module")
def view(board):
    with board.db.read() as session:
        return details.compare(session, board.ids["scripted-core"], board.ids["random"])


def at(view, ledger_index):
    """Both submissions as they are after an entry of the ledger that no other test has."""
    return view.first, view.second.model_copy(update={"ledger_index": ledger_index})


def test_a_comparison_is_remembered_until_a_result_comes(view):
    calls = []

    def read():
        calls.append(1)
        return view

    once = compare_context(*at(view, 1001), read)
    assert compare_context(*at(view, 1001), read) is once
    assert len(calls) == 1
    compare_context(*at(view, 1002), read)
    assert len(calls) == 2


def test_two_that_played_different_seeds_have_a_probability_of_improvement(view):
    per_run = tuple({task_id: own * 2 for task_id, own in side.items()} for side in view.per_run)
    apart = view.model_copy(update={"common_seeds": False, "per_run": per_run})
    context = compare_context(*at(view, 1004), lambda: apart)
    assert ONE_RUN not in context["notes"]
    chance = context["tiles"][-1][1]
    x, y = (np.array([own[task_id] for task_id in per_run[0]]).T for own in per_run)
    assert chance.value == probability_of_improvement(x, y) > 0.5
    assert chance.low <= chance.value <= chance.high
    uneven = {**per_run[1], "envsuite/bipedal-flat-v1": []}
    fewer = apart.model_copy(update={"per_run": (per_run[0], uneven)})
    other = compare_context(*at(view, 1005), lambda: fewer)["tiles"][-1][1]
    assert other.value == probability_of_improvement(*(np.delete(side, 0, axis=1) for side in (x, y)))


@pytest.mark.parametrize("more", [1, 2])
def test_one_run_played_on_other_seeds_tells_no_chance_between_runs(view, more):
    first, second = view.per_run
    per_run = (first, {task_id: own * more for task_id, own in second.items()})
    apart = view.model_copy(update={"common_seeds": False, "per_run": per_run})
    context = compare_context(*at(view, 1010 + more), lambda: apart)
    title, chance, _ = context["tiles"][-1]
    assert title.startswith("Probability")
    assert chance is None
    assert ONE_RUN in context["notes"]


@pytest.mark.parametrize("common", [True, False])
def test_two_of_one_name_are_told_apart_everywhere(view, common):
    def shown(**second):
        sides = (
            view.first.model_copy(update={"name": "mine", "version": "1.0"}),
            view.second.model_copy(update={"name": "mine", "version": "1.0", "ledger_index": None, **second}),
        )
        own = view.model_copy(update={"first": sides[0], "second": sides[1], "common_seeds": common})
        compare_view._kept.clear()
        return Page(render("compare.html", Urls(), **compare_context(*sides, lambda: own))).shown

    ids = [side.id[:6] for side in (view.first, view.second)]
    for text, one, two in (
        (shown(version="2.0"), "mine 1.0", "mine 2.0"),
        (shown(), f"mine 1.0 ({ids[0]})", f"mine 1.0 ({ids[1]})"),
    ):
        assert f"normalised scores, {one} minus {two}, with" in text
        assert f"Right of the line {one} does better, left of it {two}." in text
        assert f"Task {one} {two} Difference" in text
        assert f"{view.first.trust} {one} " in text
        assert f"{view.second.trust} {two} " in text
        assert f"a run of {one} beats one of {two}" in text
        assert not re.search(r"mine(?! 1\.0| 2\.0)", text)
    assert "other minus mine" not in (named := shown(name="other"))
    assert "mine minus other, with" in named


def test_differences_have_the_signs_of_the_scores(view):
    context = compare_context(*at(view, 1003), lambda: view)
    tiles = {label: triple for label, triple, _ in context["tiles"]}
    assert tiles["Difference of IQM"].value > 0
    for line in context["lines"]:
        if line.difference is not None:
            assert line.difference.value == pytest.approx(line.first.value - line.second.value, abs=2e-3), line
            assert (line.mark.at > 50) == (line.difference.value > 0), line


def test_who_finds_too_many_waiting_is_sent_away_and_the_rest_is_served(view):
    read_may_go = threading.Event()

    def slow():
        read_may_go.wait(30)
        return view

    contexts = []
    threads = [
        threading.Thread(target=lambda i=i: contexts.append(compare_context(*at(view, 2000 + i), slow)))
        for i in range(WAITING)
    ]
    for thread in threads:
        thread.start()
    try:
        while compare_view._waiting._value:
            read_may_go.wait(0.01)
        with pytest.raises(StoreUnavailable, match="in a moment"):
            compare_context(*at(view, 3000), lambda: pytest.fail("served ahead of the others"))
    finally:
        read_may_go.set()
        for thread in threads:
            thread.join()
    assert len(contexts) == WAITING


def test_a_score_of_another_version_leaves_the_page_readable(board):
    with board.db.read() as session:
        detail = details.detail(session, board.ids["random"])
    old = detail.submission.model_copy(update={"score": {"agent": "random", "iqm": 0.5}})
    context = submission_context(old, detail)
    extra = {"strips": [], "no_strips": "", "rivals": [], "tied": False, "result": False, "withheld": False}
    extra |= {"secret": None, "public_seeds": False}
    text = render("submission.html", Urls(), public_key="", **context, **extra)
    assert "written by another version of envsuite" in text
