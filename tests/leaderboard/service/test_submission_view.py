"""The page of a submission: its numbers with their units, its proof, what is only declared, and why it waits."""

import re

import pytest

pytest.importorskip("fastapi")

from board_filling import HOSTILE
from board_reading import board, fetch, get
from boards import EPISODES, JOBS

from envsuite.catalogue import family_of, get_suite

__all__ = ["board", "fetch", "get"]
HYPHEN = r"(?<![\w-])-\.?\d"
"""A negative number with a hyphen for a minus sign."""


def test_a_submission_shows_its_numbers_its_proof_and_what_is_only_declared(board, get, fetch):
    identity = board.ids["dream-planner"]
    page = get(f"/submissions/{identity}")
    for expected in (
        "Optimality gap",
        "Performance profile",
        "bubblewrap",
        "no interface but a loopback of its own",
        "tmpfs of 256 MiB at /tmp",
        "writable memory of a process 8 GiB, file 256 MiB,",
        "watched, 4 GiB resident in all",
        "Started at 2026-11-24 16:44 UTC",
        "Training budget, steps declared",
        "10,000,000",
        "is published when the season closes",
        "Ed25519",
        "2026-autumn",
        "Pictures are drawn once the season of these seeds has closed",
        f"envsuite verify {identity}.jsonl --key {board.files.signer.public_key.hex()}"
        " --chain ledger.jsonl --secret SECRET",
    ):
        assert expected in page.shown, expected
    assert "/api/v1/ledger.jsonl" in [own["href"] for own in page.all("a")]
    assert not re.search(r"\d{8,} bytes|\dT\d\d:\d\d", page.shown)
    assert page.all("img") == []
    assert fetch(f"/submissions/{identity}/replays/crafter-reward-v1.webp").status == 404
    assert fetch(f"/submissions/{identity}/result.jsonl").status == 404, "its season is open"
    with_bars = [own for own in page.all("svg") if own.get("role") == "img" and "track" in own.get("class", "")]
    families = {family_of(task_id).name for task_id in get_suite("quick-v1").task_ids}
    assert len(with_bars) == JOBS + len(families), "a bar for each task, and for the mean of each family"


def test_bars_are_normalised_and_say_so_beside_the_score_in_its_unit(board, get):
    page = get(f"/submissions/{board.ids['dream-planner']}")
    assert "Task, its score in its own unit Normalised score" in page.shown
    bars = {own["aria-label"].partition(":")[0]: own["aria-label"] for own in page.all("svg") if "aria-label" in own}
    low, high = re.search(r"\[([\d.]+), ([\d.]+)\]", bars["bipedal-flat-v1"]).groups()
    assert 0 <= float(low) <= float(high) < 2, "the returns are near 300"
    assert re.search(r"bipedal-flat-v1 mean return: [12]\d\d \[[12]\d\d, \d{3}\]", page.shown)
    assert "no ceiling" in bars["nethack-score-v1"]


def test_negative_numbers_have_one_sign(board, get):
    own, others = board.ids["random"], (board.ids["dream-planner"], board.ids["one-lucky-run"])
    shown = get(f"/submissions/{own}").shown
    assert "\N{MINUS SIGN}0." in shown
    assert not re.search(HYPHEN, shown)
    for other in others:
        text = get(f"/compare?a={own}&b={other}").shown
        assert not re.search(HYPHEN, text), re.search(HYPHEN, text)


def test_why_there_is_no_rank_is_said_once(board, get):
    shown = get(f"/submissions/{board.ids['one-lucky-run']}").shown
    assert "Unranked: 1 of the 5 training runs" in shown
    assert "Not ranked" not in shown


def test_a_submission_that_waits_or_was_rejected_says_why(board, get):
    waiting = get(f"/submissions/{board.ids['waiting']}").shown
    assert "It waits for a worker." in waiting
    assert "Place" in waiting
    running = get(f"/submissions/{board.ids['half-way']}")
    assert f"of {5 * EPISODES} episodes" in running.shown
    assert HOSTILE not in running.shown, "the log is its owner's"
    assert running.all("progress")[0]["max"] == str(5 * EPISODES)
    assert "cannot be evaluated" in get(f"/submissions/{board.ids['rejected']}").shown
