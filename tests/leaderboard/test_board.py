import io
import json

import pytest
from rich.console import Console
from score_records import incomplete, suite_score

from envsuite.leaderboard import board
from envsuite.leaderboard.board import show_estimate, show_number, standings, to_json, to_markdown, to_text
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.records import SuiteScore


def text_of(scores, width=120):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(to_text(scores))
    return console.file.getvalue()


def ranks(*scores):
    return [(row.rank and str(row.rank), row.score.agent) for row in standings(scores)]


def test_agents_told_apart_have_ranks_of_their_own():
    assert ranks(suite_score("b", (0.3, 0.28, 0.32)), suite_score("a", (0.6, 0.58, 0.62))) == [("1", "a"), ("2", "b")]


def test_agents_not_told_apart_share_a_rank_and_the_next_one_counts_them():
    scores = [
        suite_score("near", (0.58, 0.53, 0.63)),
        suite_score("far", (0.1, 0.05, 0.15)),
        suite_score("best", (0.6, 0.55, 0.65)),
    ]
    assert ranks(*scores) == [("1-2", "best"), ("1-2", "near"), ("3", "far")]


def test_overlapping_intervals_may_still_be_told_apart():
    # The intervals overlap, and yet 0.5 - 0.4 = 0.1 exceeds hypot(0.06, 0.06) = 0.085.
    assert ranks(suite_score("a", (0.5, 0.44, 0.56)), suite_score("b", (0.4, 0.34, 0.46))) == [("1", "a"), ("2", "b")]


def test_incomplete_results_and_those_without_aggregate_stand_last_without_a_rank():
    rows = ranks(suite_score("c", None), incomplete("b"), suite_score("a"))
    assert rows == [("1", "a"), (None, "b"), (None, "c")]


def test_equal_agents_stand_in_alphabetical_order_whatever_the_input_order():
    rows = ranks(suite_score("b"), suite_score("a"))
    assert rows == ranks(suite_score("a"), suite_score("b")) == [("1-2", "a"), ("1-2", "b")]


def test_learned_agents_with_too_few_runs_stand_below_the_ranked_with_the_reason():
    scores = [
        suite_score("lucky", (0.9, 0.8, 1.0), learned=True, runs=4),
        suite_score("a"),
        suite_score("b", learned=True, runs=5),
    ]
    assert ranks(*scores) == [("1-2", "a"), ("1-2", "b"), (None, "lucky")]


def test_boards_refuse_several_suites_one_agent_twice_and_nothing():
    with pytest.raises(ValueError, match="one suite"):
        standings([suite_score("a"), suite_score("b", suite="other-v1")])
    with pytest.raises(ValueError, match="different names"):
        standings([suite_score("a"), suite_score("a")])
    with pytest.raises(ValueError, match="one suite"):
        standings([])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0.0, "0.00"),
        (-0.001, "0.00"),
        (9.994, "9.99"),
        (12.34, "12.3"),
        (-104.9, "-105"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_are_shown_with_about_three_digits(value, shown):
    assert show_number(value) == shown


def test_an_estimate_shows_all_numbers_with_as_many_decimals():
    assert show_estimate(Estimate(5.123, -12.5, 20.0)) == "5.1 [-12.5, 20.0]"
    assert show_estimate(Estimate(0.5, 0.25, 0.75), 2) == "0.50 [0.25, 0.75]"
    assert show_estimate(None) == "-"


def test_the_terminal_shows_every_agent_task_interval_floor_and_note():
    shown = text_of([suite_score("alpha"), incomplete("beta")])
    for expected in ("alpha", "beta", "toy-walk-v1", "toy-reach-v1", "0.50 [0.40,0.60]", "1.00 [0.80,1.00]"):
        assert expected in shown
    assert "beta: Incomplete: 3 episodes not scored" in shown
    assert "Floor" in shown
    assert "Missing" in shown


def test_the_terminal_leaves_out_counts_of_trouble_where_there_is_none():
    shown = text_of([suite_score("alpha")])
    assert "Failed" not in shown
    assert "Missing" not in shown


def test_the_terminal_does_not_read_agent_names_as_markup():
    assert "[bold]evil[/bold]" in text_of([suite_score("[bold]evil[/bold]")])


def test_a_narrow_terminal_loses_no_interval():
    shown = text_of([suite_score("a_rather_long_name_of_an_agent")], width=80)
    assert "[0.40,0.60]" in shown
    assert "[40.0,60.0]" in shown


def test_markdown_tables_have_one_row_per_agent_and_per_task_and_agent():
    text = to_markdown([suite_score("alpha"), incomplete("beta")])
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 2 + 2 + 4
    assert {line.count("|") for line in lines} == {len(board.MAIN_COLUMNS) + 1, len(board.TASK_COLUMNS) + 1}
    assert "| 1 | alpha | 0.50 [0.40, 0.60] |" in text
    assert "- beta: Incomplete" in text


def test_markdown_makes_hostile_names_literal():
    text = to_markdown([suite_score("a|b\n<script>*x*")])
    assert "| a\\|b &lt;script&gt;\\*x\\* |" in text


def test_json_carries_ranks_and_whole_scores():
    scores = [suite_score("alpha"), incomplete("beta")]
    data = json.loads(to_json(scores))
    assert (data["suite"], [row.pop("rank") for row in data["standings"]]) == ("toy-v1", [1, None])
    assert [row.pop("rank_interval") for row in data["standings"]] == [[1, 1], None]
    assert [SuiteScore.from_json(row) for row in data["standings"]] == scores
